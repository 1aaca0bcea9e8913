# SPDX-License-Identifier: MIT
"""A running eID simulator for every test of a service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from simulator.eid import EIDSimulator
from simulator.eid_server import EIDAddress, eid_server


@pytest.fixture
def simulator() -> EIDSimulator:
    return EIDSimulator()


@pytest.fixture
async def address(simulator: EIDSimulator, tmp_path: Path) -> AsyncIterator[EIDAddress]:
    async with eid_server(simulator, tmp_path) as found:
        yield found
