# SPDX-License-Identifier: MIT
"""Spans of requests and of the steps within them, for whoever looks for what took the time.

Without a section ``traces`` there are none and they cost nothing. With it they go to a collector by
OTLP over HTTP, from a thread of their own: a slow or missing collector costs spans, never an answer.
A span holds a name, times and what ``tell`` is given: routes, statuses, codes. Ids of shares, people,
nonces and tickets are never told. What a client says of traces (``traceparent``) is not read: strangers
would decide what is kept.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol


class Span(Protocol):
    """A stretch of time that is being measured."""

    def tell(self, name: str, value: str | int) -> None:
        """Note something about it; never an id or a secret."""
        ...


SpanMaker = Callable[[str], AbstractContextManager[Span]]
"""Opens a span of that name inside the one that is open."""


class _Untold:
    """One for all, and no generator: every request opens ten of them."""

    def tell(self, name: str, value: str | int) -> None:
        """Nobody listens."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to close."""


_UNTOLD: Final = _Untold()


def no_span(_name: str) -> AbstractContextManager[Span]:
    """The ``SpanMaker`` of a node that traces nothing."""
    return _UNTOLD


class Tracing(Protocol):
    """Where spans go."""

    def span(self, name: str) -> AbstractContextManager[Span]:
        """A ``SpanMaker``."""
        ...

    def close(self) -> None:
        """Send what waits, for at most twice the settings' timeout."""
        ...
