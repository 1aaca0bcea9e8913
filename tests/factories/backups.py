# SPDX-License-Identifier: MIT
"""Backups in memory: taken of open stores and put back into them."""

import io
import secrets
from collections.abc import Sequence
from typing import BinaryIO

from factories.rows import KEY, NOW

from osak.node.backup.chunks import SALT_BYTES
from osak.node.backup.file import BackupFile
from osak.node.backup.records import Begin
from osak.node.backup.restoration import Restoration, RestoreReport
from osak.node.backup.taking import Backup, BackupReport
from osak.node.role_stores import RoleStores
from osak.node.seal_check import refuse_to_seal
from osak.node.sealing import NodeKey, Sealer


def ignore(_: int) -> None:
    """Nobody watches."""


async def taken(stores: RoleStores, key: NodeKey = KEY, now: int = NOW) -> tuple[bytes, BackupReport]:
    """A backup, and what its maker says of it."""
    stream = io.BytesIO()
    backup = Backup(stores, Sealer(key, refuse_to_seal), Begin("ria", now, "0.1.0"), ignore)
    await backup.write(stream, key, secrets.token_bytes(SALT_BYTES))
    return stream.getvalue(), backup.report


async def restore(
    stream: BinaryIO,
    stores: RoleStores,
    keys: Sequence[NodeKey] = (KEY,),
    *,
    now: int = NOW,
    revoked: frozenset[str] = frozenset(),
) -> RestoreReport:
    """Put a backup back, all three passes."""
    file = BackupFile(stream, keys)
    sealer = Sealer(keys[0], refuse_to_seal, keys[1:])
    restoration = Restoration(file, stores, sealer, now=now, revoked=revoked, progress=ignore)
    await restoration.check()
    await restoration.write()
    await restoration.verify()
    return restoration.report
