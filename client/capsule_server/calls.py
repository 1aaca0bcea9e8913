# SPDX-License-Identifier: MIT
"""The two calls of the key-capsules API: upload without a certificate, fetch by mutual TLS.

One attempt each. An upload is never repeated: it may have arrived, and the API has no way to delete
what nobody will ask for. The reply is what the server says and nothing more: whether a fetched capsule is the
record's is for ``records`` to check.
"""

import secrets
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from osak.client.capsule_server.receipt import UploadedCapsule
from osak.client.capsule_server.settings import CapsuleServer
from osak.client.errors import CapsuleServerError, UsageError
from osak.client.identity.card_keys import KeyOnCard
from osak.client.identity.files import PersonalKey
from osak.coordinator import Refused, Timeouts, TransportError, Unreachable
from osak.coordinator.transport.exchange import JSON_CONTENT, HTTPSession, Reply, Request, reading_reply
from osak.coordinator.transport.tls import make_context
from osak.shares.errors import MessageError
from osak.shares.protocol import headers
from osak.shares.protocol.capsule import (
    KEY_CAPSULES_PATH,
    CapsuleMessage,
    capsule_path,
    check_transaction_id,
    transaction_id_from_location,
)
from osak.shares.protocol.times import parse_time, time_text


async def upload_capsule(
    server_id: str,
    server: CapsuleServer,
    message: CapsuleMessage,
    *,
    expires_at: datetime | None,
    timeouts: Timeouts,
) -> UploadedCapsule:
    """POST /key-capsules.

    Raises:
        CapsuleServerError: the server did not take it, or cannot be reached or trusted.
    """
    given = dict(JSON_CONTENT)
    if expires_at is not None:
        given[headers.EXPIRY_TIME] = time_text(expires_at)
    if server.upload is not None:
        given |= server.upload.headers()
    request = Request("POST", server.url, KEY_CAPSULES_PATH, HTTPStatus.CREATED, given, message.to_json())
    with _named(server_id):
        context = make_context(server.tls)
        if server.upload is not None:
            server.upload.show_certificate(context)
        reply = await _call(request, context, timeouts)
        with reading_reply():
            transaction_id = transaction_id_from_location(reply.headers.get("Location", ""))
    return UploadedCapsule(server_id, transaction_id, _told_expiry(reply))


async def fetch_capsule(
    server_id: str, server: CapsuleServer, transaction_id: str, person: PersonalKey, *, timeouts: Timeouts
) -> CapsuleMessage:
    """GET /key-capsules/{transaction_id}, with this person's certificate.

    Args:
        server_id: for error texts.
        server: where to ask.
        transaction_id: as a container has it: a stranger's text.
        person: whose certificate to show.
        timeouts: how long to wait.

    Raises:
        CapsuleServerError: the server has none for this certificate, or cannot be reached or trusted.
    """
    with _named(server_id):
        with reading_reply():
            path = capsule_path(check_transaction_id(transaction_id))
        request = Request("GET", server.fetch_url, path, HTTPStatus.OK)
        try:
            reply = await _call_as(request, make_context(server.tls), person, timeouts)
        except (Refused, Unreachable) as error:
            raise CapsuleServerError(f"capsule server {server_id} {_fetch_words(error)}") from error
        with reading_reply():
            return CapsuleMessage.from_reply(reply.body)


async def _call(request: Request, context: ssl.SSLContext, timeouts: Timeouts) -> Reply:
    async with HTTPSession(timeouts) as session:
        return await session.call(request, context)


async def _call_as(
    request: Request, context: ssl.SSLContext, person: PersonalKey, timeouts: Timeouts
) -> Reply:
    """Make a call with this person's certificate, wherever its key is."""
    if not isinstance(person.private_key, KeyOnCard):
        _show_certificate(context, person)
        return await _call(request, context, timeouts)
    try:
        from osak.client.capsule_server.card_connection import call_with_card  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install osak[card] to use a card") from error
    return await call_with_card(request, context, person, timeouts)


def _show_certificate(context: ssl.SSLContext, person: PersonalKey) -> None:
    """Give the connection a certificate and its key.

    Python's ssl reads them from a file only. So the key goes there encrypted, under a password that
    exists for this moment, and the file is gone before the connection is made.
    """
    password = secrets.token_bytes(32).hex()
    key = person.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
    )
    with tempfile.NamedTemporaryFile(prefix="osak-") as file:
        file.write(person.certificate.public_bytes(Encoding.PEM) + key)
        file.flush()
        context.load_cert_chain(file.name, password=password)


def _told_expiry(reply: Reply) -> datetime | None:
    """An older server does not say; a time that cannot be read is no reason to lose an upload."""
    try:
        return parse_time(reply.headers.get(headers.EXPIRY_TIME, ""))
    except MessageError:
        return None


@contextmanager
def _named(server_id: str) -> Iterator[None]:
    """Say of every failed call which server it was."""
    try:
        yield
    except TransportError as error:
        raise CapsuleServerError(f"capsule server {server_id} {_words(error)}") from error


def _fetch_words(error: Refused | Unreachable) -> str:
    """What a recipient should know about a fetch that a server refused."""
    if isinstance(error, Refused):
        if error.problem.status == HTTPStatus.NOT_FOUND:
            return "has nothing for this certificate: it expired there, or is for another key"
        return _words(error)
    if alert := _alert(error):
        return f"does not accept this certificate ({alert})"
    # Servers on Python's asyncio, ours among them, refuse a certificate by silence.
    guess = "; perhaps it does not accept this certificate" if error.request_sent else ""
    return f"{error}{guess}"


def _words(error: TransportError) -> str:
    """What happened, and why if it looks like a call to the wrong one of a server's two URLs.

    Official servers have one for senders and one for recipients; each refuses the other's calls, and the one
    for recipients refuses senders for showing no certificate.
    """
    if isinstance(error, Refused):
        is_swapped = error.problem.status == HTTPStatus.METHOD_NOT_ALLOWED
    else:
        is_swapped = isinstance(error, Unreachable) and "CERTIFICATE" in _alert(error)
    return (
        f"{error}; perhaps url and fetch_url are swapped in the configuration" if is_swapped else f"{error}"
    )


def _alert(error: Unreachable) -> str:
    """The TLS alert by which a server broke the connection off; empty if it was not that."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    reason = "" if cause is None else cause.reason or ""
    return reason if "ALERT" in reason else ""
