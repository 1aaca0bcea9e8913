# SPDX-License-Identifier: MIT
"""Asking where a certificate says: HTTP without redirects, cookies or proxies, to public addresses only.

A name is resolved once, and the connection goes to the address that was judged, so a name server cannot show
one address and mean another. Every answer has an end in bytes and in time. A session lives for one question:
answers are remembered, so there is nothing to keep a connection for.

It stands beside the four packages: nodes and clients ask alike, and neither may lean on the other.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from osak.shares.certificates.settings import RevocationSettings
from osak.shares.certificates.sources import may_be_asked, split_url
from osak.shares.errors import StatusError

_QUESTION: Final = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
_ANSWER: Final = "application/ocsp-response"


class StatusFetch:
    """Asks OCSP servers and fetches lists."""

    def __init__(self, settings: RevocationSettings) -> None:
        self._networks = settings.networks
        self._timeout_seconds = settings.timeout.total_seconds()

    async def __call__(self, url: str, question: bytes | None, max_bytes: int) -> bytes:
        """POST ``question``, or GET if there is none; return what is answered.

        Raises:
            StatusError: the place may not be asked, or gave no answer of at most ``max_bytes``.
        """
        host = split_url(url).hostname or ""
        if _is_address(host) and not may_be_asked(host, self._networks):
            raise StatusError("it is at an address that is never asked")
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._exchange(url, question, max_bytes)
        except TimeoutError as error:
            raise StatusError("no answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise StatusError("no connection, or no HTTP at its end") from error

    async def _exchange(self, url: str, question: bytes | None, max_bytes: int) -> bytes:
        connector = aiohttp.TCPConnector(resolver=GuardedResolver(self._networks), force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(
                "GET" if question is None else "POST",
                URL(url, encoded=True),
                data=question,
                headers={"Accept-Encoding": "identity"} if question is None else _QUESTION,
                allow_redirects=False,
            ) as response,
        ):
            if response.status != 200:
                raise StatusError(f"it answers HTTP {response.status}")
            if question is not None and response.content_type != _ANSWER:
                raise StatusError("it answers something that is no OCSP")
            return await _read(response, max_bytes)


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(2**16):
        content += chunk
        if len(content) > max_bytes:
            raise StatusError(f"its answer is longer than {max_bytes} bytes")
    return bytes(content)


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False


class GuardedResolver(AbstractResolver):
    """The system's names, less all addresses that may not be asked."""

    def __init__(
        self, networks: Sequence[IPv4Network | IPv6Network], system: AbstractResolver | None = None
    ) -> None:
        self._networks = networks
        self._system = system or aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Addresses of ``host`` that may be asked.

        Raises:
            OSError: there is none.
        """
        found = await self._system.resolve(host, port, family)
        allowed = [one for one in found if may_be_asked(one["host"], self._networks)]
        if not allowed:
            raise OSError(None, "no address that may be asked")
        return allowed

    async def close(self) -> None:
        """Nothing is open."""
        await self._system.close()
