# SPDX-License-Identifier: MIT
"""Limits of the system under which a node's process runs."""

import platform
import resource
import subprocess
import sys

import pytest

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
