# SPDX-License-Identifier: MIT
"""A revoked certificate opens nothing: no share, no history of one, no capsule. Seen from outside."""

import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from factories.authorities import StatusServer
from factories.capsules import CapsuleNode, capsule_for
from factories.nodes import LocalNode
from factories.people import Person, PrivateKey, TestCA, ocsp_at

from osak.node.config import NodeConfig, load_node_config
from osak.shares.protocol.urls import Purpose

TICKET, X5C = "x-cdoc2-auth-ticket", "x-cdoc2-auth-x5c"


@pytest.fixture
async def server() -> AsyncIterator[StatusServer]:
    """The authority of the people here."""
    server = StatusServer(TestCA())
    await server.start()
    yield server
    await server.stop()


def person_of(server: StatusServer) -> Person:
    return server.knows(server.authority.issue(extensions=[ocsp_at(server.ocsp_url)]))


@pytest.fixture
def configured(node_folder: Path, server: StatusServer) -> Callable[[str], NodeConfig]:
    """A node's configuration with this mode."""

    def configure(mode: str) -> NodeConfig:
        (node_folder / "trust" / "ca.pem").write_bytes(server.authority.certificate_pem)
        yaml = node_folder / "node.yaml"
        text = yaml.read_text(encoding="utf-8")
        assert "\n    mode: soft\n" in text
        text = text.replace("\n    mode: soft\n", f"\n    mode: {mode}\n")
        yaml.write_text(text.replace("    networks: []\n", "    networks: [127.0.0.0/8]\n"), encoding="utf-8")
        return load_node_config(yaml, {})

    return configure


async def fetched(node: LocalNode, purpose: Purpose = Purpose.SHARE) -> tuple[int, dict[str, Any]]:
    """Store a share and fetch it, or its history: status and body."""
    path = await node.store_share()
    ticket = await node.ticket(path, purpose)
    place = path if purpose is Purpose.SHARE else f"{path}/releases"
    response = await node.client.get(place, headers={TICKET: ticket, X5C: node.person.x5c})
    body: dict[str, Any] = await response.json()
    return response.status, body


async def test_a_revoked_recipient(server: StatusServer, configured: Callable[[str], NodeConfig]) -> None:
    """Nothing is given to them, with the words of every other refused certificate; the metrics tell why."""
    node = LocalNode(configured("soft"), person_of(server), io.StringIO())
    await node.start()
    assert (await fetched(node))[0] == 200
    node.person = person_of(server)
    server.revoked.add(node.person.certificate.serial_number)
    for purpose in Purpose:
        status, body = await fetched(node, purpose)
        assert (status, body["code"]) == (401, "ticket-refused")
        assert body["title"] == "the authentication certificate was refused"
    metrics = await (await node.admin.get("/metrics")).text()
    await node.stop()
    for line in (
        'osak_node_refusals_total{error="CertificateRevokedError"} 2.0',
        'osak_node_certificate_status_answers_total{source="ocsp",status="revoked"} 1.0',
        'osak_node_certificate_status_answers_total{source="ocsp",status="good"} 1.0',
        'osak_node_certificates_total{cache="hit"} 1.0',
        'osak_node_certificates_total{cache="miss"} 2.0',
    ):
        assert line in metrics


@pytest.mark.parametrize(("mode", "status"), [("soft", 200), ("hard", 503)])
async def test_an_outage(
    server: StatusServer, configured: Callable[[str], NodeConfig], mode: str, status: int
) -> None:
    """Soft serves and warns; hard tells the client to come back later."""
    node = LocalNode(configured(mode), person_of(server), io.StringIO())
    await node.start()
    server.broken = True
    found, body = await fetched(node)
    metrics = await (await node.admin.get("/metrics")).text()
    await node.stop()
    assert found == status
    assert body.get("code", "certificate-status-unavailable") == "certificate-status-unavailable"
    passes = 1.0 if mode == "soft" else 0.0
    assert f"osak_node_certificate_status_soft_passes_total {passes}" in metrics
    warnings = [line["reason"] for line in node.log_lines() if line["event"] == "certificate status unknown"]
    assert warnings == ["OCSP: it answers HTTP 500"]


async def test_a_refused_ticket_is_not_spent(
    server: StatusServer, configured: Callable[[str], NodeConfig]
) -> None:
    """When the authority is back, the ticket that was refused for its outage still works."""
    node = LocalNode(configured("hard"), person_of(server), io.StringIO())
    await node.start()
    server.broken = True
    path = await node.store_share()
    headers = {TICKET: await node.ticket(path), X5C: node.person.x5c}
    refused = await node.client.get(path, headers=headers)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "15")
    server.broken = False
    node.now += 15
    assert (await node.client.get(path, headers=headers)).status == 200
    await node.stop()


async def test_nobody_is_asked_for_a_stranger(
    server: StatusServer, configured: Callable[[str], NodeConfig]
) -> None:
    """A certificate without its owner's signature, or of who wants another's share, makes no question."""
    node = LocalNode(configured("hard"), person_of(server), io.StringIO())
    await node.start()
    path = await node.store_share()
    stranger = server.knows(
        server.authority.issue("PNOEE-60001017869", extensions=[ocsp_at(server.ocsp_url)])
    )
    ticket = await node.ticket(path)
    owner, node.person = node.person, stranger
    theirs = await node.ticket(path)
    answers = [
        await node.client.get(path, headers={TICKET: ticket, X5C: stranger.x5c}),
        await node.client.get(path, headers={TICKET: theirs, X5C: stranger.x5c}),
        await node.client.get(path, headers={TICKET: theirs, X5C: owner.x5c}),
    ]
    await node.stop()
    assert [answer.status for answer in answers] == [401, 404, 401]
    assert server.questions == 0


def capsule_config(folder: Path, anchor: TestCA, mode: str) -> NodeConfig:
    """A node that keeps capsules for the people of ``anchor``."""
    (folder / "clients.pem").write_bytes(anchor.certificate_pem)
    text = (folder / "node.yaml").read_text(encoding="utf-8").replace("roles: [shares]", "roles: [capsules]")
    start, end = text.index("trust:\n"), text.index("sealing:\n")
    section = f"""capsules:
  fetch_listen: 127.0.0.1:0
  anchors: [clients.pem]
  revocation: {{mode: {mode}, networks: [127.0.0.0/8]}}
"""
    (folder / "node.yaml").write_text(text[:start] + section + text[end:], encoding="utf-8")
    return load_node_config(folder / "node.yaml", {})


@pytest.mark.parametrize(
    ("mode", "outage", "status"),
    [
        ("soft", False, 401),
        ("hard", False, 401),
        ("soft", True, 200),
        ("hard", True, 503),
        ("off", False, 200),
    ],
)
async def test_capsules(
    node_folder: Path,
    server: StatusServer,
    mode: str,
    outage: bool,
    status: int,
) -> None:
    """The owner of a key whose certificate was revoked gets no capsule; an outage is as for shares."""
    node = CapsuleNode(capsule_config(node_folder, server.authority, mode))
    await node.start()
    person = person_of(server)
    server.revoked.add(person.certificate.serial_number)
    server.broken = outage
    path = (await node.upload(capsule_for(person))).headers["Location"]
    answer = await node.fetch(path, person)
    await node.stop()
    assert answer.status == status


@pytest.mark.parametrize(("mode", "status"), [("soft", 200), ("hard", 503)])
async def test_capsules_by_an_authority_in_between(
    node_folder: Path, server: StatusServer, mode: str, status: int
) -> None:
    """Where the client itself sent its issuer's certificate, nobody can tell: the mode decides."""
    below = TestCA("below", issuer=server.authority)
    node = CapsuleNode(capsule_config(node_folder, server.authority, mode))
    await node.start()
    person = below.issue()
    path = (await node.upload(capsule_for(person))).headers["Location"]
    chained = Chained(person.certificate, person.key, issuer=below)
    answer = await node.fetch(path, chained)
    await node.stop()
    assert answer.status == status


class Chained(Person):
    """Somebody who sends the certificate of their issuer along."""

    def __init__(self, certificate: x509.Certificate, key: PrivateKey, *, issuer: TestCA) -> None:
        super().__init__(certificate, key)
        object.__setattr__(self, "issuer_pem", issuer.certificate_pem)

    @property
    def certificate_pem(self) -> bytes:
        """Both certificates."""
        issuer_pem: bytes = self.__dict__["issuer_pem"]
        return super().certificate_pem + issuer_pem


async def test_a_capsule_for_a_certificate_that_is_an_anchor(node_folder: Path, server: StatusServer) -> None:
    """A certificate that the operator named by itself is believed, and nobody asked."""
    person = person_of(server)
    config = capsule_config(node_folder, server.authority, "hard")
    (node_folder / "clients.pem").write_bytes(person.certificate_pem)
    node = CapsuleNode(config)
    await node.start()
    path = (await node.upload(capsule_for(person))).headers["Location"]
    answer = await node.fetch(path, person)
    await node.stop()
    assert (answer.status, server.questions) == (200, 0)
