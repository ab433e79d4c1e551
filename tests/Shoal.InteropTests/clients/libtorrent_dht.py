"""A node of libtorrent's DHT. Prints one JSON object a line.

Commands are arguments, done in their order once the node knows another one:
  announce:HEX            have a torrent of this infohash, and announce it
  peers:HEX               look for peers of it until there are some
  put:TEXT                put an immutable string
  get:HEX                 get an immutable item
  mput:SEEDHEX:KEYHEX:SALT:TEXT  put a mutable string
  mget:KEYHEX:SALT        get a mutable item
  stay                    wait for SIGTERM
"""

import argparse
import hashlib
import json
import re
import signal
import sys
import tempfile
import time

import libtorrent as lt

parser = argparse.ArgumentParser()
parser.add_argument("--bind", default="127.0.0.1")
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--node", action="append", default=[])
parser.add_argument("commands", nargs="*")
options = parser.parse_args()

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


session = lt.session(
    {
        "listen_interfaces": f"{options.bind}:{options.port}",
        "enable_dht": True,
        "dht_bootstrap_nodes": "",
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_prefer_verified_node_ids": False,
        "dht_enforce_node_id": False,
        "dht_ignore_dark_internet": False,
        "dht_block_ratelimit": 1000,
        "dht_max_dht_items": 100,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "alert_mask": lt.alert.category_t.all_categories,
    }
)
for node in options.node:
    host, port = node.rsplit(":", 1)
    session.add_dht_node((host, int(port)))


def alerts(kind, seconds):
    """The next alerts of a kind, until the time is over."""
    end = time.time() + seconds
    while time.time() < end:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            if type(alert).__name__ == kind:
                yield alert


say("listening", port=session.listen_port())
if not options.commands:
    # Others come to it.
    options.commands = ["stay"]


def wait_for_nodes():
    for _ in range(300):
        session.post_dht_stats()
        for alert in alerts("dht_stats_alert", 0.2):
            if sum(bucket["num_nodes"] for bucket in alert.routing_table) > 0:
                return
    say("alone")
    sys.exit(1)


def again(action, kind, test):
    """Does it again until an alert fits: a lookup may come before what it looks for."""
    for _ in range(20):
        action()
        for alert in alerts(kind, 3):
            found = test(alert)
            if found is not None:
                return found
    return None


def newest(alert):
    """The item, as far as the bindings can say it: of values that are no strings only the message tells."""
    try:
        item = alert.item
    except RuntimeError:
        found = re.search(r"seq=(-?\d+)", alert.message())
        item = {"value": alert.message(), "seq": int(found[1]) if found else 0}
    return item if item.get("seq", 0) > 0 else None


if options.node:
    wait_for_nodes()
    say("joined")
for command in options.commands:
    name, *words = command.split(":")
    if name == "announce":
        torrent = lt.add_torrent_params()
        torrent.info_hashes = lt.info_hash_t(lt.sha1_hash(bytes.fromhex(words[0])))
        torrent.save_path = tempfile.mkdtemp()
        session.add_torrent(torrent).force_dht_announce()
        say("announced")
    elif name == "peers":
        target = lt.sha1_hash(bytes.fromhex(words[0]))
        found = again(
            lambda: session.dht_get_peers(target),
            "dht_get_peers_reply_alert",
            lambda alert: [list(peer) for peer in alert.peers()] or None,
        )
        say("peers", peers=found)
    elif name == "put":
        target = session.dht_put_immutable_item(words[0])
        done = next((alert.num_success for alert in alerts("dht_put_alert", 30)), None)
        say("put", target=str(target), stored=done)
    elif name == "get":
        target = lt.sha1_hash(bytes.fromhex(words[0]))
        found = again(
            lambda: session.dht_get_immutable_item(target),
            "dht_immutable_item_alert",
            lambda alert: alert.item.get("value"),
        )
        say("got", value=str(found))
    elif name == "mput":
        seed, public, salt, text = bytes.fromhex(words[0]), bytes.fromhex(words[1]), words[2], words[3]
        # libtorrent wants the private key as RFC 8032 expands it.
        private = bytearray(hashlib.sha512(seed).digest())
        private[0] &= 248
        private[31] = private[31] & 63 | 64
        session.dht_put_mutable_item(bytes(private), public, text, salt)
        done = next((alert.num_success for alert in alerts("dht_put_alert", 30)), None)
        say("put", key=public.hex(), stored=done)
    elif name == "mget":
        key, salt = bytes.fromhex(words[0]), words[1]
        found = again(
            lambda: session.dht_get_mutable_item(key, salt),
            "dht_mutable_item_alert",
            newest,
        )
        say("got", value=str(found and found["value"]), seq=found and found["seq"])
    elif name == "stay":
        while True:
            time.sleep(0.2)
say("done")
