# SPDX-License-Identifier: MIT
"""What real nodes leave behind: logs without secrets, a sealed database, no orphans after undo."""

import base64
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from e2e.conftest import Group, Osak

from osak.client.config import load_client_config
from osak.client.demo.servers import DemoServer
from osak.client.identity.files import load_pkcs12
from osak.coordinator import (
    Coordinator,
    Distribution,
    KeyCredential,
    LoneSigner,
    NodeTransport,
    Server,
    Timeouts,
)
from osak.coordinator.errors import Refused
from osak.coordinator.transport.base import UploadOptions
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.protocol.messages import NodeIdentity, ReleasesReply, ShareMessage


@dataclass
class Listener:
    """A transport that remembers every secret that passes through it."""

    inner: NodeTransport
    shares: list[bytes] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    nonces: list[str] = field(default_factory=list)
    tickets: list[tuple[Server, str, str, bytes]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    async def create_share(self, server: Server, message: ShareMessage, options: UploadOptions) -> str:
        share_id = await self.inner.create_share(server, message, options)
        self.shares.append(message.share)
        self.ids.append(share_id)
        return share_id

    async def request_nonce(self, server: Server, share_id: str) -> str:
        nonce = await self.inner.request_nonce(server, share_id)
        self.nonces.append(nonce)
        return nonce

    async def fetch_share(
        self, server: Server, share_id: str, ticket: str, certificate_der: bytes, **more: str
    ) -> ShareMessage:
        self.tickets.append((server, share_id, ticket, certificate_der))
        return await self.inner.fetch_share(server, share_id, ticket, certificate_der, **more)

    async def fetch_releases(
        self, server: Server, share_id: str, ticket: str, certificate_der: bytes, **more: str
    ) -> ReleasesReply:
        return await self.inner.fetch_releases(server, share_id, ticket, certificate_der, **more)

    async def revoke_share(self, server: Server, share_id: str, token: str) -> None:
        self.tokens.append(token)
        await self.inner.revoke_share(server, share_id, token)

    async def read_identity(self, server: Server) -> NodeIdentity:
        return await self.inner.read_identity(server)


def forms(secret: bytes) -> Iterator[bytes]:
    """The ways in which bytes may stand in a file; of base64 the part that padding cannot change."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield base64.b64encode(secret)[: len(secret) // 3 * 4]
    yield base64.urlsafe_b64encode(secret)[: len(secret) // 3 * 4]


def found_in(haystack: bytes, secret_bytes: list[bytes], words: list[str]) -> list[bytes]:
    """Every form of a secret that stands in ``haystack``."""
    needles = [form for secret in secret_bytes for form in forms(secret)] + [word.encode() for word in words]
    return [needle for needle in needles if needle in haystack]


def database(server: DemoServer) -> bytes:
    """Everything that a thief of the database's files gets."""
    return b"".join(path.read_bytes() for path in sorted(server.folder.glob("shares.sqlite*")))


def log_of(server: DemoServer) -> bytes:
    return (server.folder / "node.log").read_bytes()


def share_count(server: DemoServer) -> int:
    with sqlite3.connect(f"file:{server.folder / 'shares.sqlite'}?mode=ro", uri=True) as connection:
        (count,) = connection.execute("SELECT count(*) FROM shares").fetchone()
    return int(count)


def credential_of(group: Group) -> KeyCredential:
    password = group.person.password_file.read_text(encoding="utf-8").strip()
    loaded = load_pkcs12(group.person.p12_file.read_bytes(), password)
    return KeyCredential(loaded.private_key, loaded.certificate)


@pytest.fixture
def kek() -> bytes:
    return secrets.token_bytes(32)


async def stored(
    group: Group, listener: Listener, kek: bytes, salt: bytes
) -> tuple[Coordinator, Distribution]:
    """Share a KEK over the group."""
    groups = load_client_config(group.config_file).groups
    coordinator = Coordinator(transport=listener, groups=groups)
    recipient_id = credential_of(group).recipient_id
    return coordinator, await coordinator.store(
        kek, groups["eesti"], recipient_id, scheme="t-of-n", salt=salt
    )


async def test_logs_hold_no_secret(group: Group, kek: bytes) -> None:
    """Upload, collection, replayed and mutilated tickets, revocation: nothing of it stands in a log."""
    credential, salt = credential_of(group), secrets.token_bytes(32)
    async with HTTPTransport(Timeouts()) as transport:
        listener = Listener(transport)
        coordinator, distribution = await stored(group, listener, kek, salt)
        await coordinator.collect(
            distribution.placements,
            2,
            LoneSigner(credential),
            scheme="t-of-n",
            salt=salt,
            is_secret=kek.__eq__,
        )
        for server, share_id, ticket, certificate in tuple(listener.tickets):
            for sent in (ticket, ticket[:-1], f"{ticket[: len(ticket) // 2]}!{ticket}"):
                with pytest.raises(Refused):
                    await transport.fetch_share(server, share_id, sent, certificate)
        await coordinator.revoke(distribution.receipts)
    logs = b"".join(log_of(server) for server in group.servers)
    parts = [
        part for *_, ticket, _ in listener.tickets for part in ticket.replace("~", ".").split(".") if part
    ]
    secret_bytes = [
        *(kek, *listener.shares),
        *(base64.b64decode(token) for token in listener.tokens),
        *((server.folder / "node.key").read_bytes() for server in group.servers),
        *(certificate for *_, certificate in listener.tickets),
    ]
    words = [*listener.ids, *listener.nonces, *parts, group.person.code]
    assert len(listener.shares) == len(listener.ids) == len(listener.nonces) == len(listener.tokens) == 3
    assert len(listener.tickets) >= 2
    assert logs.count(b'"request_id"') > 10, "the nodes did log these requests"
    assert found_in(logs, secret_bytes, words) == []


async def test_a_stolen_database_shows_neither_shares_nor_people(group: Group, kek: bytes) -> None:
    """Rows are sealed and recipients stand there as HMACs; the ids, which are no secret, are found."""
    async with HTTPTransport(Timeouts()) as transport:
        listener = Listener(transport)
        _, distribution = await stored(group, listener, kek, secrets.token_bytes(32))
    stolen = b"".join(database(server) for server in group.servers)
    tokens = [base64.b64decode(receipt.revocation_token) for receipt in distribution.receipts]
    assert found_in(stolen, [], listener.ids), "this test reads the right files"
    assert found_in(stolen, [kek, *listener.shares, *tokens], [group.person.code]) == []


def test_undo_leaves_no_orphan(osak: Osak, group: Group, tmp_path: Path) -> None:
    """When one server is away the others keep nothing of an encryption that failed."""
    letter = tmp_path / "kiri.txt"
    letter.write_text("Tere!")
    others = [group.servers[0], group.servers[2]]
    before = [share_count(server) for server in others]
    group.servers[1].kill()
    refused = osak("encrypt", letter, "-o", tmp_path / "a.cdoc2", "--to", group.person.code)
    assert refused.code == 6
    assert [share_count(server) for server in others] == before


def test_undo_when_the_container_cannot_be_written(group: Group, tmp_path: Path) -> None:
    """When the file system takes no more, the shares stored before are taken back and no file stays."""
    before = [share_count(server) for server in group.servers]
    deleted = [(server, log_of(server).count(b'"DELETE"')) for server in group.servers]
    data = tmp_path / "data"
    data.write_bytes(secrets.token_bytes(2**20))
    box = tmp_path / "a.cdoc2"
    osak: list[str | Path] = [sys.executable, "-m", "osak.client.cli.main", "encrypt", data, "-o", box]
    options: list[str | Path] = ["--to", group.person.code, "--config", group.config_file]
    # The limit (in blocks of at most 1 KiB) is an error of write(2), as on a full disk.
    limited: list[str | Path] = ["sh", "-c", 'ulimit -f 128; exec "$@"', "sh", *osak, *options]
    done = subprocess.run(limited, capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert "cannot be written" in done.stderr
    assert [log_of(server).count(b'"DELETE"') - count for server, count in deleted] == [1, 1, 1]
    assert [share_count(server) for server in group.servers] == before
    assert list(tmp_path.iterdir()) == [data]
