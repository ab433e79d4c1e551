"""What this machine can do at most: bench/compare measures it in the same run."""

import hashlib
import os
import socket
import tempfile
import time


def measure(folder, address):
    """What hashing, memory and the loopback do alone, in GB/s; the loopback also into a file where the receivers write."""
    limits = {}
    block = os.urandom(16 * 1024)
    for name in ("sha1", "sha256"):
        digest = hashlib.new(name)
        start = time.monotonic()
        for _ in range(32 * 1024):
            digest.update(block)
        limits[name] = round(len(block) * 32 * 1024 / (time.monotonic() - start) / 1e9, 2)
    limits["memory"] = measure_copy()
    limits["loopback"] = measure_loopback(address, None)
    limits["loopback to file"] = measure_loopback(address, os.path.join(folder, "received"))
    return limits


def measure_copy(size=64 << 20, times=16):
    """Larger than the caches; the first copy touches the memory."""
    source, target = memoryview(bytearray(os.urandom(1 << 20) * (size >> 20))), memoryview(bytearray(size))
    target[:] = source
    start = time.monotonic()
    for _ in range(times):
        target[:] = source
    return round(size * times / (time.monotonic() - start) / 1e9, 2)


def measure_loopback(address, path, size=2 << 30):
    """sendfile at one end; the other drops what it receives, or writes it to the file."""
    listener = socket.create_server((address, 0))
    sender = os.fork()
    if sender == 0:
        connection, _ = listener.accept()
        with tempfile.TemporaryFile(dir="/dev/shm") as data:
            data.write(bytes(64 << 20))
            for _ in range(size >> 26):
                offset = 0
                while offset < 64 << 20:
                    offset += os.sendfile(connection.fileno(), data.fileno(), offset, (64 << 20) - offset)
        os._exit(0)
    buffer = memoryview(bytearray(1 << 20))
    file = open(path, "wb", buffering=0) if path else None
    with socket.create_connection(listener.getsockname()) as connection:
        connection.recv_into(buffer, 1)
        start, left = time.monotonic(), size - 1
        while left and (got := connection.recv_into(buffer)):
            left -= got
            if file:
                file.write(buffer[:got])
    seconds = time.monotonic() - start
    os.waitpid(sender, 0)
    if file:
        file.close()
        os.unlink(path)
    return round(size / seconds / 1e9, 2)
