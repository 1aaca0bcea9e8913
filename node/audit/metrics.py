# SPDX-License-Identifier: MIT
"""What the metrics say of the audit log: how far the disk is behind, and how far the signatures are."""

from prometheus_client import CollectorRegistry, Gauge

from osak.node.audit.log import AuditLog


def measure_audit(log: AuditLog, registry: CollectorRegistry) -> None:
    """Let ``registry`` tell, whenever it is asked, how ``log`` is doing."""
    Gauge(
        "osak_node_audit_lag_seconds",
        "How long the oldest line of the audit log that is not on the disk yet has waited.",
        registry=registry,
    ).set_function(lambda: log.lag_seconds)
    Gauge(
        "osak_node_audit_unsigned_lines",
        "Lines of the audit log that no checkpoint covers yet.",
        registry=registry,
    ).set_function(lambda: log.unsigned_lines)
    Gauge(
        "osak_node_audit_lines",
        "Number of the last line of the audit log.",
        registry=registry,
    ).set_function(lambda: log.end.number)
