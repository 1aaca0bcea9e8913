# SPDX-License-Identifier: MIT
"""Fuzz target: the FlatBuffer header, from bytes to recipient records and what is shown of them.

Promised: nothing but ``ContainerError`` comes out, after work within the budget; what is usable can be
written again and reads the same; what is shown is printable; a share record has sense in it.
"""

from collections.abc import Iterable

from independent.flatbuffer_writer import Byte, Fields, Int32, Value, encode

from osak.client.container import (
    Capsule,
    Curve,
    ECCapsule,
    KeyServerCapsule,
    KeyShare,
    KeySharesCapsule,
    Limits,
    PasswordCapsule,
    Recipient,
    RSACapsule,
    SymmetricCapsule,
    ThresholdShare,
    ThresholdSharesCapsule,
)
from osak.client.container.errors import ContainerError
from osak.client.container.header import parse_header
from osak.client.container.header_builder import build_header
from osak.client.inspection import describe_record
from osak.client.share_records import quest_for

_SALT = b"s" * 32
_LIMITS = Limits(max_header_bytes=8192, max_recipients=40)
# Shared offsets may spread out when they are written again, up to all that may be read of a header.
_AGAIN = Limits(max_header_bytes=2**20, max_recipients=40)
_POINT = b"\x04" + b"p" * 64
_SHARES = tuple(
    ThresholdShare(f"https://{name}.ee", name * 18, place, _SALT, name)
    for place, name in ((1, "a"), (2, "b"), (9, "c"))
)
_CAPSULES: tuple[Capsule, ...] = (
    ECCapsule(Curve.P256, _POINT, _POINT),
    RSACapsule(b"key", b"kek"),
    KeyServerCapsule(Curve.P256, _POINT, "ria", "KC1"),
    KeyServerCapsule(None, b"key", "ria", "KC1"),
    SymmetricCapsule(_SALT),
    PasswordCapsule(_SALT, _SALT, 600_000),
    KeySharesCapsule(
        (KeyShare("https://a.ee", "1"), KeyShare("https://b.ee", "2")), _SALT, "etsi/PNOEE-48010010101"
    ),
    ThresholdSharesCapsule(_SHARES, _SALT, "etsi/PNOEE-48010010101", 2, b"t" * 16, "riik"),
)


def _odd(kind: int, capsule: Fields, **changes: Value) -> bytes:
    """A header with one record that the builder would refuse."""
    record: dict[int, Value] = {0: Byte(kind), 1: capsule, 2: "silt", 3: _SALT, 4: Byte(1)}
    return encode({0: [record], 1: Byte(1), **{int(name[1:]): value for name, value in changes.items()}})


def seeds() -> Iterable[bytes]:
    """A record of every kind alone, all together, and records that are unusable."""
    records = [Recipient(capsule, f"silt {number}", _SALT) for number, capsule in enumerate(_CAPSULES)]
    yield from (build_header([record]) for record in records)
    yield build_header(records)
    yield _odd(5, {0: _SALT, 1: _SALT, 2: Byte(1), 3: Int32(-1)})
    yield _odd(99, {0: b"x"})
    yield _odd(4, {0: _SALT}, _1=Byte(2))
    share: Fields = {0: "https://a.ee", 1: "a" * 18, 2: Byte(1), 3: _SALT}
    yield _odd(64, {0: [share, share], 1: _SALT, 2: "etsi/x", 3: Byte(1), 4: Byte(1), 5: Byte(1), 6: _SALT})
    yield encode({1: Byte(1)})


def check(data: bytes) -> None:
    """Parse, show, write and parse again."""
    try:
        recipients = parse_header(data, _LIMITS)
    except ContainerError:
        return
    for recipient in recipients:
        assert recipient.problem is None or recipient.problem.isprintable(), "a reason is not printable"
        assert describe_record(recipient).who.isprintable(), "what is shown is not printable"
        capsule = recipient.capsule
        if isinstance(capsule, KeySharesCapsule | ThresholdSharesCapsule):
            quest = quest_for(capsule)
            assert 1 <= quest.needed <= len(quest.placements) <= 255, "a share record without sense"
    usable = tuple(recipient for recipient in recipients if recipient.problem is None)
    assert parse_header(build_header(usable), _AGAIN) == usable, "a header is not written as it was read"
