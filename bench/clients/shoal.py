"""Shoal: the program of this repository, built by ./shoal; SHOAL_EXE names another."""

import json
import os
import subprocess

NAME = "shoal"
FORMATS = {"v1", "v2", "hybrid"}
TRANSPORTS = {"tcp", "utp"}
ENCRYPTIONS = {"off", "rc4"}
BY_TRACKER = False

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.environ.get("SHOAL_EXE") or os.path.join(ROOT, "shoal")


def version():
    return subprocess.run([PROGRAM, "--version"], capture_output=True, text=True).stdout.strip().split("+")[0]


def seed(job):
    return command(job, "seed", job.torrent, "--data", job.folder)


def get(job):
    peers = ["--peer", f"{job.peer}:{job.port}"] if job.peer else []
    return command(job, "get", job.torrent, "-o", job.folder, "--seed", *peers)


def command(job, *what):
    network = ["--port", str(job.port), "--bind", job.address, "--no-dht", "--no-lsd", "--no-port-mapping", "--no-trackers",
               "--transport", job.transport, "--encryption", "require" if job.encryption == "rc4" else "allow"]
    return [PROGRAM, *what, "--json", *network, "--state", os.path.join(job.scratch, "state")]


def happening(role, line):
    if not line.startswith("{"):
        return None
    event = json.loads(line)
    if event["event"] == "listening":
        return "start" if role == "get" else None
    if event["event"] == "complete":
        return "complete" if role == "get" else "ready"
    if event["event"] == "progress" and event["done"] == event["size"]:
        return "ready" if role == "seed" else None
    return None
