# SPDX-License-Identifier: MIT
"""The stores of a node's roles, opened together by commands that go over all that a node keeps."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from osak.node.config import NodeConfig
from osak.node.storage import open_capsule_store, open_store
from osak.node.storage.base import ANY_TIME, CapsuleStore, Releases, ShareStore, StoredRow, StoredShare
from osak.shares.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class RoleStores:
    """What a node keeps; None is what its roles do not ask for."""

    shares: ShareStore | None
    capsules: CapsuleStore | None

    async def walk(self) -> AsyncIterator[StoredRow]:
        """Every row of every kind that is there all the while, expired or not; one may come twice.

        Raises:
            StorageError: a store cannot be read.
        """
        if self.shares is not None:
            async for share in self.shares.walk():
                yield share
        if self.capsules is not None:
            async for capsule in self.capsules.walk():
                yield capsule

    async def get(self, row: StoredRow) -> StoredRow | None:
        """What is stored under the id of ``row``, expired or not.

        Raises:
            ConfigurationError: the node's roles have no store for such a row.
            StorageError: it cannot be read.
        """
        if isinstance(row, StoredShare):
            return await self.share_store().get(row.share_id, ANY_TIME)
        return await self.capsule_store().get(row.transaction_id, ANY_TIME)

    async def add(self, row: StoredRow) -> None:
        """Keep a row as it is.

        Raises:
            ConfigurationError: the node's roles have no store for such a row.
            StorageError: it was not stored; perhaps its id is taken.
        """
        if isinstance(row, StoredShare):
            await self.share_store().add(row)
        else:
            await self.capsule_store().add(row)

    async def remember_releases(self, share_id: str, releases: Releases) -> None:
        """Take over how often a share was given out, if that is more than is known.

        Raises:
            ConfigurationError: the node keeps no shares.
            StorageError: it was not stored.
        """
        await self.share_store().remember_releases(share_id, releases)

    def share_store(self) -> ShareStore:
        """The store of shares.

        Raises:
            ConfigurationError: the node keeps none.
        """
        if self.shares is None:
            raise ConfigurationError("roles", ["there are shares to store, but this node keeps none"])
        return self.shares

    def capsule_store(self) -> CapsuleStore:
        """The store of capsules.

        Raises:
            ConfigurationError: the node keeps none.
        """
        if self.capsules is None:
            raise ConfigurationError("roles", ["there are capsules to store, but this node keeps none"])
        return self.capsules


@asynccontextmanager
async def open_role_stores(config: NodeConfig) -> AsyncIterator[RoleStores]:
    """Open the stores of ``config``, with what they move away from, and close them in the end.

    Raises:
        StorageError: one cannot be opened, or could lose what it acknowledges.
        ConfigurationError: a file of its settings is not what it should be.
        OSError: one cannot be read.
    """
    async with AsyncExitStack() as stack:
        shares, capsules = None, None
        if "shares" in config.roles:
            shares = await open_store(config.storage, config.moving_from)
            stack.push_async_callback(shares.close)
        if "capsules" in config.roles:
            capsules = await open_capsule_store(config.storage, config.moving_from)
            stack.push_async_callback(capsules.close)
        yield RoleStores(shares, capsules)
