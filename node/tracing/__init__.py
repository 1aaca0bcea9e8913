# SPDX-License-Identifier: MIT
"""Spans to a collector, if the configuration names one; its libraries are loaded only then."""

from osak.node.trace_settings import TraceSettings
from osak.node.tracing.base import Tracing
from osak.shares.errors import ConfigurationError


def open_tracing(settings: TraceSettings, node_id: str, version: str) -> Tracing:
    """Spans of the node ``node_id`` to the collector of the settings.

    Raises:
        ConfigurationError: the extra is not installed, or the token cannot stand in a header.
        OSError: the token cannot be read.
    """
    try:
        from osak.node.tracing.otlp import OTLPTracing  # noqa: PLC0415 - loaded only when configured
    except ImportError as error:
        raise ConfigurationError(
            "traces", ["the libraries for traces are not installed: pip install 'osak[traces]'"]
        ) from error
    return OTLPTracing(settings, node_id, version)
