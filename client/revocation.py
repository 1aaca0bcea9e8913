# SPDX-License-Identifier: MIT
"""Use case: a sender takes back the shares of a container, by its receipt.

Nobody opens the container by its shares afterwards; records for keys and passwords are in the file and stay.
"""

from typing import TYPE_CHECKING

from osak.client.configuration import Configuration
from osak.client.event_loop import run
from osak.client.inputs import AnyPath
from osak.client.receipts import read_receipts
from osak.coordinator import Coordinator, Receipt
from osak.coordinator.transport.http import HTTPTransport

if TYPE_CHECKING:
    from osak.coordinator import Outcome


def revoke_file(receipt: AnyPath, *, config: Configuration) -> "tuple[Outcome, ...]":
    """Ask every server that a receipt names to delete its share; one outcome a share.

    It can be repeated: a server that has no such share any more answers GONE.

    Raises:
        UsageError: no such receipt.
    """
    return run(_revoke(read_receipts(receipt), config))


async def _revoke(receipts: tuple[Receipt, ...], config: Configuration) -> "tuple[Outcome, ...]":
    async with HTTPTransport(config.timeouts) as transport:
        coordinator = Coordinator(transport=transport, groups=config.groups, timeouts=config.timeouts)
        return await coordinator.revoke(receipts)
