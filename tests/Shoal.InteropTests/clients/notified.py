#!/usr/bin/python3
"""Runs a service as systemd would, and writes down what it tells: notified.py USER SOCKET FILE -- COMMAND...

FILE gets the messages, FILE.pid the process. The watchdog wants to hear something every two seconds. Ends as the service does.
"""

import os
import pwd
import socket
import sys
import threading

user, path, told = sys.argv[1:4]
command = sys.argv[5:]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(path)
os.chmod(path, 0o666)
child = os.fork()
if child == 0:
    os.umask(0o027)
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)
    environment = {
        "PATH": "/usr/bin:/bin",
        "NOTIFY_SOCKET": path,
        "WATCHDOG_USEC": "2000000",
        "WATCHDOG_PID": str(os.getpid()),
        "STATE_DIRECTORY": "/var/lib/shoal",
    }
    os.execve(command[0], command, environment)


def listen():
    with open(told, "w") as file:
        while True:
            file.write(manager.recv(4096).decode() + "\n")
            file.flush()


with open(told + ".pid", "w") as file:
    file.write(str(child))
threading.Thread(target=listen, daemon=True).start()
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
