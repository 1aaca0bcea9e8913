# SPDX-License-Identifier: MIT
"""How a share lies in the store, and what a thief of the store can do with it."""

import secrets

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from osak.node.errors import SealingError
from osak.node.sealing import NodeKey, Sealer

KEY = NodeKey.from_bytes(bytes(range(32)))
SEALER = Sealer(KEY, secrets.token_bytes)
SHARE_ID, PERSON = "ab" * 16, "etsi/PNOEE-30303039914"
SHARE = b"s" * 32


def test_round_trip() -> None:
    """What was sealed for a share and a person opens for them, and twice sealed is twice different."""
    tag = SEALER.recipient_tag(SHARE_ID, PERSON)
    first, second = SEALER.seal(SHARE, SHARE_ID, tag), SEALER.seal(SHARE, SHARE_ID, tag)
    assert first != second
    assert (
        SEALER.open(first, SHARE_ID, tag, KEY.key_id)
        == SEALER.open(second, SHARE_ID, tag, KEY.key_id)
        == SHARE
    )


def test_a_row_cannot_be_moved() -> None:
    """A sealed share does not open as another share, for another person, under another key, or damaged."""
    tag = SEALER.recipient_tag(SHARE_ID, PERSON)
    sealed = SEALER.seal(SHARE, SHARE_ID, tag)
    other_key = Sealer(NodeKey.from_bytes(b"x" * 32), secrets.token_bytes)
    attempts = [
        (SEALER, sealed, "cd" * 16, tag),
        (SEALER, sealed, SHARE_ID, SEALER.recipient_tag(SHARE_ID, "etsi/PNOEE-38001085718")),
        (other_key, sealed, SHARE_ID, tag),
        (SEALER, sealed[:-1], SHARE_ID, tag),
        (SEALER, b"\x02" + sealed[1:], SHARE_ID, tag),
        (SEALER, sealed[:5], SHARE_ID, tag),
        (SEALER, b"", SHARE_ID, tag),
    ]
    for sealer, data, share_id, recipient_tag in attempts:
        with pytest.raises(SealingError):
            sealer.open(data, share_id, recipient_tag, sealer.key_id)


def test_a_person_looks_different_in_every_row() -> None:
    """Two shares of one person cannot be linked, and a tag cannot be guessed without the key."""
    tags = {SEALER.recipient_tag(share_id, PERSON) for share_id in ("ab" * 16, "cd" * 16)}
    tags.add(Sealer(NodeKey.from_bytes(b"x" * 32), secrets.token_bytes).recipient_tag(SHARE_ID, PERSON))
    assert len(tags) == 3


def test_known_answer() -> None:
    """The stored form does not change unnoticed: version, nonce, AES-256-GCM bound to share and person.

    The key id was computed with HMAC alone (RFC 5869, 2.2 and 2.3).
    """
    sealer = Sealer(KEY, bytes)
    tag = sealer.recipient_tag(SHARE_ID, PERSON)
    expected = AESGCM(KEY.sealing_key).encrypt(bytes(12), SHARE, SHARE_ID.encode() + tag)
    assert sealer.seal(SHARE, SHARE_ID, tag) == b"\x01" + bytes(12) + expected
    assert KEY.key_id == "e60933e614e29661"


def test_keys_are_apart_and_not_shown() -> None:
    """Every purpose has a key of its own, and none is in the repr."""
    keys = {KEY.sealing_key, KEY.recipient_key, KEY.nonce_key}
    assert len(keys) == 3
    assert not any(key.hex() in repr(KEY) or repr(key) in repr(KEY) for key in keys)


@pytest.mark.parametrize("length", [0, 31, 33, 44, 63, 65])
def test_a_key_has_one_of_two_lengths(length: int) -> None:
    """32 bytes, or 64 if it follows another; anything else is a mistake, not a key."""
    with pytest.raises(ValueError, match="exactly 32 bytes"):
        NodeKey.from_bytes(bytes(length))


def test_a_key_that_follows_another() -> None:
    """It seals otherwise, but knows people by the same tags; what lies under either opens."""
    after = NodeKey.from_bytes(KEY.next_key(secrets.token_bytes))
    assert after.key_id != KEY.key_id
    assert after.sealing_key != KEY.sealing_key
    sealer = Sealer(after, secrets.token_bytes, [KEY])
    tag = SEALER.recipient_tag(SHARE_ID, PERSON)
    assert sealer.recipient_tag(SHARE_ID, PERSON) == tag
    old = SEALER.seal(SHARE, SHARE_ID, tag)
    new = sealer.seal(SHARE, SHARE_ID, tag)
    assert (
        sealer.open(old, SHARE_ID, tag, KEY.key_id) == sealer.open(new, SHARE_ID, tag, after.key_id) == SHARE
    )
    for sealed, key_id in ((old, after.key_id), (new, KEY.key_id), (new, "0" * 16)):
        with pytest.raises(SealingError):
            sealer.open(sealed, SHARE_ID, tag, key_id)


def test_half_of_a_long_key_is_another_key() -> None:
    """Cut to its first 32 bytes it would seal alike and know nobody, so it must not have the same name."""
    long = KEY.next_key(secrets.token_bytes)
    half = NodeKey.from_bytes(long[:32])
    assert half.key_id != NodeKey.from_bytes(long).key_id
    assert half.recipient_key != KEY.recipient_key


def test_a_row_of_before_there_was_a_ring() -> None:
    """Stored when a node had one key: it opens under that key, in use or old, for the same person."""
    key_id = "e60933e614e29661"
    tag = bytes.fromhex("1d47bdf1461dca133301cfc4494ac2291d7d496729c441506f58a2848bfd3f40")
    sealed = bytes.fromhex(
        "01000102030405060708090a0b30e9279bd1744011147269b6595010e4f4c7dc"
        "4688796eb030e9ec6776e80bea5a0bbf3d37256a9fed264ed020470322"
    )
    after = NodeKey.from_bytes(KEY.next_key(secrets.token_bytes))
    for sealer in (SEALER, Sealer(after, secrets.token_bytes, [KEY])):
        assert sealer.recipient_tag(SHARE_ID, PERSON) == tag
        assert sealer.open(sealed, SHARE_ID, tag, key_id) == SHARE
