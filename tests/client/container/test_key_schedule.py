# SPDX-License-Identifier: MIT
"""The key schedule against pycryptodome, a second implementation of HKDF, HMAC and PBKDF2."""

from Crypto.Hash import HMAC, SHA256
from Crypto.Protocol.KDF import HKDF, PBKDF2
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container import key_schedule

keys = st.binary(min_size=32, max_size=32)


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF whole, by the other implementation."""
    key = HKDF(secret, 32, salt, SHA256, context=info)
    assert isinstance(key, bytes)
    return key


def test_known_answers() -> None:
    """The whole chain from fixed bytes gives the values that were computed once and written down."""
    fmk = key_schedule.file_master_key(bytes(range(32)))
    assert fmk.hex() == "3e74ff966dda90ad6312a711ab2e9fb176b0deb9facb9cdc0b6ec6a4093a52ff"
    assert (
        key_schedule.content_key(fmk).hex()
        == "3d106104d7f8e56b09c3338b586a862c7a0cb1d2d9afa1bbdec76c944c6023b0"
    )
    assert (
        key_schedule.header_hmac(fmk, b"header").hex()
        == "390aebe36d833893796efa04fbc6ba261030dc370f3243aad83ad28733cf20f4"
    )
    assert (
        key_schedule.shares_kek(bytes(range(32)), b"s" * 32, "etsi/PNOEE-48010010101").hex()
        == "449f9f204d22eab2434eb6db88bc755971090aee6fa3fee800bf8f681ad02ede"
    )


@given(random=st.binary(min_size=32, max_size=64), header=st.binary(max_size=100))
def test_content_key_and_hmac_key(random: bytes, header: bytes) -> None:
    """CEK and HHK are HKDF over the random bytes with the specification's constants."""
    fmk = key_schedule.file_master_key(random)
    assert key_schedule.content_key(fmk) == hkdf(random, b"CDOC20salt", b"CDOC20cek")
    hmac_key = hkdf(random, b"CDOC20salt", b"CDOC20hmac")
    assert key_schedule.header_hmac(fmk, header) == HMAC.new(hmac_key, header, SHA256).digest()


@given(secret=st.binary(min_size=32, max_size=66), recipient=st.binary(), sender=st.binary())
def test_ec_kek(secret: bytes, recipient: bytes, sender: bytes) -> None:
    """The KEK of an EC record binds both points, the recipient's first."""
    expected = hkdf(secret, b"CDOC20kekpremaster", b"CDOC20kekXOR" + recipient + sender)
    assert key_schedule.ec_kek(secret, recipient, sender) == expected


@given(secret=keys, salt=keys, label=st.text())
def test_symmetric_kek(secret: bytes, salt: bytes, label: str) -> None:
    """The KEK of a symmetric record binds the whole label in UTF-8."""
    expected = hkdf(secret, salt, b"CDOC20kekXOR" + label.encode())
    assert key_schedule.symmetric_kek(secret, salt, label) == expected


@given(random=keys, salt=keys)
def test_shares_kek(random: bytes, salt: bytes) -> None:
    """The KEK kept in shares has the one constant without a zero: ``CDOC2kek``."""
    expected = hkdf(random, salt, b"CDOC2kekXORetsi/PNOEE-30303039914")
    assert key_schedule.shares_kek(random, salt, "etsi/PNOEE-30303039914") == expected


def test_password_secret() -> None:
    """A password is stretched by PBKDF2-HMAC-SHA256, in UTF-8."""
    password = "Minu salasõna".encode()
    expected = PBKDF2(password, b"s" * 32, 32, count=1000, hmac_hash_module=SHA256)
    assert key_schedule.password_secret(password, b"s" * 32, 1000) == expected


@given(fmk=keys, kek=keys)
def test_xor_is_its_own_inverse(fmk: bytes, kek: bytes) -> None:
    """Encrypting the FMK twice under one KEK gives it back, leading zeros included."""
    encrypted = key_schedule.xor(fmk, kek)
    assert encrypted == bytes(a ^ b for a, b in zip(fmk, kek, strict=True))
    assert key_schedule.xor(encrypted, kek) == fmk


def test_payload_aad() -> None:
    """The payload's tag covers a prefix, the header and its HMAC, without separators."""
    assert key_schedule.payload_aad(b"header", b"hmac") == b"CDOC20payloadheaderhmac"
