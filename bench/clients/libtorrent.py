"""libtorrent: this file is both the description for bench/compare and the process it starts."""

import json
import os
import signal
import sys

NAME = "libtorrent"
PACKAGE = "python3-libtorrent"
FORMATS = {"v1", "v2", "hybrid"}
TRANSPORTS = {"tcp", "utp"}
ENCRYPTIONS = {"off", "rc4"}
BY_TRACKER = False


def version():
    import libtorrent

    return libtorrent.version


def seed(job):
    return command("seed", job)


def get(job):
    return command("get", job, *([job.peer] if job.peer else []))


def command(role, job, *peers):
    script = os.path.join(job.root, "bench", "clients", "libtorrent.py")
    return [sys.executable, script, role, job.transport, job.encryption, job.torrent, job.folder, job.address, str(job.port), *peers]


def happening(role, line):
    return json.loads(line)["event"] if line.startswith("{") else None


def work(role, transport, encryption, torrent, folder, address, port, *peers):
    # The folder of this file comes first when it is run, and this file has the library's name.
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    import libtorrent as lt

    def say(event):
        print(json.dumps({"event": event}), flush=True)

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    # The library's own preset for speed, which its tuning guide names; and one transport.
    settings = lt.high_performance_seed()
    settings.update(
        {
            "listen_interfaces": f"{address}:{port}",
            "outgoing_interfaces": address,
            "enable_dht": False,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "enable_outgoing_utp": transport == "utp",
            "enable_incoming_utp": transport == "utp",
            "enable_outgoing_tcp": transport == "tcp",
            "enable_incoming_tcp": transport == "tcp",
            # Forced or disabled; and RC4 for the stream too.
            "in_enc_policy": 0 if encryption == "rc4" else 2,
            "out_enc_policy": 0 if encryption == "rc4" else 2,
            "allowed_enc_level": 2,
            "allow_multiple_connections_per_ip": True,
            "max_out_request_queue": 3000,
            "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification,
        }
    )
    session = lt.session(settings)
    session.set_peer_class_filter(lt.ip_filter())
    parameters = lt.add_torrent_params()
    parameters.ti = lt.torrent_info(torrent)
    # Told of them when the clock starts.
    web_seeds = [seed["url"] for seed in parameters.ti.web_seeds()]
    parameters.ti.set_web_seeds([])
    parameters.save_path = folder
    parameters.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    if role == "seed":
        parameters.flags |= lt.torrent_flags.seed_mode
        if "SUPER_SEED" in os.environ:
            parameters.flags |= lt.torrent_flags.super_seeding
    handle = session.add_torrent(parameters)
    while role == "get" and handle.status().state != lt.torrent_status.states.downloading:
        session.wait_for_alert(5)
        session.pop_alerts()
    if role == "get":
        say("start")
        for peer in peers:
            handle.connect_peer((peer, int(port)))
        for url in web_seeds:
            handle.add_url_seed(url)
    else:
        say("ready")
    complete = False
    while not stop:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.torrent_finished_alert) and role == "get" and not complete:
                complete = True
                say("complete")
            elif alert.category() & lt.alert.category_t.error_notification:
                print(alert.message(), file=sys.stderr, flush=True)


if __name__ == "__main__":
    work(*sys.argv[1:])
