# SPDX-License-Identifier: MIT
"""One throw-away certificate authority for the tests of each file."""

import pytest
from simulator.real_servers import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority and server certificate for all tests here."""
    return Authority(tmp_path_factory.mktemp("tls"))
