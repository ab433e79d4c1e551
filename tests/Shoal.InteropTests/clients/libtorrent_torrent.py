"""Writes a .torrent with libtorrent ("create") or says what is in one as JSON ("show")."""

import argparse
import json
import os

import libtorrent as lt

parser = argparse.ArgumentParser()
parser.add_argument("action", choices=["create", "show"])
parser.add_argument("file")
parser.add_argument("--content")
parser.add_argument("--format", choices=["v1", "v1-padded", "v2", "hybrid"], default="hybrid")
parser.add_argument("--piece-length", type=int, default=64 * 1024)
parser.add_argument("--tracker")
options = parser.parse_args()

if options.action == "create":
    storage = lt.file_storage()
    lt.add_files(storage, options.content)
    kinds = lt.create_torrent
    flags = {
        "v1": kinds.v1_only,
        "v1-padded": kinds.v1_only | kinds.canonical_files,
        "v2": kinds.v2_only,
        "hybrid": 0,
    }
    torrent = lt.create_torrent(storage, options.piece_length, flags[options.format])
    if options.tracker:
        torrent.add_tracker(options.tracker)
    lt.set_piece_hashes(torrent, os.path.dirname(os.path.abspath(options.content)))
    with open(options.file, "wb") as out:
        out.write(lt.bencode(torrent.generate()))

info = lt.torrent_info(options.file)
hashes = info.info_hashes()
files = info.files()
entries = [
    {
        "path": files.file_path(i),
        "size": files.file_size(i),
        "pad": bool(files.file_flags(i) & lt.file_storage.flag_pad_file),
    }
    for i in range(files.num_files())
]
print(
    json.dumps(
        {
            "v1": str(hashes.v1) if hashes.has_v1() else None,
            "v2": str(hashes.v2) if hashes.has_v2() else None,
            "magnet": lt.make_magnet_uri(info),
            "size": info.total_size(),
            "files": entries,
        }
    )
)
