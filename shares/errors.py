# SPDX-License-Identifier: MIT
"""Everything that can go wrong with shares, drawn as one tree.

SharesError
├── ThresholdError            t and n that make no sense, or an index outside 1..255
├── InvalidSecretError        a secret that is not 32 bytes long
├── RandomnessError           a source that gives another number of bytes than asked for
├── InvalidShareError         bytes that are not a share, or not of this set
│   ├── DuplicateShareError   the same index twice
│   ├── ForeignShareError     an index the set does not have; names the indices
│   └── WrongShareError       a share that fails its commitment; names the indices
├── TooFewSharesError         fewer shares than the threshold asks for
├── NoConsistentSharesError   no t of the given shares lead to the right secret
├── CertificateError          a certificate that is not to be believed, or not for what it is shown
│   └── RevokedCertificateError  its authority took it back, or says that it never issued it
├── StatusError               what should tell that is not to be had, or proves nothing
│   └── NoSourceError         the certificate does not say who could tell
├── MessageError              a wire message, header, URL or ticket that is not well formed
└── ConfigurationError        mistakes in a YAML file, all of them at once

Nothing here ever carries a share, a secret or a key in its text.
"""

from collections.abc import Sequence

from osak.errors import OsakError


class SharesError(OsakError):
    """Base of every error of this package."""


class ThresholdError(SharesError, ValueError):
    """A threshold, a number of nodes or an index is out of range."""


class InvalidSecretError(SharesError, ValueError):
    """A secret to be shared does not have the length of a key."""


class RandomnessError(SharesError):
    """The source of randomness gave another number of bytes than it was asked for."""


class InvalidShareError(SharesError, ValueError):
    """A share is malformed or does not belong to the set it was given with."""


class DuplicateShareError(InvalidShareError):
    """Two shares carry the same index."""


class ForeignShareError(InvalidShareError):
    """One or more shares have an index that the set they were given with does not have.

    Attributes:
        indices: the foreign indices, ascending.
    """

    def __init__(self, indices: Sequence[int]) -> None:
        self.indices = tuple(sorted(indices))
        super().__init__(f"no share {', '.join(map(str, self.indices))} belongs to this set")


class WrongShareError(InvalidShareError):
    """One or more shares do not match their commitments.

    Attributes:
        indices: the x-coordinates of the wrong shares, ascending.
    """

    def __init__(self, indices: Sequence[int]) -> None:
        self.indices = tuple(sorted(indices))
        named = ", ".join(map(str, self.indices))
        super().__init__(
            f"share {named} does not match its commitment"
            if len(self.indices) == 1
            else f"shares {named} do not match their commitments"
        )


class TooFewSharesError(SharesError):
    """Fewer shares were given than the threshold asks for."""

    def __init__(self, given: int, needed: int) -> None:
        self.given = given
        self.needed = needed
        super().__init__(f"{given} shares given, {needed} needed")


class NoConsistentSharesError(SharesError):
    """No t of the given shares lead to the right secret."""


class CertificateError(SharesError):
    """A certificate has no chain to an anchor that is valid now, or is not for what it is shown for."""


class RevokedCertificateError(CertificateError):
    """The authority that issued a certificate says that it no longer stands by it, or never did."""


class StatusError(SharesError):
    """Whether a certificate was revoked cannot be learnt: no answer, or one that proves nothing."""


class NoSourceError(StatusError):
    """A certificate does not say who could tell whether it was revoked."""


class MessageError(SharesError, ValueError):
    """A wire message, header, URL, identifier or ticket is not well formed."""


class ConfigurationError(SharesError):
    """A YAML file has mistakes; the text lists every one of them.

    Attributes:
        problems: one line for each mistake: ``path (line N): what is wrong``.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{source}:", *(f"  {problem}" for problem in self.problems)]))
