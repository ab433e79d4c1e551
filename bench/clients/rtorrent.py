"""rtorrent. It is told of the seed by the tracker, and tells the tracker when it is complete."""

import os
import re
import subprocess

NAME = "rtorrent"
PACKAGE = "rtorrent"
FORMATS = {"v1", "hybrid"}
ENCRYPTIONS = {"off", "rc4"}
BY_TRACKER = True


def version():
    text = subprocess.run(["rtorrent", "-h"], capture_output=True, text=True).stdout
    return re.search(r"version ([\d.]+)", text).group(1).rstrip(".")


def seed(job):
    return command(job)


def get(job):
    return command(job)


def command(job):
    settings = os.path.join(job.scratch, "rtorrent.rc")
    session = os.path.join(job.scratch, "session")
    os.mkdir(session)
    # Without "allow_incoming" and the like it takes and makes encrypted connections only.
    encryption = "require,require_RC4" if job.encryption == "rc4" else "none"
    with open(settings, "w") as out:
        out.write(
            f"""
system.daemon.set = true
network.bind_address.set = {job.address}
network.port_range.set = {job.port}-{job.port}
network.port_random.set = no
network.send_buffer.size.set = 4M
network.receive_buffer.size.set = 4M
pieces.memory.max.set = 4096M
pieces.hash.on_completion.set = no
protocol.encryption.set = {encryption}
protocol.pex.set = no
dht.mode.set = disable
trackers.use_udp.set = no
session.path.set = "{session}"
directory.default.set = "{job.folder}"
load.start = "{job.torrent}"
"""
        )
    return ["rtorrent", "-n", "-o", f"import={settings}"]


def happening(role, line):
    return None
