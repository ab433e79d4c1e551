"""A line between two machines that are network namespaces: a rate, a round trip, a queue. bench/stream and bench/far use it.

It moves packets between two tun devices, late and not faster than the line; no kernel module is needed. Needs root.
"""

import collections
import ctypes
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import time

SEED, PLAYER = "10.77.0.1", "10.77.0.2"


def open_tun(space):
    """A tun device in a namespace; the descriptor stays usable outside of it."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/var/run/netns/{space}", os.O_RDONLY)
    if libc.setns(there, 0x40000000):
        raise OSError(ctypes.get_errno(), f"cannot enter {space}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH", b"tun0", 0x0001 | 0x1000))
    libc.setns(home, 0x40000000)
    os.close(there)
    os.close(home)
    return tun


def run_line(ends, rate, delay, queue):
    """Both directions: each packet leaves when those before it have, and arrives a delay later; beyond the queue it is lost."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    waiting = [collections.deque(), collections.deque()]
    free_at = [0.0, 0.0]
    while True:
        now = time.monotonic()
        for way in (0, 1):
            line = waiting[way]
            while line and line[0][0] <= now:
                try:
                    os.write(ends[1 - way], line.popleft()[1])
                except OSError:
                    pass
        due = min((line[0][0] for line in waiting if line), default=now + 1)
        readable, _, _ = select.select(ends, [], [], max(0, due - time.monotonic()))
        for end in readable:
            way = ends.index(end)
            for _ in range(64):
                try:
                    packet = os.read(end, 65536)
                except BlockingIOError:
                    break
                now = time.monotonic()
                start = max(now, free_at[way])
                if (start - now) * rate > queue:
                    continue
                free_at[way] = start + len(packet) / rate
                waiting[way].append((free_at[way] + delay, packet))


class Network:
    """Two namespaces and the line between them, which is a process of its own. rate in Mbit/s, rtt in ms, queue in KiB."""

    def __init__(self, options):
        self.spaces = {SEED: f"shoal-line-{os.getpid()}-a", PLAYER: f"shoal-line-{os.getpid()}-b"}
        self.line = None
        self.options = options

    def __enter__(self):
        ends = []
        for address, space in self.spaces.items():
            subprocess.run(["ip", "netns", "add", space], check=True)
            ends.append(open_tun(space))
            for command in (["ip", "link", "set", "lo", "up"], ["ip", "addr", "add", f"{address}/24", "dev", "tun0"]):
                subprocess.run(["ip", "netns", "exec", space, *command], check=True)
            for command in (
                ["ip", "link", "set", "tun0", "up", "mtu", "1500"],
                ["sysctl", "-qw", "net.ipv4.tcp_congestion_control=reno"],
            ):
                subprocess.run(["ip", "netns", "exec", space, *command], check=True)
        self.line = os.fork()
        if self.line == 0:
            try:
                run_line(ends, self.options.rate * 125_000, self.options.rtt / 2000, self.options.queue * 1024)
            finally:
                os._exit(1)
        for end in ends:
            os.close(end)
        return self

    def __exit__(self, *_):
        os.kill(self.line, signal.SIGKILL)
        os.waitpid(self.line, 0)
        for space in self.spaces.values():
            subprocess.run(["ip", "netns", "del", space], check=False)

    def start(self, address, command):
        return subprocess.Popen(
            ["ip", "netns", "exec", self.spaces[address], "nice", "-n", "-10", *command], stdout=subprocess.PIPE, text=True, bufsize=1
        )


def wait_for(process, word):
    for line in process.stdout:
        if word in line:
            return line
    sys.exit(f"it ended: {process.args}")


def end(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
