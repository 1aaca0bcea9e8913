# SPDX-License-Identifier: MIT
"""``NodeTransport`` over HTTPS, with aiohttp; none of aiohttp's errors leave this file.

What a server may do to us is bounded: a reply is read up to 4 KiB and no further, redirects are never
followed, nothing is decompressed, no cookie is kept, no proxy is taken from the environment, and every
call ends within its timeout. Certificates are settled in the handshake (``tls``). Connections are kept
between the nonce and the share; on a kept connection that turns out to be closed, aiohttp itself
repeats a GET or DELETE once, never a POST.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from osak.coordinator.errors import BadReply, Refused, TimedOut, TransportError, Unreachable, Untrusted
from osak.coordinator.group import Server, Timeouts, TLSSettings
from osak.coordinator.transport.base import UploadOptions
from osak.coordinator.transport.tls import make_context
from osak.shares.errors import MessageError
from osak.shares.protocol import headers
from osak.shares.protocol.messages import MAX_BODY_BYTES, NodeIdentity, NonceReply, Problem, ShareMessage
from osak.shares.protocol.strict_json import encode_base64
from osak.shares.protocol.urls import (
    KEY_SHARES_PATH,
    NODE_IDENTITY_PATH,
    nonce_path,
    share_id_from_location,
    share_path,
)

_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "osak"}
_CLOSING_TURNS: Final = 5
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply with the status that was hoped for."""

    body: bytes
    location: str


class HTTPTransport:
    """Calls to share servers over HTTPS; an async context manager that owns its connections."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=timeouts.request_seconds, sock_connect=timeouts.connect_seconds
        )
        self._contexts: dict[TLSSettings, ssl.SSLContext] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
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
            # Connections that were cancelled half-way are closed by asyncio in its next turns.
            for _ in range(_CLOSING_TURNS):
                await asyncio.sleep(0)

    async def create_share(self, server: Server, message: ShareMessage, options: UploadOptions) -> str:
        """POST /key-shares; see ``NodeTransport``."""
        given = {**_JSON, **_upload_headers(options)}
        reply = await self._call(server, "POST", KEY_SHARES_PATH, 201, headers=given, body=message.to_json())
        with _reading():
            return share_id_from_location(reply.location)

    async def request_nonce(self, server: Server, share_id: str) -> str:
        """POST /key-shares/{share_id}/nonce; see ``NodeTransport``."""
        reply = await self._call(server, "POST", nonce_path(share_id), 200, headers=_JSON, body=b"")
        with _reading():
            return NonceReply.from_reply(reply.body).nonce

    async def fetch_share(
        self, server: Server, share_id: str, ticket: str, certificate_der: bytes
    ) -> ShareMessage:
        """GET /key-shares/{share_id}; see ``NodeTransport``."""
        given = {headers.AUTH_TICKET: ticket, headers.AUTH_CERTIFICATE: _one_line_pem(certificate_der)}
        reply = await self._call(server, "GET", share_path(share_id), 200, headers=given)
        with _reading():
            return ShareMessage.from_reply(reply.body)

    async def revoke_share(self, server: Server, share_id: str, token: str) -> None:
        """DELETE /key-shares/{share_id}; see ``NodeTransport``."""
        await self._call(
            server, "DELETE", share_path(share_id), 204, headers={headers.REVOCATION_TOKEN: token}
        )

    async def read_identity(self, server: Server) -> NodeIdentity:
        """GET /.well-known/osak-node; see ``NodeTransport``."""
        reply = await self._call(server, "GET", NODE_IDENTITY_PATH, 200)
        with _reading():
            return NodeIdentity.from_reply(reply.body)

    async def _call(
        self,
        server: Server,
        method: str,
        path: str,
        hoped_for: int,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> _Reply:
        """Make one call; return the reply if its status is the one hoped for."""
        if self._session is None:
            raise RuntimeError("an HTTPTransport is used inside its async with block")
        context = self._context(server.tls)
        # Every part was checked, so the URL is sent as it stands and not quoted again.
        url = URL(f"{server.url}{path}", encoded=True)
        async with (
            _translated(),
            self._session.request(
                method, url, headers=headers, data=body, ssl=context, allow_redirects=False
            ) as response,
        ):
            content = await _read_bounded(response)
            if response.status == hoped_for:
                return _Reply(content, response.headers.get("Location", ""))
            if response.status >= 400:
                raise Refused(Problem.from_reply(response.status, content))
            kind = "a redirect, which is never followed" if response.status >= 300 else "an unexpected status"
            raise BadReply(f"answered {response.status}, {kind}")

    def _context(self, trust: TLSSettings) -> ssl.SSLContext:
        if trust not in self._contexts:
            self._contexts[trust] = make_context(trust)
        return self._contexts[trust]


def _upload_headers(options: UploadOptions) -> dict[str, str]:
    found = {}
    if options.expires_at is not None:
        time = options.expires_at.astimezone(UTC).replace(microsecond=0, tzinfo=None)
        found[headers.EXPIRY_TIME] = f"{time.isoformat()}Z"
    if options.revocation_hash is not None:
        found[headers.REVOCATION_HASH] = encode_base64(options.revocation_hash)
    if options.share_set is not None:
        found[headers.SHARE_SET] = str(options.share_set)
    return found


def _one_line_pem(certificate_der: bytes) -> str:
    """The certificate as the released servers want it: PEM without line breaks (docs/protocol.md)."""
    return f"-----BEGIN CERTIFICATE-----{encode_base64(certificate_der)}-----END CERTIFICATE-----"


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    """The reply's body; a longer one than any message is not read to its end.

    Raises:
        BadReply: it is longer than 4 KiB.
    """
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            response.close()
            raise BadReply(f"answered {response.status} with more than {MAX_BODY_BYTES} bytes")
    return bytes(body)


@contextmanager
def _reading() -> Iterator[None]:
    """Turn a malformed message into ``BadReply``."""
    try:
        yield
    except MessageError as error:
        raise BadReply(f"answered something that is not the protocol: {error}") from error


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
