# SPDX-License-Identifier: MIT
"""``osak node key``: key files, plain or sealed by a token, and what lies in the store under each key."""

import os
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from osak.node.config import NodeConfig
from osak.node.key_ring import NodeKeyRing, key_of, read_master, read_ring, shown_id
from osak.node.storage import open_capsule_store, open_store
from osak.node.storage.base import Rows, RowT
from osak.node.token_key import TokenKey
from osak.shares.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A node's keys, and how many shares and capsules lie under each.

    Attributes:
        counts: rows by key id, also of keys that the node has not.
    """

    ring: NodeKeyRing
    counts: Counter[str]

    @property
    def missing(self) -> list[str]:
        """Keys under which rows lie that nobody can open."""
        return sorted(set(self.counts) - set(self.ring.key_ids))

    def __str__(self) -> str:
        uses = self.ring.uses | dict.fromkeys(self.missing, "missing")
        return "\n".join(
            f"{shown_id(key_id)}  {use:7}  {self.counts[key_id]:>10} rows" for key_id, use in uses.items()
        )


async def count_by_key(config: NodeConfig) -> KeyStatus:
    """Go through the store and count; what is moved or sealed anew just then may count twice.

    Raises:
        ConfigurationError: a key or another file is not what it should be, or the store is in memory.
        StorageError: the store cannot be read.
        OSError: a file cannot be read.
    """
    if config.storage.kind == "memory":
        raise ConfigurationError("storage.kind", ["memory belongs to one process: nobody else can read it"])
    ring = read_ring(config.sealing)
    counts: Counter[str] = Counter()
    if "shares" in config.roles:
        shares = await open_store(config.storage, config.moving_from)
        try:
            await _count(shares, counts)
        finally:
            await shares.close()
    if "capsules" in config.roles:
        capsules = await open_capsule_store(config.storage, config.moving_from)
        try:
            await _count(capsules, counts)
        finally:
            await capsules.close()
    return KeyStatus(ring, counts)


async def _count(store: Rows[RowT], counts: Counter[str]) -> None:
    async for row in store.walk():
        counts[row.key_id] += 1


def make_next_key(config: NodeConfig, path: Path) -> str:
    """Write a key that can follow the one in use into a new file; return its id.

    Raises:
        ConfigurationError: the key in use is not what it should be, or the token cannot seal.
        OSError: the file exists, or cannot be written.
    """
    master = read_ring(config.sealing).active.next_key(secrets.token_bytes)
    return _write(config, master, path)


def make_secret(config: NodeConfig) -> None:
    """Let the configured token make the secret that seals keys.

    Raises:
        ConfigurationError: no token is configured, it cannot be used, or has that secret already.
        OSError: the file with the PIN cannot be read.
    """
    _token(config).make_secret()


def seal_key(config: NodeConfig, plain: Path, path: Path) -> str:
    """Write a plain key file's key into a new file, sealed by the configured token; return its id.

    Raises:
        ConfigurationError: no token is configured, it cannot seal, or ``plain`` is no key.
        OSError: a file cannot be read, exists, or cannot be written.
    """
    _token(config)
    return _write(config, read_master(plain), path)


def _token(config: NodeConfig) -> TokenKey:
    if config.sealing.token is None:
        raise ConfigurationError("sealing.token", ["name the token first that is to seal keys"])
    return TokenKey(config.sealing.token)


def _write(config: NodeConfig, master: bytes, path: Path) -> str:
    key_id = key_of(master, str(path)).key_id
    token = config.sealing.token
    content = master if token is None else TokenKey(token).seal(master, secrets.token_bytes)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _sync_folder(path.parent)
    except BaseException:
        path.unlink()  # half a key must not be put in use
        raise
    return key_id


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
