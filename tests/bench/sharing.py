# SPDX-License-Identifier: MIT
"""Splitting and combining a 32-byte key, against ``pyshamir`` and ``pycryptodome``."""

import secrets

import pyshamir
from bench.measure import best_seconds, show
from Crypto.Protocol.SecretSharing import Shamir

from osak.shares import Threshold, combine, combine_robust, commit, split


def run() -> None:
    """Print microseconds and ratios for 2-of-3, 3-of-5 and 5-of-8."""
    for needed, total in ((2, 3), (3, 5), (5, 8)):
        _compare(needed, total)


def _compare(needed: int, total: int) -> None:
    secret, salt, threshold = secrets.token_bytes(32), secrets.token_bytes(32), Threshold(needed, total)
    shares = split(secret, threshold)
    commitments = {share.index: commit(share, salt) for share in shares}
    chosen = shares[:needed]
    liar = type(shares[0])(shares[0].index, bytes(32))
    halves = (secret[:16], secret[16:])
    peer_shares = [Shamir.split(needed, total, half) for half in halves]
    port_shares = pyshamir.split(secret, total, needed)

    ours = best_seconds(lambda: split(secret, threshold))
    port = best_seconds(lambda: pyshamir.split(secret, total, needed), runs=3)
    peer = best_seconds(lambda: [Shamir.split(needed, total, half) for half in halves], runs=3)
    show(
        f"split {threshold}", _us(ours), f"pyshamir {port / ours:,.0f}x", f"pycryptodome {peer / ours:,.0f}x"
    )

    ours = best_seconds(lambda: combine(chosen, threshold, salt=salt, commitments=commitments))
    port = best_seconds(lambda: pyshamir.combine(port_shares[:needed]), runs=3)
    peer = best_seconds(lambda: [Shamir.combine(half[:needed]) for half in peer_shares], runs=3)
    show(
        f"combine {threshold}, checked",
        _us(ours),
        f"pyshamir {port / ours:,.0f}x",
        f"pycryptodome {peer / ours:,.0f}x",
    )

    robust = best_seconds(lambda: combine_robust((liar, *shares[1:]), threshold, secret.__eq__))
    show(f"combine {threshold}, one liar found", _us(robust))


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:,.1f} us"
