# SPDX-License-Identifier: MIT
"""Commitments: their exact bytes, and that they bind index, value and salt."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares import Share, WrongShareError, commit, verify_commitment

SALT = bytes(range(32))
SHARE = Share(3, bytes(range(100, 132)))


@given(st.integers(1, 255), st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=100))
def test_commitment_is_the_documented_hmac(index: int, value: bytes, salt: bytes) -> None:
    """A commitment is HMAC-SHA256 under the salt of label, index byte and value."""
    expected = hmac.new(salt, b"osak-share-commitment-v1" + bytes([index]) + value, hashlib.sha256).digest()
    assert expected == commit(Share(index, value), salt)
    verify_commitment(Share(index, value), salt, expected)


@pytest.mark.parametrize(
    ("share", "salt"),
    [
        (Share(4, SHARE.value), SALT),
        (Share(3, bytes(32)), SALT),
        (SHARE, bytes(32)),
    ],
    ids=["index", "value", "salt"],
)
def test_another_share_does_not_fit(share: Share, salt: bytes) -> None:
    """Another index, value or salt is noticed, and the error names the index but not the value."""
    with pytest.raises(WrongShareError) as caught:
        verify_commitment(share, salt, commit(SHARE, SALT))
    assert caught.value.indices == (share.index,)
    assert share.value.hex() not in str(caught.value)


def test_every_flipped_bit_is_noticed() -> None:
    """A commitment with any one bit changed, or cut short, fits no share."""
    commitment = commit(SHARE, SALT)
    for bit in range(256):
        changed = bytearray(commitment)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WrongShareError):
            verify_commitment(SHARE, SALT, bytes(changed))
    with pytest.raises(WrongShareError):
        verify_commitment(SHARE, SALT, commitment[:-1])
