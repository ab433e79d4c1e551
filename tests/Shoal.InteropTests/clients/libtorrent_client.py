"""Seeds or downloads one torrent with libtorrent until it is told to stop (SIGTERM).

Prints one JSON object a line: listening, peer (each once), complete, progress (twice a second), stopped.
"""

import argparse
import json
import signal
import sys
import time

import libtorrent as lt

parser = argparse.ArgumentParser()
parser.add_argument("--torrent")
parser.add_argument("--magnet")
parser.add_argument("--save", required=True)
parser.add_argument("--bind", default="0.0.0.0")
parser.add_argument("--port", type=int, default=6881)
parser.add_argument("--peer", action="append", default=[])
parser.add_argument("--upload-limit", type=int, default=0, help="bytes a second, 0 for none")
parser.add_argument("--download-limit", type=int, default=0, help="bytes a second, 0 for none")
parser.add_argument("--transport", choices=["tcp", "utp", "both"], default="both")
parser.add_argument("--encryption", choices=["off", "prefer", "require"], default="prefer")
parser.add_argument("--level", choices=["plaintext", "rc4", "both"], default="both", help="after an encrypted handshake")
parser.add_argument("--ssl", nargs=3, metavar=("CERTIFICATE", "KEY", "DH"), help="of an SSL torrent, in PEM")
parser.add_argument("--lsd", action="store_true")
parser.add_argument("--no-pex", action="store_true")
parser.add_argument("--socks5", help="HOST:PORT of a proxy for everything")
options = parser.parse_args()

stopping = False


def stop(*_):
    global stopping
    stopping = True


def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)

tcp, utp = options.transport != "utp", options.transport != "tcp"
policy = {"off": 2, "prefer": 1, "require": 0}[options.encryption]
proxy = {}
if options.socks5:
    host, port = options.socks5.rsplit(":", 1)
    proxy = {"proxy_type": 2, "proxy_hostname": host, "proxy_port": int(port)}
session = lt.session(
    {
        **proxy,
        "listen_interfaces": f"{options.bind}:{options.port}" + ("s" if options.ssl else ""),
        "enable_dht": False,
        "enable_lsd": options.lsd,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_tcp": tcp,
        "enable_outgoing_tcp": tcp,
        "enable_incoming_utp": utp,
        "enable_outgoing_utp": utp,
        "in_enc_policy": policy,
        "out_enc_policy": policy,
        "allowed_enc_level": {"plaintext": 1, "rc4": 2, "both": 3}[options.level],
        "upload_rate_limit": options.upload_limit,
        "download_rate_limit": options.download_limit,
        "alert_mask": lt.alert.category_t.error_notification
        | lt.alert.category_t.status_notification
        | lt.alert.category_t.storage_notification,
    }
)
# The default classes exempt local networks from rate limits, and these tests are such a network: everybody is in the
# global class (bit 0), to which the limits apply, and in no other.
everybody = lt.ip_filter()
everybody.add_rule("0.0.0.0", "255.255.255.255", 1)
session.set_peer_class_filter(everybody)

if options.magnet:
    parameters = lt.parse_magnet_uri(options.magnet)
else:
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(options.torrent)
parameters.save_path = options.save
parameters.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
if options.no_pex:
    parameters.flags |= lt.torrent_flags.disable_pex
handle = session.add_torrent(parameters)
if options.ssl:
    handle.set_ssl_certificate(*options.ssl)
for peer in options.peer:
    host, port = peer.rsplit(":", 1)
    handle.connect_peer((host, int(port)))
say("listening", port=session.listen_port())

# Not named in the bindings.
UTP_SOCKET = 1 << 17
SOURCES = {"tracker": 1, "dht": 2, "pex": 4, "lsd": 8, "resume": 16, "incoming": 32}
met = set()
complete = flushing = False
spoken = 0.0
while not stopping:
    session.wait_for_alert(100)
    for alert in session.pop_alerts():
        if isinstance(alert, lt.cache_flushed_alert) and flushing and not complete:
            complete = True
            say("complete", uploaded=handle.status().total_payload_upload)
        elif isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert, lt.metadata_failed_alert)):
            say("error", message=alert.message())
        elif alert.category() & lt.alert.category_t.error_notification:
            print(alert.message(), file=sys.stderr, flush=True)
    for peer in handle.get_peer_info():
        address = "{}:{}".format(*peer.ip)
        if not peer.flags & (lt.peer_info.handshake | lt.peer_info.connecting) and address not in met:
            met.add(address)
            say(
                "peer",
                address=address,
                sources=[name for name, bit in SOURCES.items() if int(peer.source) & bit],
                outgoing=bool(peer.flags & lt.peer_info.local_connection),
                transport="utp" if peer.flags & UTP_SOCKET else "tcp",
                encryption="rc4"
                if peer.flags & lt.peer_info.rc4_encrypted
                else "header"
                if peer.flags & lt.peer_info.plaintext_encrypted
                else "none",
            )
    status = handle.status()
    if status.is_seeding and not flushing:
        flushing = True
        handle.flush_cache()
    if time.monotonic() - spoken > 0.5:
        spoken = time.monotonic()
        say(
            "progress",
            state=str(status.state),
            done=status.total_wanted_done,
            size=status.total_wanted,
            peers=status.num_peers,
            uploaded=status.total_payload_upload,
            downloaded=status.total_payload_download,
            failed=status.total_failed_bytes,
        )

status = handle.status()
say("stopped", uploaded=status.total_payload_upload, downloaded=status.total_payload_download)
