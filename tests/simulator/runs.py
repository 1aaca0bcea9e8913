# SPDX-License-Identifier: MIT
"""A KEK stored over a simulated cluster and fetched back, in one call each, on a virtual clock."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from simulator.nodes import (
    RECIPIENT,
    SimulatedNode,
    SimulatedTransport,
    TestCredential,
    make_group,
    make_nodes,
)
from simulator.virtual_time import run_virtually

from osak.coordinator import (
    Collected,
    Coordinator,
    Distribution,
    LoneSigner,
    NotEnoughSharesError,
    Placement,
    Progress,
    Scheme,
    Status,
    Timeouts,
)

KEK = bytes(range(32))
SALT = bytes(range(100, 132))
TIMEOUTS = Timeouts(connect_seconds=5, request_seconds=10, hedge_after_seconds=0.15, overall_seconds=30)


@dataclass
class Cluster:
    """n simulated nodes, a threshold, and one person's KEK."""

    threshold: int
    size: int
    scheme: Scheme = "t-of-n"
    write_quorum: int | None = None
    nodes: list[SimulatedNode] = field(init=False)
    credential: TestCredential = field(default_factory=TestCredential)
    timeouts: Timeouts = field(default_factory=lambda: TIMEOUTS)

    def __post_init__(self) -> None:
        self.nodes = make_nodes(self.size)
        self.group = make_group(self.nodes, self.threshold, write_quorum=self.write_quorum)
        transport = SimulatedTransport(self.nodes, self.timeouts.request_seconds)
        self.coordinator = Coordinator(
            transport=transport, groups={"test": self.group}, timeouts=self.timeouts
        )

    @property
    def needed(self) -> int:
        """How many good shares open the container."""
        return self.size if self.scheme == "n-of-n" else self.threshold

    async def store(self, seed: int = 1) -> Distribution:
        """Distribute the KEK."""
        return await self.coordinator.store(
            KEK, self.group, RECIPIENT, scheme=self.scheme, salt=SALT, random_bytes=Random(seed).randbytes
        )

    async def collect(
        self,
        placements: Sequence[Placement],
        *,
        is_secret: Callable[[bytes], bool] = lambda secret: secret == KEK,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Collected:
        """Collect it back; servers that are equally prompt are fetched from in their order."""
        return await self.coordinator.collect(
            placements,
            self.needed,
            LoneSigner(self.credential),
            scheme=self.scheme,
            salt=SALT,
            is_secret=is_secret,
            on_progress=on_progress,
            random_below=lambda _: 0,
        )

    def stored(self) -> Distribution:
        """Distribute over the honest cluster, then forget what it cost."""
        distribution = run_virtually(self.store())
        for node in self.nodes:
            node.calls.clear()
        return distribution


def timed(cluster: Cluster, placements: Sequence[Placement]) -> tuple[Collected, float]:
    """Collect on a virtual clock; what came, and how many seconds it took."""

    async def work() -> tuple[Collected, float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        collected = await cluster.collect(placements)
        return collected, loop.time() - started

    return run_virtually(work())


def failed(cluster: Cluster, placements: Sequence[Placement]) -> NotEnoughSharesError:
    """Collect on a virtual clock what cannot be collected; the error that says so."""
    try:
        run_virtually(cluster.collect(placements))
    except NotEnoughSharesError as error:
        return error
    raise AssertionError("the collection should have failed")


def statuses(result: Collected | NotEnoughSharesError) -> list[Status]:
    """Every server's status, in the container's order."""
    return [outcome.status for outcome in result.outcomes]
