# SPDX-License-Identifier: MIT
"""Limits of the system under which a node's process runs."""

import platform
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from factories.node_processes import make_node, started

from osak.node.process_limits import allow_open_files


def test_a_low_limit_of_open_files() -> None:
    """It is raised as far as the system lets us, so that a full port leaves some for disk and health."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(before, most - 1), most))
        allow_open_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.mark.parametrize(("allowed", "is_told"), [(1500, True), (2500, False)])
async def test_fewer_files_than_connections(tmp_path: Path, *, allowed: int, is_told: bool) -> None:
    """Where the system allows less than full ports need, the node says so at its start, and serves."""
    node = make_node(tmp_path)
    node.before = ("prlimit", f"--nofile={allowed}:{allowed}")
    async with started(node):
        assert await node.readiness() == 200
        log = node.log_file.read_text(encoding="utf-8")
        assert ('"too few open files allowed"' in log) == is_told
        assert ("limits.max_connections needs 2100" in log) == is_told


# Large blocks between small ones, of which the last stays; prints by how many MB the process has grown.
_FLOOD = """
from osak.node.process_limits import return_large_blocks
{call}

def pages():
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1])

before = pages()
large = bytearray(b"x" * 2_000_000)
del large
blocks = [(bytearray(b"x" * 200_000), [object()] * 100) for _ in range(400)]
stays = bytearray(b"x" * 200_000)
del blocks
print((pages() - before) * 4096 // 2**20)
"""


def _growth(call: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _FLOOD.format(call=call)], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps large blocks")
def test_memory_falls_after_a_flood() -> None:
    """Blocks as large as a connection's buffers go back to the system; without our word they stay."""
    assert _growth("") > 50
    assert _growth("return_large_blocks()") < 10
