# SPDX-License-Identifier: MIT
"""What the metrics and the log say of people's certificates; never which one."""

from prometheus_client import Counter

from osak.node.auth.observer import TrustObserver
from osak.node.telemetry import Telemetry


class TrustTelemetry(TrustObserver):
    """Counts, and warns where nobody could tell whether a certificate was revoked."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._log = telemetry.log
        registry = telemetry.registry
        certificates = Counter(
            "osak_node_certificates",
            "Certificates of tickets: hit (verified before) or miss.",
            ["cache"],
            registry=registry,
        )
        self._hits, self._misses = certificates.labels("hit"), certificates.labels("miss")
        self._answers = Counter(
            "osak_node_certificate_status_answers",
            "What authorities said of certificates, and that nobody could tell.",
            ["source", "status"],
            registry=registry,
        )
        self._let_through = Counter(
            "osak_node_certificate_status_soft_passes",
            "Certificates believed although nobody could tell: revocation mode soft.",
            registry=registry,
        )

    def verified(self, *, was_known: bool) -> None:
        """Count it."""
        (self._hits if was_known else self._misses).inc()

    def learnt(self, source: str, status: str) -> None:
        """Count it."""
        self._answers.labels(source, status).inc()

    def learnt_nothing(self, reason: str) -> None:
        """Count it, and warn."""
        self._answers.labels("none", "unknown").inc()
        self._log.warning("certificate status unknown", reason=reason)

    def let_through(self) -> None:
        """Count it."""
        self._let_through.inc()
