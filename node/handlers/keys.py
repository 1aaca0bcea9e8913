# SPDX-License-Identifier: MIT
"""What an application carries, typed: aiohttp looks these up by identity, so nothing is global."""

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry

from osak.node.capsule_service import CapsuleService
from osak.node.senders import Senders
from osak.node.service import ShareService
from osak.shares.protocol.messages import NodeIdentity


class Service(Protocol):
    """What the services of all roles have in common."""

    async def check(self) -> None:
        """Return if the role can serve, else raise ``StorageError``."""
        ...

    async def remove_expired(self) -> int:
        """Erase what is expired and return how many."""
        ...


SERVICE = web.AppKey("service", ShareService)
SENDERS = web.AppKey("senders", Senders)
CAPSULES = web.AppKey("capsules", CapsuleService)
IDENTITY = web.AppKey("identity", NodeIdentity)
CHECKED = web.AppKey("checked", Sequence[Service])
REGISTRY = web.AppKey("registry", CollectorRegistry)
