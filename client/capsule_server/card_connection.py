# SPDX-License-Identifier: MIT
"""One HTTPS call that shows a certificate whose key nobody can have: that of a card.

Python's ssl takes keys from files only. So tlslite-ng (of the extra ``card``; no other file knows it) makes
the connection, with a key that signs wherever it is. The rules:

- Who the server is, Python's ssl decides, as for every other call: in a connection before, which shows
  nothing of the person. The second one must be with the same certificate; that is looked at, and its key
  proved, before the person's certificate leaves.
- TLS 1.3 alone, and of that only what needs to be; nothing is resumed or compressed.
- The time and the reply's size are bounded as in ``exchange``, and redirects are not followed.
"""

import asyncio
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from multidict import CIMultiDict
from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain
from tlslite.errors import TLSAbruptCloseError, TLSRemoteAlert
from tlslite.x509 import X509

from osak.client.identity.card_keys import KeyOnCard
from osak.client.identity.files import PersonalKey, PrivateKey
from osak.coordinator import BadReply, TimedOut, Timeouts, Unreachable, Untrusted
from osak.coordinator.transport.exchange import CALL_HEADERS, Reply, Request, judged
from osak.errors import OsakError

T = TypeVar("T")
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


async def call_with_card(
    request: Request, context: ssl.SSLContext, person: PersonalKey, timeouts: Timeouts
) -> Reply:
    """Make one call; the card signs in its handshake.

    Its PIN is asked for when the server is known to be there and to be the right one, while nothing waits.

    Args:
        request: the call, without a body.
        context: how the server is trusted.
        person: whose certificate to show.
        timeouts: how long to wait.

    Raises:
        TransportError: no reply, or not the one hoped for.
        CredentialError: the card did not sign.
    """
    vouched = await _vouched_certificate(request, context, timeouts)
    if isinstance(person.private_key, KeyOnCard):
        person.private_key.open_card()
    return await _in_time(partial(_exchange, request, vouched, person, timeouts), timeouts)


async def _in_time(step: Callable[[list[socket.socket]], T], timeouts: Timeouts) -> T:
    """Take a step in a thread, for as long as a request may take; what it has connected is then hung up."""
    sockets: list[socket.socket] = []

    def translated() -> T:
        with _translated():
            return step(sockets)

    work = asyncio.ensure_future(asyncio.to_thread(translated))
    try:
        async with asyncio.timeout(timeouts.request_seconds):
            return await asyncio.shield(work)
    except TimeoutError as error:
        raise TimedOut("did not answer in time") from error
    finally:
        for each in sockets:
            with suppress(OSError):  # was never connected, or is closed by now
                each.shutdown(socket.SHUT_RDWR)
        await asyncio.wait([work])  # not for long: what it waits for is hung up
        if not work.cancelled():
            work.exception()  # seen: nobody else may ask for it


def _exchange(
    request: Request, vouched: bytes, person: PersonalKey, timeouts: Timeouts, sockets: list[socket.socket]
) -> Reply:
    with closing(_connected(request, timeouts, sockets)) as raw:
        connection = _CheckedConnection(raw, vouched)
        connection.shake_hands(person, request.url.host)
        status, headers, content = _ask(connection, request)
    return judged(request, status, headers, content)


async def _vouched_certificate(request: Request, context: ssl.SSLContext, timeouts: Timeouts) -> bytes:
    """The certificate of the server, DER, once Python's ssl and the pin have believed it."""
    host, port = request.url.host, request.url.port
    with _translated():
        async with asyncio.timeout(timeouts.connect_seconds):
            with _connecting():
                # asyncio's connections are those that check a pin (osak.coordinator.transport.tls).
                _, writer = await asyncio.open_connection(host, port, ssl=context)
        certificate: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        if certificate is None:
            raise Untrusted("showed no certificate")
        return certificate


def _connected(request: Request, timeouts: Timeouts, sockets: list[socket.socket]) -> socket.socket:
    with _connecting():
        raw = socket.create_connection((request.url.host, request.url.port), timeouts.connect_seconds)
    raw.settimeout(timeouts.request_seconds)
    sockets.append(raw)
    return raw


@contextmanager
def _connecting() -> Iterator[None]:
    """Nothing was sent if this fails; what TLS has to say against the server is for others to tell."""
    try:
        yield
    except ssl.SSLError:
        raise
    except TimeoutError as error:
        raise TimedOut("did not accept a connection in time", request_sent=False) from error
    except OSError as error:
        reason = error.strerror or str(error) or "no connection"
        text = f"could not be reached: {reason[:1].lower()}{reason[1:]}"
        raise Unreachable(text, request_sent=False) from error


def _ask(connection: "_CheckedConnection", request: Request) -> tuple[int, CIMultiDict[str], bytes]:
    """HTTP over the connection: status, headers, and as much of the body as is allowed."""
    asking = http.client.HTTPConnection(request.url.host, request.url.port)
    asking.sock = connection
    asking.request(
        request.method, f"{request.url.path}{request.path}", headers={**CALL_HEADERS, **request.headers}
    )
    response = asking.getresponse()
    # Reading nothing from a server that is silent now would wait for it.
    content = response.read(request.max_reply_bytes + 1) if response.length != 0 else b""
    if len(content) > request.max_reply_bytes:
        raise BadReply(f"answered {response.status} with more than {request.max_reply_bytes} bytes")
    return response.status, CIMultiDict(response.getheaders()), content


class _CheckedConnection(TLSConnection):  # type: ignore[misc]  # tlslite has no types
    """A TLS connection that goes on only with the one certificate that was vouched for."""

    def __init__(self, raw: socket.socket, vouched: bytes) -> None:
        super().__init__(raw)
        self._vouched = vouched
        self._was_checked = False

    def shake_hands(self, person: PersonalKey, host: str) -> None:
        """Connect; show the person's certificate if the server wants to see one.

        Raises:
            Untrusted: the server is not the one that was vouched for; nothing of the person was shown.
        """
        leaf = X509()
        leaf.parseBinary(person.certificate.public_bytes(Encoding.DER))
        self.handshakeClientCert(
            X509CertChain([leaf]),
            _SigningKey(person.private_key),
            settings=_settings(),
            serverName=_server_name(host),
        )
        if not self._was_checked:
            raise Untrusted("made a connection without showing a certificate")

    def _clientGetKeyFromChain(self, *arguments: Any) -> Iterator[Any]:  # noqa: N802 - tlslite's name
        """Where tlslite reads the server's certificate, before it verifies its key's signature."""
        for step in super()._clientGetKeyFromChain(*arguments):
            if step not in (0, 1):  # what tlslite waits for
                _, chain, _ = step
                if bytes(chain.x509List[0].bytes) != self._vouched:
                    raise Untrusted("showed another certificate than a moment ago; nothing was sent")
                self._was_checked = True
            yield step


class _SigningKey:
    """A private key as tlslite asks for one; it signs in the shape of ``cryptography``'s keys."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key
        self.key_type = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa"

    @property
    def n(self) -> int:
        """The modulus, by which tlslite leaves out hashes that are too long for an RSA key."""
        public = self._key.public_key()
        assert isinstance(public, rsa.RSAPublicKey), "asked of RSA keys alone"
        return public.public_numbers().n

    def sign(self, digest: bytes, _padding: str | None, hash_name: str, salt_bytes: int | None) -> bytearray:
        """Sign what the handshake was hashed to: ECDSA, or RSASSA-PSS (RFC 8446, 4.2.3)."""
        prehashed = Prehashed(_HASHES[hash_name])
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return bytearray(self._key.sign(bytes(digest), ec.ECDSA(prehashed)))
        return bytearray(self._key.sign(bytes(digest), _pss(hash_name, salt_bytes), prehashed))

    def verify(
        self, signature: bytes, digest: bytes, _padding: str | None, hash_name: str, salt_bytes: int | None
    ) -> bool:
        """Whether the key did sign; a signature that is not right is not sent."""
        prehashed, public = Prehashed(_HASHES[hash_name]), self._key.public_key()
        try:
            if isinstance(public, ec.EllipticCurvePublicKey):
                public.verify(bytes(signature), bytes(digest), ec.ECDSA(prehashed))
            else:
                public.verify(bytes(signature), bytes(digest), _pss(hash_name, salt_bytes), prehashed)
        except InvalidSignature:
            return False
        return True


def _server_name(host: str) -> str | None:
    """What the server is told it is called: nothing where it has an address alone (RFC 6066, 3)."""
    try:
        ip_address(host)
    except ValueError:
        return host
    return None


def _pss(hash_name: str, salt_bytes: int | None) -> padding.PSS:
    return padding.PSS(padding.MGF1(_HASHES[hash_name]), salt_bytes or _HASHES[hash_name].digest_size)


def _settings() -> Any:
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = (3, 4)  # TLS 1.3
    settings.versions = [(3, 4)]
    settings.cipherNames = ["aes256gcm", "aes128gcm", "chacha20-poly1305"]
    settings.eccCurves = ["x25519", "secp256r1", "secp384r1", "secp521r1"]
    settings.keyShares = ["x25519"]
    settings.rsaSigHashes = ["sha256", "sha384", "sha512"]  # every card that has PSS has SHA-256
    settings.certificate_compression_send = settings.certificate_compression_receive = []
    settings.use_heartbeat_extension = False
    return settings


@contextmanager
def _translated() -> Iterator[None]:
    """Let only errors of ours out."""
    try:
        yield
    except OsakError:
        raise
    except ssl.SSLCertVerificationError as error:
        reason = getattr(error, "verify_message", "") or str(error.args[-1])
        raise Untrusted(f"showed a certificate that is not trusted: {reason}") from error
    except ssl.SSLError as error:
        reason = "no TLS 1.3 connection could be made; nothing was sent"
        raise Unreachable(f"could not be reached: {reason}", request_sent=False) from error
    except TLSRemoteAlert as error:
        raise Unreachable(f"broke the connection off ({error})") from error
    except TimeoutError as error:
        raise TimedOut("did not answer in time") from error
    except http.client.RemoteDisconnected as error:
        raise Unreachable("broke the connection off without an answer") from error
    except (OSError, TLSAbruptCloseError) as error:
        raise Unreachable("broke the connection off") from error
    except Exception as error:  # tlslite raises whatever its parsers stumble over
        raise BadReply("answered something that is not TLS or HTTP as it should be") from error
