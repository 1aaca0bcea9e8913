# SPDX-License-Identifier: MIT
"""Shamir's scheme over GF(2^8), byte by byte: any t of n shares, and never a wrong secret.

For each byte of the secret there is one polynomial of degree t - 1 with that byte at 0; share i
is the 32 values at i. The coefficients are used as they were drawn, zero or not: leaving any out
would let t - 1 shares say something. Sharings are linear: adding two sharings adds their secrets,
so a sharing of zero refreshes shares, and a lost share is the value at its index.

The field, and the limits of what Python can hide, are described in `field`.
"""

import secrets
from collections.abc import Iterable, Mapping

from osak.shares.commitment import verify_commitments
from osak.shares.errors import InvalidShareError, NoConsistentSharesError, ThresholdError, TooFewSharesError
from osak.shares.field import BLOCK_BYTES, to_block, to_bytes
from osak.shares.polynomial import agreeing, evaluate, interpolate
from osak.shares.randomness import RandomBytes, random_blocks
from osak.shares.share import Share, points_of, secret_block
from osak.shares.threshold import EVERY_INDEX, MAX_SHARES, Threshold


def split(
    secret: bytes, threshold: Threshold, random_bytes: RandomBytes = secrets.token_bytes
) -> tuple[Share, ...]:
    """Split 32 secret bytes into shares 1 to n.

    Draws 32 * (t - 1) random bytes in one call: the coefficients of x, x^2 and so on.

    Raises:
        InvalidSecretError: the secret is not 32 bytes long.
        RandomnessError: the source gave another number of bytes than asked for.
    """
    coefficients = [secret_block(secret), *random_blocks(threshold.needed - 1, random_bytes)]
    values = evaluate(coefficients, threshold.total)
    return tuple(Share(index, to_bytes(value)) for index, value in enumerate(values, start=1))


def combine(
    shares: Iterable[Share], threshold: Threshold, *, salt: bytes, commitments: Mapping[int, bytes]
) -> bytes:
    """Return the secret of at least t shares, each of which must match its commitment.

    More than t are welcome; then all of them must lie on one polynomial.

    Raises:
        DuplicateShareError: an index occurs twice.
        ForeignShareError: a share's index has no commitment.
        WrongShareError: names every share that does not match its commitment.
        TooFewSharesError: fewer than t shares.
        NoConsistentSharesError: the commitments hold, but for shares of no one secret: whoever
            made this set erred or lied.
    """
    given = tuple(shares)
    points = points_of(given, commitments)
    verify_commitments(given, salt, commitments)
    if len(points) < threshold.needed:
        raise TooFewSharesError(len(points), threshold.needed)
    first = tuple(points)[: threshold.needed]
    if len(points) > threshold.needed and len(agreeing(points, first)) < len(points):
        raise NoConsistentSharesError("the shares match their commitments but not each other")
    return to_bytes(interpolate(first, [points[index] for index in first], 0))


def interpolate_at(shares: Iterable[Share], index: int) -> Share:
    """Return the share with this index of the sharing whose t shares are given, to repair a lost one.

    Exactly t shares, no more and no fewer, are the caller's duty: other numbers describe another
    sharing.

    Raises:
        DuplicateShareError: an index occurs twice.
        TooFewSharesError: fewer than two shares.
        ThresholdError: the index is not in 1..255.
    """
    if index not in EVERY_INDEX:  # at 0 stands the secret
        raise ThresholdError(f"index {index} is not in 1..{MAX_SHARES}")
    points = points_of(shares, EVERY_INDEX)
    if len(points) < 2:
        raise TooFewSharesError(len(points), 2)
    return Share(index, to_bytes(interpolate(tuple(points), tuple(points.values()), index)))


def share_zero(threshold: Threshold, random_bytes: RandomBytes = secrets.token_bytes) -> tuple[Share, ...]:
    """Make a sharing of 32 zero bytes: added to another sharing, it changes every share but no secret.

    Raises:
        RandomnessError: the source gave another number of bytes than asked for.
    """
    return split(bytes(BLOCK_BYTES), threshold, random_bytes)


def add(first: Share, second: Share) -> Share:
    """Return the share of the sum (XOR) of two secrets shared with the same threshold.

    Raises:
        InvalidShareError: the shares have different indices.
    """
    if first.index != second.index:
        raise InvalidShareError(f"shares {first.index} and {second.index} cannot be added")
    return Share(first.index, to_bytes(to_block(first.value) ^ to_block(second.value)))
