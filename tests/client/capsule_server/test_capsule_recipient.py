# SPDX-License-Identifier: MIT
"""Encrypting through a capsule server: what is asked of it, and what the record says of its answer."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.people import TestCA
from simulator.real_servers import Authority, raw_server, reply, send

from osak.client.capsule_server.recipient import CapsuleServerRecipient, capsule_message
from osak.client.capsule_server.settings import CapsuleServer
from osak.client.container import PublicKeyRecipient, key_label
from osak.client.errors import UsageError
from osak.coordinator import Timeouts
from osak.shares.protocol.capsule import CapsuleType
from osak.shares.protocol.urls import ServerURL

CA = TestCA()
RSA_OWNER = CA.issue(key=rsa.generate_private_key(65537, 2048))
TIMEOUTS = Timeouts(connect_seconds=20, request_seconds=20)


@pytest.mark.parametrize(
    ("expires_after", "certificate_days", "expected_days"),
    [(None, 10, 10), (5, 10, 5), (20, 10, 10)],
)
def test_how_long_a_capsule_is_needed(
    expires_after: int | None, certificate_days: int, expected_days: int
) -> None:
    """Whichever comes first: the configured time, or the certificate's end."""
    now = datetime.now(UTC).replace(microsecond=0)
    person = CA.issue(not_after=now + timedelta(days=certificate_days))
    life = None if expires_after is None else timedelta(days=expires_after)
    url = ServerURL("localhost", 1)
    server = CapsuleServer(url=url, fetch_url=url, expires_after=life)

    def asked(key: x509.Certificate | ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> datetime | None:
        return CapsuleServerRecipient(key, "s1", server, TIMEOUTS, now=now)._expires_at

    assert asked(person.certificate) == now + timedelta(days=expected_days)
    assert asked(person.key.public_key()) == (None if life is None else now + life)
    ended = CA.issue(not_after=now)
    with pytest.raises(UsageError):
        asked(ended.certificate)


@pytest.mark.parametrize(
    ("told", "expected"), [(("x-expiry-time: 2030-01-31T00:00:00.5Z",), 1896048000), ((), 1900000000)]
)
def test_the_label_says_until_when(tmp_path: Path, told: tuple[str, ...], expected: int) -> None:
    """The record's label has the capsule's end as the server tells it, else as it was asked for."""
    authority = Authority(tmp_path)
    person = CA.issue(not_after=datetime.fromtimestamp(1900000000, UTC))

    async def label() -> str:
        answer = send(reply("201 Created", b"", f"Location: /key-capsules/KC{'ab' * 16}", *told))
        async with raw_server(answer, authority.server_context()) as raw:
            url = ServerURL("localhost", raw.port)
            server = CapsuleServer(url=url, fetch_url=url, tls=authority.trust)
            writer = CapsuleServerRecipient(person.certificate, "s1", server, TIMEOUTS)
            return (await writer.upload()).record.key_label

    assert key_label.fields(asyncio.run(label()))["server_exp"] == str(expected)


def test_capsule_types() -> None:
    """Each kind of key has its name on the wire."""
    found = {
        capsule_message(PublicKeyRecipient(key).make_capsule(secrets.token_bytes)[0]).capsule_type
        for key in (
            ec.generate_private_key(ec.SECP256R1()).public_key(),
            ec.generate_private_key(ec.SECP384R1()).public_key(),
            ec.generate_private_key(ec.SECP521R1()).public_key(),
            RSA_OWNER.certificate,
        )
    }
    assert found == set(CapsuleType)
