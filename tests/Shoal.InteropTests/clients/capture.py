"""Looks at all IPv4 traffic of a network namespace for some bytes, until it is told to stop (SIGTERM).

Prints one JSON object a line: capturing; captured, with how many times each of the bytes was seen, by the address that sent them.
"""

import argparse
import json
import signal
import socket
import struct

parser = argparse.ArgumentParser()
parser.add_argument("needles", nargs="+", help="hexadecimal")
options = parser.parse_args()
needles = [bytes.fromhex(text) for text in options.needles]
longest = max(map(len, needles))
stopping = False


def stop(*_):
    global stopping
    stopping = True


signal.signal(signal.SIGTERM, stop)
EVERYTHING = 0x0003
capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERYTHING))
capture.setsockopt(socket.SOL_SOCKET, 33, 64 * 1024 * 1024)  # SO_RCVBUFFORCE
capture.settimeout(0.2)
print(json.dumps({"event": "capturing"}), flush=True)

bytes_by, found, tails = {}, {}, {}
while not stopping:
    try:
        frame = capture.recv(128 * 1024)
    except TimeoutError:
        continue
    if len(frame) < 34 or frame[12:14] != b"\x08\x00":
        continue
    ip = frame[14:]
    header = (ip[0] & 15) * 4
    payload = ip[header : struct.unpack(">H", ip[2:4])[0] or None]
    source = socket.inet_ntoa(ip[12:16])
    bytes_by[source] = bytes_by.get(source, 0) + len(payload)
    # What begins in one packet of a flow and ends in the next counts too.
    flow = ip[9:10] + ip[12:20] + payload[:4]
    body = payload[(payload[12] >> 4) * 4 :] if ip[9] == 6 and len(payload) > 12 else payload[8:]
    seen = tails.get(flow, b"") + body
    tails[flow] = seen[-(longest - 1) :]
    for needle, text in zip(needles, options.needles):
        if needle in seen:
            found.setdefault(source, {}).setdefault(text, 0)
            found[source][text] += 1

_, dropped = struct.unpack("II", capture.getsockopt(263, 6, 8))  # SOL_PACKET, PACKET_STATISTICS
print(json.dumps({"event": "captured", "bytes": bytes_by, "found": found, "dropped": dropped}), flush=True)
