"""Puts a signed item (BEP 44) with one node of the DHT and prints what it says, as one JSON object.

The bindings of libtorrent can put strings only, and BEP 46 wants a dictionary: here it is written and signed by hand (with
libsodium), and it is for the node, libtorrent's, to say whether it is good.
"""

import argparse
import ctypes
import hashlib
import json
import os
import socket
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--node", required=True)
parser.add_argument("--seed", required=True, help="the private key, 64 hexadecimal digits")
parser.add_argument("--salt", default="")
parser.add_argument("--sequence", type=int, required=True)
parser.add_argument("--ih", help="v1 infohash, hexadecimal")
parser.add_argument("--ih2", help="v2 infohash, hexadecimal")
options = parser.parse_args()


def encode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    return b"d" + b"".join(encode(key) + encode(value[key]) for key in sorted(value)) + b"e"


def field(message, key):
    """The string behind a key; enough for what is asked here."""
    at = message.find(encode(key))
    if at < 0:
        return None
    start = at + len(encode(key))
    colon = message.index(b":", start)
    return message[colon + 1 : colon + 1 + int(message[start:colon])]


sodium = ctypes.CDLL("libsodium.so.23")
sodium.sodium_init()
public, secret = ctypes.create_string_buffer(32), ctypes.create_string_buffer(64)
sodium.crypto_sign_seed_keypair(public, secret, bytes.fromhex(options.seed))
value = {}
if options.ih:
    value["ih"] = bytes.fromhex(options.ih)
if options.ih2:
    value["ih2"] = bytes.fromhex(options.ih2)
salt = options.salt.encode()
signed = (b"4:salt" + encode(salt) if salt else b"") + b"3:seq" + encode(options.sequence) + b"1:v" + encode(value)
signature = ctypes.create_string_buffer(64)
sodium.crypto_sign_detached(signature, None, signed, ctypes.c_ulonglong(len(signed)), secret)

host, port = options.node.rsplit(":", 1)
link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
link.settimeout(2)
own = os.urandom(20)


def ask(method, arguments):
    for _ in range(5):
        query = {"a": {"id": own, **arguments}, "q": method, "t": b"xx", "y": "q"}
        link.sendto(encode(query), (host, int(port)))
        try:
            return link.recv(2048)
        except socket.timeout:
            continue
    sys.exit("the node does not answer")


target = hashlib.sha1(public.raw + salt).digest()
token = field(ask("get", {"target": target}), "token")
put = {"k": public.raw, "seq": options.sequence, "sig": signature.raw, "token": token, "v": value}
if salt:
    put["salt"] = salt
answer = ask("put", put)
print(json.dumps({"stored": b"1:y1:r" in answer, "key": public.raw.hex(), "answer": repr(answer)}))
