"""Runs a command at a terminal of its own and types a line of a file each time that it asks for something.

type.py FILE PROGRAM ARGUMENT...; prints what the terminal shows, and ends as the program does.
"""

import os
import pty
import sys
import termios

lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "dumb"
    os.execvp(sys.argv[2], sys.argv[2:])

shown = b""
while True:
    try:
        some = os.read(terminal, 4096)
    except OSError:
        break
    if not some:
        break
    sys.stdout.buffer.write(some)
    sys.stdout.buffer.flush()
    shown += some
    # Whoever is asked sees a line that is not ended.
    if lines and shown.endswith(b": "):
        # Whoever types at once would be seen by who looks on.
        if termios.tcgetattr(terminal)[3] & termios.ECHO:
            print("\nthe terminal shows what is typed", flush=True)
        os.write(terminal, (lines.pop(0) + "\r").encode())
        shown = b""

_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
