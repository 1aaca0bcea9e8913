# SPDX-License-Identifier: MIT
"""The official n-of-n scheme (CDOC2 specification, SC07): the secret is the XOR of all shares.

Shares 2 to n are random, share 1 is the secret XORed with them all. One share lost is the secret
lost, and a wrong one cannot be named; only the caller's check tells that something is wrong.
"""

import secrets
from collections.abc import Callable, Iterable
from functools import reduce
from operator import xor

from osak.shares.errors import NoConsistentSharesError, TooFewSharesError
from osak.shares.field import to_bytes
from osak.shares.randomness import RandomBytes, random_blocks
from osak.shares.share import Share, points_of, secret_block
from osak.shares.threshold import Threshold


def split_all(
    secret: bytes, count: int, random_bytes: RandomBytes = secrets.token_bytes
) -> tuple[Share, ...]:
    """Split 32 secret bytes into shares 1 to count, all of which are needed.

    Draws 32 * (count - 1) random bytes in one call: shares 2, 3 and so on.

    Raises:
        ThresholdError: unless 2 <= count <= 255.
        InvalidSecretError: the secret is not 32 bytes long.
        RandomnessError: the source gave another number of bytes than asked for.
    """
    indices = Threshold(count, count).indices
    block = secret_block(secret)
    others = random_blocks(count - 1, random_bytes)
    blocks = [reduce(xor, others, block), *others]
    return tuple(Share(index, to_bytes(block)) for index, block in zip(indices, blocks, strict=True))


def combine_all(shares: Iterable[Share], count: int, is_secret: Callable[[bytes], bool]) -> bytes:
    """Return the secret of exactly count shares, once the caller's check has accepted it.

    Raises:
        ThresholdError: unless 2 <= count <= 255.
        DuplicateShareError: an index occurs twice.
        ForeignShareError: an index is not in 1..count.
        TooFewSharesError: a share is missing.
        NoConsistentSharesError: the check refused; at least one share is wrong.
    """
    points = points_of(shares, Threshold(count, count).indices)
    if len(points) < count:
        raise TooFewSharesError(len(points), count)
    secret = to_bytes(reduce(xor, points.values()))
    if not is_secret(secret):
        raise NoConsistentSharesError(f"the {count} shares do not lead to the right secret")
    return secret
