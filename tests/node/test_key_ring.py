# SPDX-License-Identifier: MIT
"""Which keys a node has: from files and from the environment, and which do not belong together."""

import base64
import secrets
from pathlib import Path
from typing import Any

import pytest

from osak.node.key_ring import read_key_file, read_ring
from osak.node.sealing import NodeKey
from osak.node.sealing_settings import SealingSettings
from osak.shares.errors import ConfigurationError

FIRST = bytes(range(32))
SECOND = NodeKey.from_bytes(FIRST).next_key(lambda count: b"2" * count)
THIRD = NodeKey.from_bytes(SECOND).next_key(lambda count: b"3" * count)
STRANGER = b"s" * 32


def key_text(master: bytes) -> str:
    """A key as it stands in an environment variable."""
    return base64.b64encode(master).decode("ascii")


def settings(folder: Path, **keys: Any) -> SealingSettings:
    """A section that names these keys, as files."""
    named: dict[str, Any] = {}
    for name, value in keys.items():
        files = [folder / f"{name}-{number}.key" for number in range(len(value) if name == "old" else 1)]
        for file, master in zip(files, value if name == "old" else [value], strict=True):
            file.write_bytes(master)
        sources = [{"key_file": str(file)} for file in files]
        named |= {"old": sources} if name == "old" else {name: sources[0]}
    active = named.pop("active")
    return SealingSettings.model_validate(active | named)


def test_one_in_use_one_next_and_old_ones(tmp_path: Path) -> None:
    """Each key stands where it was named, and all of them know people by the same tags."""
    ring = read_ring(settings(tmp_path, active=SECOND, next=THIRD, old=[FIRST]))
    assert ring.active == NodeKey.from_bytes(SECOND)
    assert ring.next == NodeKey.from_bytes(THIRD)
    assert ring.old == (NodeKey.from_bytes(FIRST),)
    assert len({key.recipient_key for key in ring.keys}) == 1
    assert len(set(ring.key_ids)) == 3


def test_from_the_environment() -> None:
    """The base64 of a key stands for a file; it is shown nowhere."""
    section = SealingSettings.model_validate({"key": key_text(SECOND), "old": [{"key": key_text(FIRST)}]})
    assert [key.key_id for key in read_ring(section).keys] == [
        NodeKey.from_bytes(master).key_id for master in (SECOND, FIRST)
    ]
    assert key_text(SECOND) not in repr(section)
    assert repr(SECOND) not in repr(section)


@pytest.mark.parametrize("text", ["", "x", "ä" * 44, key_text(FIRST)[:-1], key_text(b"short")])
def test_no_key(text: str) -> None:
    """Anything else is a mistake that does not repeat what was written."""
    with pytest.raises((ValueError, ConfigurationError)) as caught:
        read_ring(SealingSettings.model_validate({"key": text}))
    if len(text) > 1:
        assert text not in str(caught.value).partition("input_value")[0]


def test_one_source(tmp_path: Path) -> None:
    """A key has one place, neither none nor two."""
    with pytest.raises(ValueError, match="key_file or key"):
        SealingSettings.model_validate({})
    path = tmp_path / "node.key"
    path.write_bytes(FIRST)
    with pytest.raises(ValueError, match="key_file or key"):
        SealingSettings.model_validate({"key_file": str(path), "key": key_text(FIRST)})


@pytest.mark.parametrize("length", [0, 31, 33, 63, 65, 4096])
def test_a_file_of_another_length(tmp_path: Path, length: int) -> None:
    """It is named, and is no key."""
    path = tmp_path / "node.key"
    path.write_bytes(bytes(length))
    with pytest.raises(ConfigurationError, match=r"node\.key"):
        read_key_file(path)


def test_keys_that_do_not_belong_together(tmp_path: Path) -> None:
    """A key of another node, or one made by hand, would know nobody: it is refused by its id."""
    with pytest.raises(ConfigurationError, match=NodeKey.from_bytes(STRANGER).key_id):
        read_ring(settings(tmp_path, active=SECOND, old=[STRANGER]))
    with pytest.raises(ConfigurationError, match="osak node key new"):
        read_ring(settings(tmp_path, active=FIRST, next=secrets.token_bytes(64)))


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    """The same key cannot be in use and old at once."""
    with pytest.raises(ConfigurationError, match="twice"):
        read_ring(settings(tmp_path, active=FIRST, old=[FIRST]))
