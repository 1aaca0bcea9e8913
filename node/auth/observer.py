# SPDX-License-Identifier: MIT
"""What the checks of certificates tell whoever counts and logs; here it falls on deaf ears."""


class TrustObserver:
    """Hears of every certificate; a subclass makes metrics and log lines of it (``trust_telemetry``)."""

    def verified(self, *, was_known: bool) -> None:
        """A certificate's chain was verified, or known from before."""

    def learnt(self, source: str, status: str) -> None:
        """An authority said by ``ocsp`` or ``crl`` that a certificate is ``good`` or ``revoked``."""

    def learnt_nothing(self, reason: str) -> None:
        """Nobody could tell; ``reason`` is in our own words."""

    def let_through(self) -> None:
        """A certificate was believed although nobody could tell: mode soft."""
