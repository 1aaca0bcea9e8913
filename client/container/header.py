# SPDX-License-Identifier: MIT
"""Reading the FlatBuffer header: bytes in, recipient records out (CDOC2 specification, appendices A, B).

Two kinds of trouble are kept apart. Structure that is broken (an offset that leads nowhere, a missing
required field) condemns the header: ``DamagedContainerError``. A record that is well formed but of no
use here (an unknown kind, curve, method or number) stays in the list with its reason, and the others
remain usable; the official Java client gets this wrong.

Field ids are by order of declaration in ``schema/header.fbs``. Work is bounded by ``Limits``.
"""

from collections.abc import Callable, Mapping
from typing import Final

from osak.client.container.capsules import (
    MAX_SHARES,
    Capsule,
    CapsuleType,
    Curve,
    ECCapsule,
    KeyServerCapsule,
    KeyShare,
    KeySharesCapsule,
    PasswordCapsule,
    Recipient,
    RSACapsule,
    SymmetricCapsule,
    ThresholdShare,
    ThresholdSharesCapsule,
    UnknownCapsule,
    capsule_problem,
)
from osak.client.container.errors import LimitExceededError, UnsupportedError
from osak.client.container.flatbuffer import Budget, Table, root_table
from osak.client.container.limits import Limits

_CHACHA20_POLY1305: Final = 1
_PBKDF2_HMAC_SHA256: Final = 1
_SID_MID: Final = 1
_N_OF_N: Final = 1
_SHAMIR_GF256: Final = 1
_EC_DETAILS: Final = 1
_RSA_DETAILS: Final = 2
_REREADING: Final = 4
"""An honest header shares strings at most; four times its largest size is more than it needs."""


class _UnusableError(Exception):
    """A well-formed capsule that this version cannot use; never leaves this module."""


def parse_header(header: bytes, limits: Limits) -> tuple[Recipient, ...]:
    """Read every recipient record, in the order of the header.

    Raises:
        DamagedContainerError: the bytes are not a well-formed header.
        LimitExceededError: it has more recipients than ``max_recipients``.
        UnsupportedError: the payload is not under ChaCha20-Poly1305.
    """
    root = root_table(header, Budget(_REREADING * limits.max_header_bytes))
    method = root.ubyte(1)
    if method != _CHACHA20_POLY1305:
        raise UnsupportedError(f"the payload is encrypted by an unknown method, number {method}")
    if not root.has(0):
        return ()
    count = root.count(0)
    if count > limits.max_recipients:
        raise LimitExceededError(
            "max_recipients", limits.max_recipients, f"the header has {count} recipients"
        )
    return tuple(map(_recipient, root.tables(0)))


def _recipient(record: Table) -> Recipient:
    return Recipient(
        capsule=_capsule(record),
        key_label=record.text(2),
        encrypted_fmk=record.data(3),
        fmk_encryption_method=record.ubyte(4),
    )


def _capsule(record: Table) -> Capsule:
    type_number = record.ubyte(0)
    parse = _PARSERS.get(type_number)
    if parse is None:
        # What an unknown type refers to cannot be checked, so it is not looked at.
        return UnknownCapsule(type_number, f"unknown kind of recipient, number {type_number}")
    try:
        capsule = parse(record.table(1))
    except _UnusableError as reason:
        return UnknownCapsule(type_number, str(reason))
    problem = capsule_problem(capsule)
    return capsule if problem is None else UnknownCapsule(type_number, problem)


def _curve(number: int) -> Curve:
    try:
        return Curve(number)
    except ValueError as cause:
        raise _UnusableError(f"unknown elliptic curve, number {number}") from cause


def _require(name: str, number: int, known: int) -> None:
    if number != known:
        raise _UnusableError(f"unknown {name}, number {number}")


def _ec(table: Table) -> Capsule:
    recipient_key, sender_key = table.data(1), table.data(2)
    return ECCapsule(_curve(table.ubyte(0)), recipient_key, sender_key)


def _rsa(table: Table) -> Capsule:
    return RSACapsule(table.data(0), table.data(1))


def _key_server(table: Table) -> Capsule:
    kind = table.ubyte(0)
    keyserver_id, transaction_id = table.text(2), table.text(3)
    if kind == _EC_DETAILS:
        details = table.table(1)
        point = details.data(1)
        return KeyServerCapsule(_curve(details.ubyte(0)), point, keyserver_id, transaction_id)
    _require("kind of key details", kind, _RSA_DETAILS)
    return KeyServerCapsule(None, table.table(1).data(0), keyserver_id, transaction_id)


def _symmetric(table: Table) -> Capsule:
    return SymmetricCapsule(table.data(0))


def _password(table: Table) -> Capsule:
    capsule = PasswordCapsule(table.data(0), table.data(1), table.int32(3))
    _require("key derivation", table.ubyte(2), _PBKDF2_HMAC_SHA256)
    return capsule


def _key_shares(table: Table) -> Capsule:
    _check_share_count(table)
    capsule = KeySharesCapsule(
        shares=tuple(KeyShare(share.text(0), share.text(1)) for share in table.tables(0)),
        salt=table.data(1),
        recipient_id=table.text(4),
    )
    _require("type of share recipient", table.ubyte(2), _SID_MID)
    _require("shares scheme", table.ubyte(3), _N_OF_N)
    return capsule


def _threshold_shares(table: Table) -> Capsule:
    _check_share_count(table)
    capsule = ThresholdSharesCapsule(
        shares=tuple(map(_threshold_share, table.tables(0))),
        salt=table.data(1),
        recipient_id=table.text(2),
        threshold=table.ubyte(4),
        share_set=table.data(6),
        group=_optional_text(table, 7),
    )
    _require("type of share recipient", table.ubyte(3), _SID_MID)
    _require("threshold scheme", table.ubyte(5), _SHAMIR_GF256)
    return capsule


def _threshold_share(table: Table) -> ThresholdShare:
    return ThresholdShare(
        server_base_url=table.text(0),
        share_id=table.text(1),
        index=table.ubyte(2),
        commitment=table.data(3),
        server_id=_optional_text(table, 4),
    )


def _check_share_count(table: Table) -> None:
    count = table.count(0)
    if count > MAX_SHARES:
        raise _UnusableError(f"it names {count} shares, more than {MAX_SHARES}")


def _optional_text(table: Table, field: int) -> str:
    return table.text(field) if table.has(field) else ""


_PARSERS: Final[Mapping[int, Callable[[Table], Capsule]]] = {
    CapsuleType.ECC_PUBLIC_KEY: _ec,
    CapsuleType.RSA_PUBLIC_KEY: _rsa,
    CapsuleType.KEY_SERVER: _key_server,
    CapsuleType.SYMMETRIC_KEY: _symmetric,
    CapsuleType.PBKDF2: _password,
    CapsuleType.KEY_SHARES: _key_shares,
    CapsuleType.THRESHOLD_SHARES: _threshold_shares,
}
