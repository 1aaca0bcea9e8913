# SPDX-License-Identifier: MIT
"""Encrypting and decrypting large files, against libcdoc (``pycdoc``) and against deflate and inflate alone.

Each encryption and decryption is a process of its own, so that its peak memory can be told; the time
is that of the work inside the process, without starting Python. libcdoc's own decryption is quadratic
in the file's size and ``pycdoc`` offers none, so decryption is held against inflate alone.
"""

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.measure import show

_SIZE_BYTES = 256 * 2**20
_PIECE_BYTES = 2**20
_RUNS = 3
_SMALL_FILES = 1000
_SMALL_BYTES = 10 * 1024


def run() -> None:
    """Print MB/s, ratios and peak memory for random and log-like data, and for many small files."""
    with tempfile.TemporaryDirectory(prefix="osak-bench-") as name:
        folder = Path(name)
        inputs = folder / "in"
        inputs.mkdir()
        _child("keys", folder)
        for kind, pieces in (("random", _random_pieces()), ("log text", _log_pieces())):
            with (inputs / "data.bin").open("wb") as out:
                out.writelines(pieces)
            _compare(f"256 MiB {kind}", folder)
        best, peer = _best_of(1, ("encrypt-best", "pycdoc"), folder).values()
        show(
            "encrypt 256 MiB log text, --compress best",
            f"{_SIZE_BYTES / best['seconds'] / 1e6:,.0f} MB/s",
            f"pycdoc {peer['seconds'] / best['seconds']:.1f}x",
            f"container {best['bytes'] / peer['bytes']:.3f} of pycdoc's",
        )
        (inputs / "data.bin").unlink()
        source = random.Random(3)
        for number in range(_SMALL_FILES):
            (inputs / f"{number:04}.bin").write_bytes(source.randbytes(_SMALL_BYTES))
        _compare("1,000 files of 10 KiB", folder)


def _best_of(runs: int, tasks: tuple[str, ...], folder: Path) -> dict[str, dict[str, float]]:
    """Run the tasks in turn and keep the best of each; one run of the peer is long enough."""
    results: dict[str, list[dict[str, float]]] = {task: [] for task in tasks}
    for _ in range(runs):
        for task in tasks:
            if task != "pycdoc" or not results[task]:
                results[task].append(_child(task, folder))
    return {task: min(took, key=lambda result: result["seconds"]) for task, took in results.items()}


def _compare(what: str, folder: Path) -> None:
    tasks = ("encrypt", "pycdoc", "isal-deflate", "decrypt", "isal-inflate", "zlib-inflate")
    best = _best_of(_RUNS, tasks, folder)
    size = sum(file.stat().st_size for file in (folder / "in").iterdir())
    ours, peer, floor = best["encrypt"], best["pycdoc"], best["isal-deflate"]
    show(
        f"encrypt {what}",
        f"{size / ours['seconds'] / 1e6:,.0f} MB/s",
        f"pycdoc {peer['seconds'] / ours['seconds']:.1f}x",
        f"{floor['seconds'] / ours['seconds']:.0%} of isal deflate alone",
        f"container {ours['bytes'] / peer['bytes']:.2f} of pycdoc's",
        f"RSS {ours['rss_mib']:.0f} MiB, pycdoc {peer['rss_mib']:.0f} MiB",
    )
    ours, isal, zlib = best["decrypt"], best["isal-inflate"], best["zlib-inflate"]
    show(
        f"decrypt {what}",
        f"{size / ours['seconds'] / 1e6:,.0f} MB/s",
        f"{isal['seconds'] / ours['seconds']:.0%} of isal inflate alone",
        f"zlib inflate {zlib['seconds'] / ours['seconds']:.1f}x",
        f"RSS {ours['rss_mib']:.0f} MiB",
    )


def _child(task: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, str(Path(__file__).with_name("container_task.py")), task, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{task} failed: {done.stderr}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _random_pieces() -> Iterator[bytes]:
    source = random.Random(1)
    return (source.randbytes(_PIECE_BYTES) for _ in range(_SIZE_BYTES // _PIECE_BYTES))


def _log_pieces() -> Iterator[bytes]:
    source = random.Random(2)
    written = 0
    while written < _SIZE_BYTES:
        lines = [
            f"2026-11-{source.randint(1, 30):02} {source.randint(0, 23):02}:{source.randint(0, 59):02}:"
            f"{source.randint(0, 59):02}.{source.randint(0, 999):03} INFO request "
            f"id={source.getrandbits(64):016x} "
            f"path=/key-shares/{source.getrandbits(32):08x} status={source.choice((200, 200, 200, 404))} "
            f"ms={source.random() * 20:.2f}\n"
            for _ in range(8000)
        ]
        piece = "".join(lines).encode()[: _SIZE_BYTES - written]
        written += len(piece)
        yield piece
