# SPDX-License-Identifier: MIT
"""Sharing a 32-byte secret among nodes: the front door to the mathematics.

`split` and `combine` are the threshold scheme, `split_all` and `combine_all` the official n-of-n
scheme. `combine` trusts only shares that match their commitments; `combine_robust` is for shares
without valid commitments. What nodes and clients say to each other is in `osak.shares.protocol`.
Pure: no input or output, no clock, and randomness is an argument.
"""

from osak.shares.commitment import commit, verify_commitment
from osak.shares.errors import (
    CertificateError,
    ConfigurationError,
    DuplicateShareError,
    ForeignShareError,
    InvalidSecretError,
    InvalidShareError,
    MessageError,
    NoConsistentSharesError,
    NoSourceError,
    RandomnessError,
    RevokedCertificateError,
    SharesError,
    StatusError,
    ThresholdError,
    TooFewSharesError,
    WrongShareError,
)
from osak.shares.randomness import RandomBytes
from osak.shares.robust import Recovered, combine_robust
from osak.shares.shamir import add, combine, interpolate_at, share_zero, split
from osak.shares.share import SHARE_BYTES, Share
from osak.shares.threshold import Threshold
from osak.shares.xor import combine_all, split_all

__all__ = [
    "SHARE_BYTES",
    "CertificateError",
    "ConfigurationError",
    "DuplicateShareError",
    "ForeignShareError",
    "InvalidSecretError",
    "InvalidShareError",
    "MessageError",
    "NoConsistentSharesError",
    "NoSourceError",
    "RandomBytes",
    "RandomnessError",
    "Recovered",
    "RevokedCertificateError",
    "Share",
    "SharesError",
    "StatusError",
    "Threshold",
    "ThresholdError",
    "TooFewSharesError",
    "WrongShareError",
    "add",
    "combine",
    "combine_all",
    "combine_robust",
    "commit",
    "interpolate_at",
    "share_zero",
    "split",
    "split_all",
    "verify_commitment",
]
