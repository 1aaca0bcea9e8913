# SPDX-License-Identifier: MIT
"""The keys that a node has: one in use, perhaps the next, perhaps old ones (docs/adr/0025).

What lies in the store names its key. A row under any key of the ring can be read; new rows lie under the
key in use, and rows under an old one are sealed anew (``resealing``). A row under the *next* key stays as it
is: another process of the node uses that key already, and the two must not seal against each other. All
keys of a ring share one key of recipient tags.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from osak.node.sealing import NodeKey, Sealer
from osak.node.sealing_settings import KeySource, SealingSettings
from osak.node.token_key import MAX_SEALED_BYTES, TokenKey
from osak.shares.errors import ConfigurationError

_KEY_ID: Final = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NodeKeyRing:
    """A node's keys; make it with ``read_ring``.

    Attributes:
        active: the key in use.
        next: the key that other processes of this node may use already.
        old: keys that were in use.
    """

    active: NodeKey
    next: NodeKey | None = None
    old: tuple[NodeKey, ...] = ()

    @property
    def others(self) -> tuple[NodeKey, ...]:
        """All but the key in use."""
        return self.old if self.next is None else (self.next, *self.old)

    @property
    def keys(self) -> tuple[NodeKey, ...]:
        """All, that in use first."""
        return (self.active, *self.others)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Their public names."""
        return tuple(key.key_id for key in self.keys)

    @property
    def uses(self) -> dict[str, str]:
        """What each key is good for, by its public name: ``active``, ``next`` or ``old``."""
        following = {} if self.next is None else {self.next.key_id: "next"}
        return {self.active.key_id: "active"} | following | {key.key_id: "old" for key in self.old}

    def sealer(self, random_bytes: Callable[[int], bytes]) -> Sealer:
        """Of rows in the store."""
        return Sealer(self.active, random_bytes, self.others)


def read_ring(settings: SealingSettings) -> NodeKeyRing:
    """Read all keys that the settings name.

    Raises:
        ConfigurationError: one is none, stands there twice, or does not belong to the others; or their token
            cannot be used.
        OSError: a file cannot be read.
    """
    token = None if settings.token is None else TokenKey(settings.token)
    ring = NodeKeyRing(
        _read(settings, "sealing", token),
        None if settings.next is None else _read(settings.next, "sealing.next", token),
        tuple(_read(source, f"sealing.old[{number}]", token) for number, source in enumerate(settings.old)),
    )
    if len(set(ring.key_ids)) != len(ring.keys):
        raise ConfigurationError("sealing", ["the same key stands here twice"])
    for key in ring.others:
        if key.recipient_key != ring.active.recipient_key:
            problem = (
                f"node key {key.key_id} does not belong to node key {ring.active.key_id}: "
                "make the next key of a node with `osak node key new`"
            )
            raise ConfigurationError("sealing", [problem])
    return ring


def shown_id(key_id: str) -> str:
    """A row's key id as people may see it: whoever can write into a store chooses what stands there."""
    return key_id if _KEY_ID.fullmatch(key_id) else ascii(key_id[:16])


def read_key_file(path: Path, token: TokenKey | None = None) -> NodeKey:
    """Read a key file.

    Raises:
        ConfigurationError: it is no key, or does not open with the token.
        OSError: it cannot be read.
    """
    return key_of(read_master(path, token), str(path))


def read_master(path: Path, token: TokenKey | None = None) -> bytes:
    """The bytes of a key file, opened by the token if there is one.

    Raises:
        ConfigurationError: it does not open with the token.
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        content = stream.read(MAX_SEALED_BYTES + 1)
    return content if token is None else token.open(content, str(path))


def key_of(master: bytes, place: str) -> NodeKey:
    """The key of these bytes.

    Raises:
        ConfigurationError: they have another length; ``place`` says where they stand.
    """
    try:
        return NodeKey.from_bytes(master)
    except ValueError as error:
        raise ConfigurationError(place, [str(error)]) from error


def _read(source: KeySource, place: str, token: TokenKey | None) -> NodeKey:
    if source.key_file is not None:
        return read_key_file(source.key_file, token)
    assert source.key is not None, "the settings have one of both"
    return key_of(source.key.get_secret_value(), f"{place}.key")
