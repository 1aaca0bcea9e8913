# SPDX-License-Identifier: MIT
"""Shamir's scheme: every threshold up to 8, every subset, and everything that must be refused."""

import itertools
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osak.shares import (
    DuplicateShareError,
    ForeignShareError,
    InvalidSecretError,
    InvalidShareError,
    NoConsistentSharesError,
    RandomnessError,
    Share,
    Threshold,
    ThresholdError,
    TooFewSharesError,
    WrongShareError,
    add,
    combine,
    commit,
    interpolate_at,
    share_zero,
    split,
)
from osak.shares.field import to_block, to_bytes
from osak.shares.polynomial import interpolate

SALT = b"a salt of the capsule, 32 bytes."
SECRET = bytes(range(32))
THRESHOLDS = [Threshold(needed, total) for total in range(2, 9) for needed in range(2, total + 1)]

secrets_of_32_bytes = st.binary(min_size=32, max_size=32)


def commitments_of(shares: tuple[Share, ...]) -> Mapping[int, bytes]:
    """Commit to every share, as a sender does."""
    return {share.index: commit(share, SALT) for share in shares}


def combined(shares: tuple[Share, ...], threshold: Threshold) -> bytes:
    """Combine shares under commitments made for just these."""
    return combine(shares, threshold, salt=SALT, commitments=commitments_of(shares))


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
@settings(max_examples=8, deadline=None)
@given(secret=secrets_of_32_bytes)
def test_every_subset(threshold: Threshold, secret: bytes) -> None:
    """Every subset of at least t shares gives the secret, every smaller one an error with its size."""
    shares = split(secret, threshold)
    commitments = commitments_of(shares)
    for size in range(threshold.total + 1):
        for subset in itertools.combinations(shares, size):
            if size >= threshold.needed:
                assert secret == combine(subset, threshold, salt=SALT, commitments=commitments)
            else:
                with pytest.raises(TooFewSharesError) as caught:
                    combine(subset, threshold, salt=SALT, commitments=commitments)
                assert (caught.value.given, caught.value.needed) == (size, threshold.needed)


@settings(max_examples=20, deadline=None)
@given(secrets_of_32_bytes, st.data())
def test_any_threshold_in_any_order(secret: bytes, data: st.DataObject) -> None:
    """Thresholds up to 255 work, and the order of shares does not matter."""
    total = data.draw(st.integers(2, 255))
    threshold = Threshold(data.draw(st.integers(2, total)), total)
    shares = split(secret, threshold)
    assert [share.index for share in shares] == list(range(1, total + 1))
    chosen = data.draw(st.permutations(shares))[: threshold.needed]
    assert secret == combined(tuple(chosen), threshold)


# --- randomness and known answers ---------------------------------------------------------------


def slow_share(index: int, secret: bytes, coefficients: list[bytes]) -> bytes:
    """Evaluate byte by byte and bit by bit, sharing nothing with the code under test."""
    value = bytearray()
    for column in zip(secret, *coefficients, strict=True):
        total = 0
        for coefficient in reversed(column):
            shifted, summand = total, 0
            for bit in range(8):
                summand ^= shifted * (index >> bit & 1)
                shifted = (shifted << 1) % 256 ^ (0x1B if shifted & 0x80 else 0)
            total = summand ^ coefficient
        value.append(total)
    return bytes(value)


def test_known_answer() -> None:
    """With a fixed source of randomness the shares are these bytes and no others."""
    drawn = bytes(range(101, 165))
    shares = split(SECRET, Threshold(3, 5), lambda size: drawn[:size])
    coefficients = [drawn[:32], drawn[32:]]
    assert [slow_share(index, SECRET, coefficients) for index in range(1, 6)] == [
        share.value for share in shares
    ]
    assert shares[0].value.hex() == "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fa3b3c3d3e3f"
    assert shares[4].value.hex() == "e7dacd00132e39544f7265f3e0ddcaa7ac91864b5865721f04392ee3f0cddab7"


@settings(deadline=None)
@given(secrets_of_32_bytes, st.integers(2, 12), st.integers(0, 2**32))
def test_shares_are_those_of_the_slow_way(secret: bytes, needed: int, seed: int) -> None:
    """For any randomness the shares are those of a byte-wise implementation."""
    drawn = random.Random(seed).randbytes(32 * (needed - 1))
    coefficients = [drawn[at : at + 32] for at in range(0, len(drawn), 32)]
    for share in split(secret, Threshold(needed, 12), lambda _: drawn):
        assert slow_share(share.index, secret, coefficients) == share.value


def test_randomness_is_asked_once() -> None:
    """All randomness comes from the source given, in one call for exactly 32 * (t - 1) bytes."""
    asked: list[int] = []

    def source(size: int) -> bytes:
        asked.append(size)
        return bytes(size)

    split(SECRET, Threshold(4, 7), source)
    share_zero(Threshold(2, 3), source)
    assert asked == [96, 32]


@pytest.mark.parametrize("size", [0, 63, 65])
def test_source_of_another_length(size: int) -> None:
    """A source that gives fewer or more bytes than asked for is an error, not a weaker sharing."""
    with pytest.raises(RandomnessError):
        split(SECRET, Threshold(3, 5), lambda _: bytes(size))


def test_sharings_differ() -> None:
    """By default each sharing is freshly random."""
    assert split(SECRET, Threshold(3, 5)) != split(SECRET, Threshold(3, 5))


# --- secrecy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_fewer_shares_allow_every_secret(threshold: Threshold) -> None:
    """To any t - 1 shares and any other secret there are matching further shares: they rule nothing out."""
    shares = split(SECRET, threshold)
    other = random.Random(str(threshold)).randbytes(32)
    for known in itertools.combinations(shares, threshold.needed - 1):
        places = (0, *(share.index for share in known))
        values = [to_block(other), *(to_block(share.value) for share in known)]
        explanation = tuple(
            Share(index, to_bytes(interpolate(places, values, index))) for index in threshold.indices
        )
        assert set(known) <= set(explanation)
        assert other == combined(explanation, threshold)


@pytest.mark.parametrize("secret_byte", [0, 1, 0xA5])
@pytest.mark.parametrize("index", [1, 2, 255])
def test_one_share_of_two_is_uniform(secret_byte: int, index: int) -> None:
    """Over all random bytes a share takes every value exactly once, whatever the secret is."""
    secret = bytes([secret_byte]) * 32
    seen = {split(secret, Threshold(2, 255), bytes([byte]).__mul__)[index - 1].value for byte in range(256)}
    assert len(seen) == 256


def test_repr_and_errors_keep_secrets() -> None:
    """Nothing printed about shares or their errors holds a value or the secret."""
    shares = split(SECRET, Threshold(2, 3))
    wrong = (shares[0], Share(2, b"\xee" * 32))
    with pytest.raises(WrongShareError) as caught:
        combine(wrong, Threshold(2, 3), salt=SALT, commitments=commitments_of(shares))
    told = repr(shares) + repr(caught.value) + str(caught.value)
    for hidden in (SECRET, *(share.value for share in shares + wrong)):
        assert hidden.hex() not in told
        assert repr(hidden)[2:-1] not in told


# --- what combine refuses -----------------------------------------------------------------------


@pytest.mark.parametrize("tampered", [(1,), (2, 4), (1, 2, 3, 4, 5)])
def test_all_wrong_shares_are_named(tampered: tuple[int, ...]) -> None:
    """Every share that does not match its commitment is named, even when enough good ones are there."""
    threshold = Threshold(3, 5)
    shares = split(SECRET, threshold)
    given_shares = [Share(share.index, bytes(32)) if share.index in tampered else share for share in shares]
    with pytest.raises(WrongShareError) as caught:
        combine(given_shares, threshold, salt=SALT, commitments=commitments_of(shares))
    assert caught.value.indices == tampered


@given(st.integers(0, 2), st.integers(0, 255))
def test_every_flipped_bit_is_refused(position: int, bit: int) -> None:
    """A share with any one bit flipped never becomes part of a secret."""
    shares = split(SECRET, Threshold(3, 3))
    changed = bytearray(shares[position].value)
    changed[bit // 8] ^= 1 << bit % 8
    given_shares = list(shares)
    given_shares[position] = Share(position + 1, bytes(changed))
    with pytest.raises(WrongShareError) as caught:
        combine(given_shares, Threshold(3, 3), salt=SALT, commitments=commitments_of(shares))
    assert caught.value.indices == (position + 1,)


def test_swapped_indices_are_refused() -> None:
    """Two nodes that answer with each other's share are both wrong."""
    first, second, third = split(SECRET, Threshold(3, 3))
    with pytest.raises(WrongShareError) as caught:
        combine(
            [Share(2, first.value), Share(1, second.value), third],
            Threshold(3, 3),
            salt=SALT,
            commitments=commitments_of((first, second, third)),
        )
    assert caught.value.indices == (1, 2)


def test_share_of_another_set_is_refused() -> None:
    """A genuine share of another sharing of the same secret is a wrong one here."""
    threshold = Threshold(2, 3)
    shares, others = split(SECRET, threshold), split(SECRET, threshold)
    with pytest.raises(WrongShareError):
        combine([shares[0], others[1]], threshold, salt=SALT, commitments=commitments_of(shares))


def test_duplicate_share() -> None:
    """The same share twice does not count as two."""
    shares = split(SECRET, Threshold(3, 5))
    with pytest.raises(DuplicateShareError):
        combine([*shares[:2], shares[1]], Threshold(3, 5), salt=SALT, commitments=commitments_of(shares))


def test_foreign_indices_are_named() -> None:
    """Shares whose indices have no commitment are refused and named, all of them."""
    shares = split(SECRET, Threshold(2, 5))
    with pytest.raises(ForeignShareError) as caught:
        combine(shares, Threshold(2, 3), salt=SALT, commitments=commitments_of(shares[:3]))
    assert caught.value.indices == (4, 5)


def test_surplus_shares_must_fit_the_others() -> None:
    """Commitments made for shares of no one polynomial are the sender's fault, and an error."""
    shares = (*split(SECRET, Threshold(2, 3))[:2], Share(3, bytes(32)))
    with pytest.raises(NoConsistentSharesError):
        combined(shares, Threshold(2, 3))


def test_threshold_set_too_low() -> None:
    """Shares of a 3-of-5 sharing taken for 2-of-5 are noticed as soon as there is one to spare."""
    shares = split(SECRET, Threshold(3, 5))
    with pytest.raises(NoConsistentSharesError):
        combined(shares[:3], Threshold(2, 5))


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_secret_of_another_length(size: int) -> None:
    """Only 32 bytes are split."""
    with pytest.raises(InvalidSecretError):
        split(bytes(size), Threshold(2, 3))


# --- linearity: repair and refresh --------------------------------------------------------------


@pytest.mark.parametrize("threshold", [item for item in THRESHOLDS if item.total > item.needed], ids=str)
def test_any_lost_share_comes_back(threshold: Threshold) -> None:
    """From any t shares every other one is recovered, bit for bit."""
    shares = split(SECRET, threshold)
    for helpers in itertools.combinations(shares, threshold.needed):
        for lost in shares:
            assert lost == interpolate_at(helpers, lost.index)


def test_interpolation_refuses_nonsense() -> None:
    """One share, the same share twice and an index that is none are refused; 0 would be the secret."""
    first, second, _ = split(SECRET, Threshold(2, 3))
    with pytest.raises(TooFewSharesError):
        interpolate_at([first], 2)
    with pytest.raises(DuplicateShareError):
        interpolate_at([first, first], 2)
    for index in (-1, 0, 256):
        with pytest.raises(ThresholdError):
            interpolate_at([first, second], index)


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_zero_sharing_keeps_the_secret(threshold: Threshold) -> None:
    """A sharing of zero changes every share and not the secret; alone it is a sharing of zero."""
    zero = share_zero(threshold)
    assert combined(zero, threshold) == bytes(32)
    shares = split(SECRET, threshold)
    refreshed = tuple(map(add, shares, zero))
    for before, after in zip(shares, refreshed, strict=True):
        assert before.value != after.value
    for subset in itertools.combinations(refreshed, threshold.needed):
        assert combined(subset, threshold) == SECRET


def test_old_and_refreshed_shares_do_not_mix() -> None:
    """A share stolen before a refresh is worthless with shares stolen after it."""
    threshold = Threshold(3, 5)
    shares = split(SECRET, threshold)
    refreshed = tuple(map(add, shares, share_zero(threshold)))
    assert combined((*shares[:2], refreshed[2]), threshold) != SECRET


def test_repair_after_refresh() -> None:
    """A share lost after several refreshes is repaired from refreshed shares and works with them."""
    threshold = Threshold(3, 5)
    shares = split(SECRET, threshold)
    for _ in range(3):
        shares = tuple(map(add, shares, share_zero(threshold)))
    repaired = interpolate_at(shares[1:4], 5)
    assert repaired == shares[4]
    assert combined((shares[0], shares[2], repaired), threshold) == SECRET


def test_add_needs_equal_indices() -> None:
    """Shares of different nodes cannot be added."""
    first, second = split(SECRET, Threshold(2, 2))
    with pytest.raises(InvalidShareError):
        add(first, second)
