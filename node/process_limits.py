# SPDX-License-Identifier: MIT
"""What a node's process may do and keep: as many open files as it may, no core dump, no memory for later."""

import ctypes
import resource
from contextlib import suppress
from typing import Final

# mallopt(3) of glibc.
_M_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 128 * 1024


def set_process_limits() -> None:
    """Set them all."""
    allow_open_files()
    # A core dump has the node key, and the shares of the last requests.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return_large_blocks()


def open_files_allowed() -> int:
    """How many files this process may have open now, connections among them."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def return_large_blocks() -> None:
    """Let the C library give large blocks back to the system as soon as they are free.

    Each TLS connection has a buffer of 256 KiB while something large comes in. By itself glibc learns to keep
    such blocks, between what stays, and the memory of a node never falls again after a flood of connections.
    """
    with suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def allow_open_files() -> None:
    """Let this process open as many files as it may: one port fills the usual 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems name a limit here that they do not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
