# SPDX-License-Identifier: MIT
"""Every key of a container and how it comes from another (CDOC2 specification, chapter 5).

Pure functions over bytes; all HKDF is RFC 5869 with SHA-256. Names are the specification's: FMK file
master key, CEK content key, HHK header HMAC key, KEK key-encryption key.

All constants begin with ``CDOC20``, except the info of a KEK that is kept in shares, which begins
with ``CDOC2``: so it stands in the specification, and so every implementation writes it.
"""

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_BYTES: Final = 32
HMAC_BYTES: Final = 32

_FMK_SALT: Final = b"CDOC20salt"
_CEK_INFO: Final = b"CDOC20cek"
_HHK_INFO: Final = b"CDOC20hmac"
_KEK_INFO: Final = b"CDOC20kek"
_SHARES_KEK_INFO: Final = b"CDOC2kek"
_PREMASTER_SALT: Final = b"CDOC20kekpremaster"
_PAYLOAD_PREFIX: Final = b"CDOC20payload"
_FMK_METHOD: Final = b"XOR"


def file_master_key(random: bytes) -> bytes:
    """FMK out of at least 32 random bytes."""
    return _extract(_FMK_SALT, random)


def content_key(fmk: bytes) -> bytes:
    """CEK, the key of the payload."""
    return _expand(fmk, _CEK_INFO)


def header_hmac(fmk: bytes, header: bytes) -> bytes:
    """HMAC over the header exactly as stored, under the HHK."""
    return hmac.digest(_expand(fmk, _HHK_INFO), header, "sha256")


def payload_aad(header: bytes, header_hmac: bytes) -> bytes:
    """What the tag of the payload covers besides the payload."""
    return _PAYLOAD_PREFIX + header + header_hmac


def xor(fmk_or_encrypted: bytes, kek: bytes) -> bytes:
    """Encrypt the FMK under a KEK, or decrypt it: both are 32 bytes and the operation is its own inverse."""
    whole = int.from_bytes(fmk_or_encrypted) ^ int.from_bytes(kek)
    return whole.to_bytes(KEY_BYTES)


def ec_kek(shared_secret: bytes, recipient_point: bytes, sender_point: bytes) -> bytes:
    """KEK of an elliptic curve record; the recipient's point comes first in both directions.

    Args:
        shared_secret: x-coordinate of the ECDH result, full field length, big-endian.
        recipient_point: uncompressed point as it stands in the record.
        sender_point: the ephemeral one, likewise.
    """
    premaster = _extract(_PREMASTER_SALT, shared_secret)
    return _expand(premaster, _KEK_INFO + _FMK_METHOD + recipient_point + sender_point)


def symmetric_kek(secret: bytes, salt: bytes, key_label: str) -> bytes:
    """KEK of a symmetric or password record; the label is the whole one as stored in the header."""
    return _expand(_extract(salt, secret), _KEK_INFO + _FMK_METHOD + key_label.encode())


def password_secret(password: bytes, password_salt: bytes, iterations: int) -> bytes:
    """Stretch a password into the secret that ``symmetric_kek`` takes. Slow by design."""
    return hashlib.pbkdf2_hmac("sha256", password, password_salt, iterations, KEY_BYTES)


def shares_kek(random: bytes, salt: bytes, recipient_id: str) -> bytes:
    """KEK that will be split into shares, out of 32 random bytes."""
    return _expand(_extract(salt, random), _SHARES_KEK_INFO + _FMK_METHOD + recipient_id.encode())


def _extract(salt: bytes, key_material: bytes) -> bytes:
    # RFC 5869, 2.2: this HMAC is the whole of HKDF-Extract.
    return hmac.digest(salt, key_material, "sha256")


def _expand(key: bytes, info: bytes) -> bytes:
    return HKDFExpand(SHA256(), KEY_BYTES, info).derive(key)
