# SPDX-License-Identifier: MIT
"""The gate before every handler of a port: rates first, then the body is read, then a slot for the work.

Rates are asked before a body is read, so a flood costs little. A slot is taken only for the work itself:
who sends slowly holds a connection (see ``connections``), but keeps no work from being done. The rate of
one share counts each address apart: else whoever knows a share id could lock its owner out.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager

from aiohttp import web

from osak.node.config import LimitSettings
from osak.node.errors import OverloadedError
from osak.node.limits.addresses import client_key
from osak.node.limits.counter import RateCounter, take

FORWARDED_FOR = "X-Forwarded-For"


class Gate:
    """One port's limits."""

    def __init__(self, settings: LimitSettings, counter: RateCounter) -> None:
        self._settings = settings
        self._counter = counter
        self._slots = _Slots(settings.max_concurrent_requests)

    async def admit(self, request: web.Request) -> None:
        """Return if the client does not come too often.

        Raises:
            TooManyRequestsError: it does.
            StorageError: nobody can say.
        """
        rates = self._settings.rates
        forwarded = request.headers.getall(FORWARDED_FOR, [])
        client = client_key(request.remote, forwarded, self._settings.trusted_proxies)
        await take(self._counter, f"address:{client}", rates.per_address, "of this address")
        share_id = _share_id(request.match_info)
        if share_id is not None:
            await take(self._counter, f"share:{share_id}:{client}", rates.per_share, "for this share")
        await take(self._counter, "total", rates.total, "of all clients")

    def work(self) -> AbstractContextManager[None]:
        """A slot for the work on one request; entering it raises ``OverloadedError`` if all are taken."""
        return self._slots


class _Slots:
    """So many at once; entered as often as there are requests, so that none costs an object."""

    def __init__(self, count: int) -> None:
        self._free = count

    def __enter__(self) -> None:
        if not self._free:
            raise OverloadedError("limits.max_concurrent_requests are being worked on")
        self._free -= 1

    def __exit__(self, *error: object) -> None:
        self._free += 1


def _share_id(match: Mapping[str, str]) -> str | None:
    """The id in the path, cut: text of any length may stand there before it is checked."""
    found = match.get("share_id") or match.get("transaction_id")
    return None if found is None else found[:40].lower()
