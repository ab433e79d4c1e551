"""transmission-daemon. It is told of the seed by the tracker, and tells the tracker when it is complete."""

import json
import os
import re
import subprocess

NAME = "transmission"
PACKAGE = "transmission-daemon"
FORMATS = {"v1", "hybrid"}
ENCRYPTIONS = {"off", "rc4"}
BY_TRACKER = True


def version():
    done = subprocess.run(["transmission-daemon", "--version"], capture_output=True, text=True)
    return re.search(r"[\d.]+", done.stdout + done.stderr).group()


def seed(job):
    return command(job)


def get(job):
    return command(job)


def command(job):
    settings = os.path.join(job.scratch, "settings")
    os.mkdir(settings)
    with open(os.path.join(settings, "settings.json"), "w") as out:
        json.dump(
            {
                "bind-address-ipv4": job.address,
                # Blocks wait here until a piece can be checked in memory; 4 MB by default.
                "cache-size-mb": 256,
                "dht-enabled": False,
                "download-dir": job.folder,
                "encryption": 2 if job.encryption == "rc4" else 0,
                "incomplete-dir-enabled": False,
                "lpd-enabled": False,
                "peer-port": job.port,
                "pex-enabled": False,
                "port-forwarding-enabled": False,
                "preallocation": 0,
                "rename-partial-files": False,
                "rpc-enabled": False,
                # It asks for no more than a few seconds of the rate so far: without this it starts at 20 MB/s.
                "speed-limit-down-enabled": False,
                "speed-limit-up-enabled": False,
                # Version 3.00 is a hundred times slower over uTP than over TCP on a network without delay.
                "utp-enabled": False,
                "watch-dir": os.path.dirname(job.torrent),
                "watch-dir-enabled": False,
            },
            out,
        )
    watched = os.path.join(job.scratch, "watched")
    os.mkdir(watched)
    os.symlink(job.torrent, os.path.join(watched, "data.torrent"))
    return ["transmission-daemon", "--foreground", "--config-dir", settings, "--watch-dir", watched]


def happening(role, line):
    return None
