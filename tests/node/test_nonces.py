# SPDX-License-Identifier: MIT
"""Nonces that prove themselves."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.node.errors import ShareNotFoundError
from osak.node.nonces import CLOCK_SKEW_SECONDS, SPENT_MARGIN_SECONDS, NonceMint
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url
from osak.shares.protocol.urls import check_nonce

NOW = 1_800_000_000
LIFE = 300
SHARE_ID = "ab" * 16
MINT = NonceMint([b"k" * 32], life_seconds=LIFE, random_bytes=secrets.token_bytes)


def test_form() -> None:
    """A nonce is 22 characters that any client echoes, and two in one second differ."""
    nonces = {MINT.issue(SHARE_ID, NOW) for _ in range(50)}
    assert len(nonces) == 50
    assert {len(check_nonce(nonce)) for nonce in nonces} == {22}


@pytest.mark.parametrize("age", [-CLOCK_SKEW_SECONDS, 0, LIFE])
def test_alive(age: int) -> None:
    """A nonce lives for its life and the clocks' difference; its record is kept longer than that."""
    kept = MINT.check(SHARE_ID, MINT.issue(SHARE_ID, NOW), NOW + age)
    assert kept == NOW + LIFE + SPENT_MARGIN_SECONDS


@pytest.mark.parametrize("age", [-CLOCK_SKEW_SECONDS - 1, LIFE + 1, 10**9])
def test_dead(age: int) -> None:
    """Before and after its life a nonce is nothing."""
    with pytest.raises(ShareNotFoundError):
        MINT.check(SHARE_ID, MINT.issue(SHARE_ID, NOW), NOW + age)


def test_bound_to_share_and_node() -> None:
    """Another share's nonce, or another node's, is nothing here."""
    nonce = MINT.issue(SHARE_ID, NOW)
    other = NonceMint([b"x" * 32], life_seconds=LIFE, random_bytes=secrets.token_bytes)
    with pytest.raises(ShareNotFoundError):
        MINT.check("cd" * 16, nonce, NOW)
    with pytest.raises(ShareNotFoundError):
        other.check(SHARE_ID, nonce, NOW)


def test_a_node_with_two_keys() -> None:
    """It issues under the first, and takes what was issued under either."""
    both = NonceMint([b"n" * 32, b"k" * 32], life_seconds=LIFE, random_bytes=secrets.token_bytes)
    assert both.check(SHARE_ID, MINT.issue(SHARE_ID, NOW), NOW)
    issued = both.issue(SHARE_ID, NOW)
    assert both.check(SHARE_ID, issued, NOW)
    with pytest.raises(ShareNotFoundError):
        MINT.check(SHARE_ID, issued, NOW)


@given(st.integers(0, 127))
def test_any_flipped_bit_kills(bit: int) -> None:
    """No bit of a nonce can be changed, its time least of all."""
    data = bytearray(decode_base64url(MINT.issue(SHARE_ID, NOW)))
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ShareNotFoundError):
        MINT.check(SHARE_ID, encode_base64url(bytes(data)), NOW)


@given(st.text(alphabet="ABCabc019-_=!", max_size=40))
def test_anything_else_is_nothing(text: str) -> None:
    """Whatever comes as a nonce ends in the one refusal."""
    with pytest.raises(ShareNotFoundError):
        MINT.check(SHARE_ID, text, NOW)
