# SPDX-License-Identifier: MIT
"""Nodes that are closed to strangers: one by token, one by certificate, one not at all."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from factories.node_processes import NodeProcess, make_node, started
from factories.people import TestCA

from osak.coordinator import (
    Coordinator,
    DistributionError,
    Group,
    Server,
    Status,
    Timeouts,
    TLSSettings,
    UploadCredential,
)
from osak.coordinator.transport.http import HTTPTransport
from osak.shares.protocol.urls import ServerURL

TOKEN = "t" * 43
RECIPIENT = "etsi/PNOEE-48010010101"
SENDER = TestCA().issue("10000000")
PATIENT = Timeouts(connect_seconds=20, request_seconds=20, overall_seconds=60)


def close(node: NodeProcess, sender: str) -> None:
    """Let the node store for this sender alone."""
    with node.config_file.open("a", encoding="utf-8") as stream:
        stream.write(f"\nuploads: {{senders: [{{name: Haigla, {sender}}}]}}\n")


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[NodeProcess]]:
    """A node that knows a token, one that knows a certificate, and one that is open."""
    made = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        made.append(make_node(folder))
    close(made[0], f"token_sha256: '{hashlib.sha256(TOKEN.encode()).hexdigest()}'")
    (made[1].config_file.parent / "haigla.pem").write_bytes(SENDER.certificate_pem)
    close(made[1], "certificate_file: haigla.pem")
    async with AsyncExitStack() as stack:
        for node in made:
            await stack.enter_async_context(started(node))
        yield made


def group_of(nodes: list[NodeProcess], uploads: list[UploadCredential | None]) -> Group:
    """The nodes as a sender's YAML names them, 2-of-3."""
    servers = [
        Server(
            id=f"n{number}",
            organisation=f"Asutus {number}",
            url=ServerURL.parse(node.url),
            tls=TLSSettings(ca_file=node.config_file.parent / "tls" / "cert.pem"),
            upload=upload,
        )
        for number, (node, upload) in enumerate(zip(nodes, uploads, strict=True))
    ]
    return Group(threshold=2, servers=tuple(servers))


async def test_known_senders_store_and_everybody_is_served(nodes: list[NodeProcess], tmp_path: Path) -> None:
    """With token and certificate all three take their share; a stranger is refused by both and told so."""
    (tmp_path / "token").write_text(TOKEN, encoding="ascii")
    (tmp_path / "haigla.pem").write_bytes(SENDER.certificate_pem)
    (tmp_path / "haigla.key").write_bytes(SENDER.key_pem)
    known = [
        UploadCredential.model_validate({"token_file": str(tmp_path / "token")}),
        UploadCredential(certificate_file=tmp_path / "haigla.pem", key_file=tmp_path / "haigla.key"),
        None,
    ]
    async with HTTPTransport(PATIENT) as transport:
        coordinator = Coordinator(transport=transport, groups={}, timeouts=PATIENT)
        store = partial(
            coordinator.store, bytes(range(32)), recipient_id=RECIPIENT, scheme="t-of-n", salt=bytes(32)
        )
        stored = await store(group_of(nodes, known))
        assert [outcome.status for outcome in stored.outcomes] == [Status.OK] * 3
        with pytest.raises(DistributionError) as caught:
            await store(group_of(nodes, [None] * 3))
    statuses = [outcome.status for outcome in caught.value.outcomes]
    assert statuses == [Status.REFUSED, Status.REFUSED, Status.OK]
    assert "sender-refused" in caught.value.outcomes[0].detail
    assert "ask its operator" in caught.value.outcomes[1].detail
    for node in nodes:
        assert TOKEN not in node.config_file.with_suffix(".log").read_text(encoding="utf-8")
