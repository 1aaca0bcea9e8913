# SPDX-License-Identifier: MIT
"""Our shares and those of independent implementations are the same shares, in both directions.

`pyshamir` is a port of Vault's code: a share is written there as its value and then its index.
`shamir-mnemonic` is the reference of SLIP-39: of it only the interpolation is asked, which works
in the same field.
"""

import itertools
import random

import pyshamir
import pytest
from shamir_mnemonic.shamir import RawShare, _interpolate

from osak.shares import Share, Threshold, combine, commit, interpolate_at, split

SALT = bytes(32)
THRESHOLDS = [Threshold(2, 2), Threshold(2, 3), Threshold(3, 5), Threshold(5, 8)]


def combined(shares: tuple[Share, ...], threshold: Threshold) -> bytes:
    """Combine shares under commitments made for just these."""
    commitments = {share.index: commit(share, SALT) for share in shares}
    return combine(shares, threshold, salt=SALT, commitments=commitments)


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_pyshamir_combines_ours(threshold: Threshold) -> None:
    """Any t of our shares, value before index, are the secret to pyshamir."""
    secret = random.Random(str(threshold)).randbytes(32)
    shares = split(secret, threshold)
    for subset in (shares[: threshold.needed], shares[-threshold.needed :]):
        parts = [bytearray(share.value + bytes([share.index])) for share in subset]
        assert secret == bytes(pyshamir.combine(parts))


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_ours_combines_pyshamir(threshold: Threshold) -> None:
    """All of pyshamir's shares, at whatever indices, lie on one polynomial whose secret we find."""
    secret = random.Random(str(threshold)).randbytes(32)
    parts = pyshamir.split(secret, threshold.total, threshold.needed)
    shares = tuple(Share(part[-1], bytes(part[:-1])) for part in parts)
    for subset in itertools.combinations(shares, threshold.needed):
        assert secret == combined(subset, threshold)
    assert secret == combined(shares, threshold)


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_shamir_mnemonic_interpolates_ours(threshold: Threshold) -> None:
    """From any t of our shares shamir-mnemonic finds the secret at 0 and every other share."""
    secret = random.Random(str(threshold)).randbytes(32)
    shares = split(secret, threshold)
    for subset in itertools.combinations(shares, threshold.needed):
        raw = [RawShare(share.index, share.value) for share in subset]
        assert secret == _interpolate(raw, 0)
        assert [share.value for share in shares] == [_interpolate(raw, share.index) for share in shares]


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=str)
def test_ours_interpolates_shamir_mnemonic(threshold: Threshold) -> None:
    """Of shares that shamir-mnemonic derived from a secret and random shares we find secret and shares."""
    source = random.Random(str(threshold))
    base = [RawShare(index, source.randbytes(32)) for index in range(threshold.needed)]
    shares = tuple(Share(index, _interpolate(base, index)) for index in threshold.indices)
    for subset in itertools.combinations(shares, threshold.needed):
        assert base[0].data == combined(subset, threshold)
        assert list(shares) == [interpolate_at(subset, index) for index in threshold.indices]
