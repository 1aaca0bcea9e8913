# SPDX-License-Identifier: MIT
"""What `helm test` runs: store a share at the node, see a stranger refused, fetch it, take it back.

It goes to the Service, whatever the name in the node's URL leads to from inside the cluster, and wants the
very certificate of the node's Secret with that name in it. A fetch needs somebody whose certificate the node
trusts; without one the test says that it did not fetch. Of a node that wants sessions it sees that nobody
without one gets a nonce: it cannot log in. The share expires by itself if the test is cut off.
"""

import argparse
import asyncio
import hashlib
import http.client
import secrets
import socket
import ssl
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from osak.coordinator.auth.base import Credential
from osak.coordinator.auth.key import KeyCredential
from osak.shares.protocol import headers
from osak.shares.protocol.messages import NonceReply, ShareMessage
from osak.shares.protocol.strict_json import encode_base64
from osak.shares.protocol.ticket import draft_ticket
from osak.shares.protocol.times import time_text
from osak.shares.protocol.urls import Audience, ServerURL, nonce_path, share_id_from_location, share_path

_TIMEOUT_SECONDS = 20
_KEPT = timedelta(minutes=10)


class TryError(Exception):
    """The node did something else than it should."""


class Node:
    """Calls to the node at ``address``, which must show ``certificate`` for the host of ``url``."""

    def __init__(self, url: ServerURL, address: tuple[str, int], certificate: Path) -> None:
        self.url = url
        self._address = address
        self._tls = ssl.create_default_context(cafile=certificate)
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_3
        # The file's first certificate is trusted by itself: it need not be an authority's.
        self._tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN

    def call(
        self, method: str, path: str, wanted: int, given: Mapping[str, str], body: bytes = b""
    ) -> tuple[bytes, str]:
        """Make one call; return the answer's body and Location.

        Raises:
            TryError: the status is not ``wanted``.
            OSError: the node cannot be reached, or shows another certificate.
        """
        connection = http.client.HTTPConnection(self.url.host, self.url.port, timeout=_TIMEOUT_SECONDS)
        plain = socket.create_connection(self._address, timeout=_TIMEOUT_SECONDS)
        connection.sock = self._tls.wrap_socket(plain, server_hostname=self.url.host)
        try:
            connection.request(method, self.url.path + path, body=body, headers=dict(given))
            answer = connection.getresponse()
            found = answer.read(8192)
        finally:
            connection.close()
        if answer.status != wanted:
            raise TryError(f"{method} answered {answer.status}, not {wanted}: {found[:300]!r}")
        return found, answer.headers.get("Location", "")


def main() -> int:
    """Try it; the exit code is 0 if all was as it should be."""
    options = _parser().parse_args()
    host, _, port = options.connect.rpartition(":")
    try:
        node = Node(ServerURL.parse(options.url), (host, int(port)), options.certificate)
        asyncio.run(_try(node, options))
    except (TryError, OSError, ValueError) as error:
        click.echo(f"failed: {error}", err=True)
        return 1
    return 0


async def _try(node: Node, options: argparse.Namespace) -> None:
    stranger = _stranger()
    person = stranger if options.p12 is None else _person(options.p12, options.p12_password_file)
    share, token = secrets.token_bytes(32), secrets.token_bytes(32)
    given = {
        "Content-Type": "application/json",
        headers.EXPIRY_TIME: time_text(datetime.now(UTC) + _KEPT),
        headers.REVOCATION_HASH: encode_base64(hashlib.sha256(token).digest()),
    }
    if options.token_file is not None:
        given["Authorization"] = f"Bearer {options.token_file.read_text(encoding='ascii').strip()}"
    body = ShareMessage(share, person.recipient_id).to_json()
    share_id = share_id_from_location(node.call("POST", "/key-shares", 201, given, body)[1])
    click.echo(f"stored a share for {person.recipient_id} at {node.url}")
    back = {headers.REVOCATION_TOKEN: encode_base64(token)}
    try:
        if options.wants_session:
            node.call("POST", nonce_path(share_id), 403, {})
            click.echo("gave nothing to somebody without a session")
            click.echo("NOT FETCHED: the node wants a session, and this test cannot log in")
        else:
            await _fetch(node, share_id, share, stranger, person)
    finally:
        node.call("DELETE", share_path(share_id), 204, back)
    node.call("DELETE", share_path(share_id), 404, back)
    click.echo("took it back, and it is gone")


async def _fetch(
    node: Node, share_id: str, share: bytes, stranger: KeyCredential, person: KeyCredential
) -> None:
    """See it refused to ``stranger``, and given to ``person``, if that is somebody else."""
    node.call("GET", share_path(share_id), 401, await _ticket(node, share_id, stranger))
    click.echo("refused it to a stranger whose certificate is nobody's")
    if person is stranger:
        click.echo(
            "NOT FETCHED: name a Secret with a person's certificate in test.credential to try that too"
        )
        return
    got = node.call("GET", share_path(share_id), 200, await _ticket(node, share_id, person))[0]
    if ShareMessage.from_reply(got).share != share:
        raise TryError("another share came back than was stored")
    click.echo("fetched it, and it is the one that was stored")


async def _ticket(node: Node, share_id: str, signer: Credential) -> dict[str, str]:
    """A signed ticket with a fresh nonce, and its signer's certificate, as headers."""
    nonce = NonceReply.from_reply(node.call("POST", nonce_path(share_id), 200, {})[0]).nonce
    draft = draft_ticket(signer.recipient_id, signer.algorithm, [Audience(node.url, share_id, nonce)])
    signed = await signer.sign(draft.signing_input)
    certificate = encode_base64(signed.certificate_der)
    return {
        headers.AUTH_TICKET: draft.present(signed.signature, 0),
        headers.AUTH_CERTIFICATE: f"-----BEGIN CERTIFICATE-----{certificate}-----END CERTIFICATE-----",
    }


def _person(p12: Path, password_file: Path | None) -> KeyCredential:
    password = None if password_file is None else password_file.read_bytes().strip()
    key, certificate, _ = pkcs12.load_key_and_certificates(p12.read_bytes(), password)
    if key is None or certificate is None:
        raise TryError("the PKCS#12 file has not a certificate and its key")
    return KeyCredential(key, certificate)


def _stranger() -> KeyCredential:
    """Somebody who wrote a certificate for herself."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.SERIAL_NUMBER, "PNOEE-00000000000")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .sign(key, hashes.SHA384())
    )
    return KeyCredential(key, certificate)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Store a share at a node, try to fetch it, take it back.")
    parser.add_argument("--url", required=True, help="the node's public URL")
    parser.add_argument("--connect", required=True, metavar="HOST:PORT", help="where it is reached")
    parser.add_argument("--certificate", required=True, type=Path, help="PEM: what it must show")
    parser.add_argument("--p12", type=Path, help="PKCS#12 of somebody who may fetch")
    parser.add_argument("--p12-password-file", type=Path, help="its password")
    parser.add_argument("--token-file", type=Path, help="a sender's token")
    parser.add_argument("--wants-session", action="store_true", help="it gives nothing without a session")
    return parser


if __name__ == "__main__":
    sys.exit(main())
