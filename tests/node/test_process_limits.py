# SPDX-License-Identifier: MIT
"""Limits of the system under which a node's process runs."""

import resource

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
