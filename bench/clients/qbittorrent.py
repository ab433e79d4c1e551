"""qbittorrent-nox. It is told of the seed by the tracker, and tells the tracker when it is complete."""

import os
import subprocess

NAME = "qbittorrent"
PACKAGE = "qbittorrent-nox"
FORMATS = {"v1", "v2", "hybrid"}
ENCRYPTIONS = {"off", "rc4"}
BY_TRACKER = True


def version():
    return subprocess.run(["qbittorrent-nox", "--version"], capture_output=True, text=True).stdout.split()[1].lstrip("v")


def seed(job):
    return command(job)


def get(job):
    return command(job)


def command(job):
    profile = os.path.join(job.scratch, "profile")
    folder = os.path.join(profile, "qBittorrent", "config")
    os.makedirs(folder)
    # Its wiki's advice for fast lines: more threads for the disk and for hashes, larger send buffers, TCP alone.
    with open(os.path.join(folder, "qBittorrent.conf"), "w") as out:
        out.write(
            f"""
[BitTorrent]
Session\\AddTorrentPaused=false
Session\\AsyncIOThreadsCount=8
Session\\BTProtocol=TCP
Session\\DHTEnabled=false
Session\\DefaultSavePath={job.folder}
Session\\Encryption={1 if job.encryption == "rc4" else 2}
Session\\FilePoolSize=500
Session\\HashingThreadsCount=2
Session\\Interface=lo
Session\\InterfaceAddress={job.address}
Session\\LSDEnabled=false
Session\\MultiConnectionsPerIp=true
Session\\PeXEnabled=false
Session\\Port={job.port}
Session\\QueueingSystemEnabled=false
Session\\RequestQueueSize=3000
Session\\SendBufferLowWatermark=1024
Session\\SendBufferWatermark=10240
Session\\SendBufferWatermarkFactor=250

[LegalNotice]
Accepted=true

[Network]
PortForwardingEnabled=false

[Preferences]
WebUI\\Address={job.address}
WebUI\\Port=8080
WebUI\\UseUPnP=false
"""
        )
    return ["qbittorrent-nox", f"--profile={profile}", f"--save-path={job.folder}", "--skip-dialog=true", "--add-paused=false", job.torrent]


def happening(role, line):
    return None
