# SPDX-License-Identifier: MIT
"""One HTTPS call to one server, with aiohttp; none of aiohttp's errors leave this file.

What a server may do to us is bounded: a reply is read up to a limit and no further (4 KiB where nothing
else is said), redirects are never followed, nothing is decompressed, no cookie is kept, no proxy is taken
from the environment, and every call ends within its timeout. Certificates are settled in the handshake
(``tls``). Connections are kept between calls; on a kept connection that turns out to be closed, aiohttp
itself repeats a GET or DELETE once, never a POST. Which calls there are and what they
mean is for others to know.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from weakref import WeakSet

import aiohttp
from yarl import URL

from osak.coordinator.errors import BadReply, Refused, TimedOut, TransportError, Unreachable, Untrusted
from osak.coordinator.group import Timeouts
from osak.shares.errors import MessageError
from osak.shares.protocol.messages import MAX_BODY_BYTES, Problem
from osak.shares.protocol.urls import ServerURL

JSON_CONTENT: Final = {"Content-Type": "application/json"}

CALL_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "osak"}
_CLOSING_TURNS: Final = 5


@dataclass(frozen=True, slots=True)
class Request:
    """One call.

    Attributes:
        method: of HTTP.
        url: the server.
        path: below the server's URL; every part of it was checked.
        hoped_for: the one status that is a success.
        headers: beside those that every call has.
        body: what is sent.
        max_reply_bytes: where reading the reply's body ends.
    """

    method: str
    url: ServerURL
    path: str
    hoped_for: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    max_reply_bytes: int = MAX_BODY_BYTES


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply with the status that was hoped for; the names of its headers match in any case."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class HTTPSession:
    """Calls over HTTPS; an async context manager that owns its connections."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=timeouts.request_seconds, sock_connect=timeouts.connect_seconds
        )
        self._session: aiohttp.ClientSession | None = None
        self._sockets: WeakSet[socket.socket] = WeakSet()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=self._new_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=CALL_HEADERS,
            timeout=self._timeout,
            auto_decompress=False,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            await self._let_go()

    def _new_socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, _ = address
        new = socket.socket(family, kind, protocol)
        self._sockets.add(new)
        return new

    async def _let_go(self) -> None:
        """Wait until every connection is closed, those included that were cancelled half-way.

        asyncio closes those in its next turns, but not one that was cancelled when its TLS handshake had just
        ended: that one waits for the server to say goodbye too. So it is told that the server hung up.
        """
        await _a_few_turns()
        for left in [each for each in self._sockets if each.fileno() != -1]:
            with suppress(OSError):  # was never connected, or is closed by now
                left.shutdown(socket.SHUT_RDWR)
        await _a_few_turns()

    async def call(self, request: Request, context: ssl.SSLContext) -> Reply:
        """Make one call; return the reply if its status is the one hoped for.

        Raises:
            TransportError: anything else.
        """
        if self._session is None:
            raise RuntimeError("connections are used inside their async with block")
        # Every part was checked, so the URL is sent as it stands and not quoted again.
        url = URL(f"{request.url}{request.path}", encoded=True)
        async with (
            _translated(),
            self._session.request(
                request.method,
                url,
                headers=request.headers,
                data=request.body,
                ssl=context,
                allow_redirects=False,
            ) as response,
        ):
            content = await _read_bounded(response, request.max_reply_bytes)
            return judged(request, response.status, response.headers, content)


def judged(request: Request, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    """The reply, if its status is the one hoped for.

    Raises:
        Refused: it is an error's.
        BadReply: it is any other.
    """
    if status == request.hoped_for:
        return Reply(content, headers)
    if status >= 400:
        raise Refused(Problem.from_reply(status, content), headers)
    kind = "a redirect, which is never followed" if status >= 300 else "an unexpected status"
    raise BadReply(f"answered {status}, {kind}")


async def _a_few_turns() -> None:
    for _ in range(_CLOSING_TURNS):
        await asyncio.sleep(0)


@contextmanager
def reading_reply() -> Iterator[None]:
    """Turn a malformed message into ``BadReply``."""
    try:
        yield
    except MessageError as error:
        raise BadReply(f"answered something that is not the protocol: {error}") from error


async def _read_bounded(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The reply's body; a longer one is not read to its end.

    Raises:
        BadReply: it is longer than that.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            response.close()
            raise BadReply(f"answered {response.status} with more than {limit} bytes")
    return bytes(body)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Let only ``TransportError`` (and cancellation) out of a call."""
    try:
        yield
    except TransportError:
        raise
    except aiohttp.ClientConnectorCertificateError as error:
        raise Untrusted(
            f"showed a certificate that is not trusted: {_reason(error.certificate_error)}"
        ) from error
    except aiohttp.ClientSSLError as error:
        reason = "no TLS 1.3 connection could be made; nothing was sent"
        raise Unreachable(f"could not be reached: {reason}", request_sent=False) from error
    except aiohttp.ClientConnectorError as error:
        raise Unreachable(
            f"could not be reached: {_os_reason(error.os_error)}", request_sent=False
        ) from error
    except aiohttp.ConnectionTimeoutError as error:
        raise TimedOut("did not accept a connection in time", request_sent=False) from error
    except TimeoutError as error:
        raise TimedOut("did not answer in time") from error
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
        raise Unreachable("broke the connection off without an answer") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise BadReply("answered something that is not HTTP as it should be") from error
    except OSError as error:
        raise Unreachable("broke the connection off") from error


def _reason(error: Exception) -> str:
    """Why OpenSSL (or the pin) refused a certificate."""
    return getattr(error, "verify_message", "") or str(error.args[-1] if error.args else error)


def _os_reason(error: OSError) -> str:
    reason = error.strerror or str(error) or "no connection"
    return reason[:1].lower() + reason[1:]
