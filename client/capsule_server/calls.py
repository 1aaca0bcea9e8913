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
from osak.client.errors import CapsuleServerError
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
    request = Request("POST", server.url, KEY_CAPSULES_PATH, HTTPStatus.CREATED, given, message.to_json())
    with _named(server_id):
        reply = await _call(request, make_context(server.tls), timeouts)
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
        context = make_context(server.tls)
        _show_certificate(context, person)
        try:
            reply = await _call(Request("GET", server.fetch_url, path, HTTPStatus.OK), context, timeouts)
        except (Refused, Unreachable) as error:
            raise _explained(server_id, error) from error
        with reading_reply():
            return CapsuleMessage.from_reply(reply.body)


async def _call(request: Request, context: ssl.SSLContext, timeouts: Timeouts) -> Reply:
    async with HTTPSession(timeouts) as session:
        return await session.call(request, context)


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
        raise CapsuleServerError(f"capsule server {server_id} {error}") from error


def _explained(server_id: str, error: TransportError) -> CapsuleServerError:
    """What a recipient should know about a fetch that a server refused."""
    is_answer = isinstance(error, Refused)
    if isinstance(error, Refused) and error.problem.status == HTTPStatus.NOT_FOUND:
        return CapsuleServerError(
            f"capsule server {server_id} has nothing for this certificate:"
            " it expired there, or is for another key"
        )
    cause = error.__cause__
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    if cause is not None and "ALERT" in (cause.reason or ""):
        return CapsuleServerError(
            f"capsule server {server_id} does not accept this certificate ({cause.reason})"
        )
    # Servers on Python's asyncio, ours among them, refuse a certificate by silence.
    guess = "; perhaps it does not accept this certificate" if error.request_sent and not is_answer else ""
    return CapsuleServerError(f"capsule server {server_id} {error}{guess}")
