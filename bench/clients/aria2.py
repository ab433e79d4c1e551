"""aria2. It is told of the seed by the tracker, and tells the tracker when it is complete."""

import subprocess

NAME = "aria2"
PACKAGE = "aria2"
FORMATS = {"v1"}
ENCRYPTIONS = {"off", "rc4"}
BY_TRACKER = True


def version():
    return subprocess.run(["aria2c", "--version"], capture_output=True, text=True).stdout.split()[2]


def seed(job):
    return command(job, "--bt-seed-unverified=true")


def get(job):
    return command(job)


def command(job, *more):
    return [
        "aria2c",
        "--no-conf=true",
        "--enable-dht=false",
        "--enable-dht6=false",
        "--enable-peer-exchange=false",
        "--bt-enable-lpd=false",
        "--disable-ipv6=true",
        "--file-allocation=none",
        "--disk-cache=64M",
        "--seed-ratio=0.0",
        "--show-console-readout=false",
        "--summary-interval=0",
        "--quiet=true",
        *(["--bt-force-encryption=true"] if job.encryption == "rc4" else []),
        f"--interface={job.address}",
        f"--listen-port={job.port}",
        f"--dir={job.folder}",
        *more,
        job.torrent,
    ]


def happening(role, line):
    return None
