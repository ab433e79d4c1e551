"""nginx, as a web seed (BEP 19): it can only be the seed of a pair."""

import os
import subprocess

NAME = "nginx"
PACKAGE = "nginx-light"
FORMATS = {"v1", "v2", "hybrid"}
BY_TRACKER = False
# The receiver is told of no peer: the torrent names this server.
IS_WEB_SEED = True
PORT = 8080


def version():
    return subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip().split("/")[1]


def seed(job):
    config = os.path.join(job.scratch, "nginx.conf")
    places = "".join(f"{name}_temp_path {job.scratch}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(config, "w") as out:
        out.write(
            # One process, so that its processor time is all of it.
            f"daemon off; master_process off; pid {job.scratch}/pid; error_log /dev/stdout notice;\n"
            "events { worker_connections 64; }\n"
            f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; {places}"
            f"server {{ listen {job.address}:{PORT}; root {job.folder}; }} }}\n"
        )
    return ["nginx", "-c", config, "-p", job.scratch]


def happening(role, line):
    return "ready" if "RLIMIT_NOFILE" in line else None
