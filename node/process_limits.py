# SPDX-License-Identifier: MIT
"""What the system lets a node's process do: open as many files as it may, and leave no core dump."""

import resource
from contextlib import suppress


def set_process_limits() -> None:
    """Raise the one limit, lower the other."""
    allow_open_files()
    # A core dump has the node key, and the shares of the last requests.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def allow_open_files() -> None:
    """Let this process open as many files as it may: one port fills the usual 1,024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # some systems name a limit here that they do not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
