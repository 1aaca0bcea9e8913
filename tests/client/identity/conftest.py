# SPDX-License-Identifier: MIT
"""A running eID simulator for every test of a service: the one that is shipped."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from osak.client.simulator.phones import Phones
from osak.client.simulator.serving import EIDAddress, people_in, serve


@pytest.fixture
def simulator(tmp_path: Path) -> Phones:
    return people_in(tmp_path)


@pytest.fixture
async def address(simulator: Phones, tmp_path: Path) -> AsyncIterator[EIDAddress]:
    async with serve(simulator, tmp_path) as found:
        yield found
