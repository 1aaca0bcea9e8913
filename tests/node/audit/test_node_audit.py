# SPDX-License-Identifier: MIT
"""A node with an audit log: what it notes, what stays out of it, and that nothing leaves without it."""

import io
import secrets
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from click.testing import CliRunner
from factories.authorities import StatusServer
from factories.nodes import LocalNode
from factories.people import TestCA, ocsp_at

from osak.node.app import create_admin_app, create_app, create_service
from osak.node.audit.keys import AuditKeys
from osak.node.audit.log import AuditLog
from osak.node.audit.segments import find_segments, read_log, segment_path
from osak.node.auth.revocation import RETRY_SECONDS
from osak.node.cli import node as node_command
from osak.node.config import load_node_config
from osak.node.key_ring import read_ring
from osak.node.sealing import NodeKey
from osak.node.telemetry import create_telemetry
from osak.shares.protocol.strict_json import encode_base64

AUTHORITY = TestCA()
CERTIFICATE = "x-cdoc2-auth-x5c"
TICKET = "x-cdoc2-auth-ticket"


class AuditedNode(LocalNode):
    """A local node whose service writes an audit log."""

    audit: AuditLog

    async def start(self) -> None:
        """Open the log, then both ports."""
        assert self.config.audit is not None
        keys = AuditKeys(read_ring(self.config.sealing).active)
        self.audit = AuditLog.open(self.config.audit.folder, keys, lambda: self.now)
        telemetry = create_telemetry(self.log, "test")
        service = create_service(self.config, self.store, audit=self.audit, clock=lambda: self.now)
        self.client = TestClient(TestServer(create_app(self.config, service, telemetry)))
        self.admin = TestClient(TestServer(create_admin_app([service], telemetry)))
        await self.client.start_server()
        await self.admin.start_server()

    async def stop(self) -> None:
        """Close all."""
        await super().stop()
        await self.audit.close()

    def noted(self) -> list[str]:
        """Events so far, refusals with act and reason; checkpoints left out."""
        assert self.config.audit is not None
        return [
            " ".join(str(record.fields[name]) for name in ("event", "act", "reason") if name in record.fields)
            for record in read_log(self.config.audit.folder)
            if record.event != "checkpoint"
        ]


@pytest.fixture
async def audited(node_folder: Path) -> AsyncIterator[AuditedNode]:
    """A running node with an audit log."""
    (node_folder / "trust" / "ca.pem").write_bytes(AUTHORITY.certificate_pem)
    local = AuditedNode(load_node_config(node_folder / "node.yaml", {}), AUTHORITY.issue(), io.StringIO())
    await local.start()
    yield local
    await local.stop()


async def test_every_act_is_noted_and_no_secret(audited: AuditedNode, node_folder: Path) -> None:
    """Each act has its line, in order; nothing that was sent can be found in the files."""
    share, token = secrets.token_bytes(32), secrets.token_bytes(32)
    response = await audited.upload(share, x_revocation_hash=encode_base64(sha256(token).digest()))
    path = response.headers["Location"]
    ticket = await audited.ticket(path)
    headers = {TICKET: ticket, CERTIFICATE: audited.person.x5c}
    assert (await audited.client.get(path, headers=headers)).status == 200
    assert (await audited.client.get(path, headers=headers)).status == 404
    assert (await audited.client.get(path, headers={**headers, TICKET: "a~b~"})).status == 401
    for given, status in ((bytes(32), 404), (token, 204)):
        answer = await audited.client.delete(path, headers={"x-revocation-token": encode_base64(given)})
        assert answer.status == status
    assert audited.noted() == [
        *("create", "nonce", "release", "refusal release ShareNotFoundError"),
        *("refusal release TicketRefusedError", "refusal delete ShareNotFoundError", "delete"),
    ]
    await audited.stop()
    text = "".join(file.read_text() for file in find_segments(node_folder / "audit"))
    person = audited.person
    pieces = [part for part in ticket.replace(".", "~").split("~") if part]
    known = [encode_base64(share), share.hex(), path.rpartition("/")[2], person.serial_number, token.hex()]
    known += [person.recipient_id, encode_base64(token), person.x5c[40:100], *pieces]
    assert [secret for secret in known if secret in text] == []


async def test_nothing_leaves_without_a_log(audited: AuditedNode) -> None:
    """While the log cannot be written, every act is 503 and readiness is red; then it heals by itself."""
    path = await audited.store_share()
    headers = {TICKET: await audited.ticket(path), CERTIFICATE: audited.person.x5c}
    real, audited.audit._file = audited.audit._file, -1
    answers = [await audited.client.get(path, headers=headers), await audited.upload()]
    answers += [await audited.client.post(f"{path}/nonce"), await audited.admin.get("/health/ready")]
    assert {answer.status for answer in answers} == {503}
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    assert "share" not in await answers[0].json()
    audited.audit._file = real
    assert (await audited.admin.get("/health/ready")).status == 200
    headers = {TICKET: await audited.ticket(path), CERTIFICATE: audited.person.x5c}
    assert (await audited.client.get(path, headers=headers)).status == 200
    assert audited.noted() == ["create", "nonce", "nonce", "release"]


async def test_commands(audited: AuditedNode, node_folder: Path) -> None:
    """``verify`` prints the end and finds a change, ``who`` resolves what stands in the log."""
    path = await audited.store_share()
    headers = {TICKET: await audited.ticket(path), CERTIFICATE: audited.person.x5c}
    assert (await audited.client.get(path, headers=headers)).status == 200
    await audited.stop()
    config = ["-c", str(node_folder / "node.yaml")]
    (node_folder / "audit" / "acts").mkdir()  # as a command leaves it whose act could not be noted
    segment_path(node_folder / "audit" / "acts", 1).touch()
    whole = CliRunner().invoke(node_command, ["audit", "verify", *config])
    assert whole.exit_code == 0, whole.output
    end = whole.output.partition("end: ")[2].split()[0]
    assert CliRunner().invoke(node_command, ["audit", "verify", *config, "--noted", end]).exit_code == 0
    (printed,) = (line for line in whole.output.splitlines() if line.startswith("public key: "))
    change_key(node_folder)
    changed = CliRunner().invoke(node_command, ["audit", "verify", *config])
    assert (changed.exit_code, f"{printed} (not in use)" in changed.output) == (0, True), changed.output
    release = next(record for record in read_log(node_folder / "audit") if record.event == "release")
    names = [release.fields["who"], release.fields["share"], audited.person.recipient_id]
    told = CliRunner().invoke(node_command, ["audit", "who", *config, "--", *names]).output.splitlines()
    # The person has two pseudonyms: that under the key now in use comes first.
    assert [line.split()[1] for line in told[:2] + told[3:]] == [
        *(audited.person.recipient_id, path.rpartition("/")[2], release.fields["who"])
    ]
    (segment,) = find_segments(node_folder / "audit")
    segment.write_bytes(segment.read_bytes().replace(b'"release"', b'"nonce"'))
    spoilt = CliRunner().invoke(node_command, ["audit", "verify", *config])
    assert (spoilt.exit_code, "line 3" in spoilt.output) == (6, True)
    assert CliRunner().invoke(node_command, ["audit", "verify", *config, "--noted", "5"]).exit_code == 2
    assert CliRunner().invoke(node_command, ["audit", "who", *config, "nobody"]).exit_code == 6


def change_key(node_folder: Path) -> None:
    """Put another key in use; that of before is an old one now."""
    key = NodeKey.from_bytes((node_folder / "node.key").read_bytes())
    (node_folder / "next.key").write_bytes(key.next_key(secrets.token_bytes))
    path = node_folder / "node.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("key_file: node.key", "key_file: next.key\n  old: [{key_file: node.key}]"),
        encoding="utf-8",
    )


async def test_the_certificate_is_the_reason(node_folder: Path) -> None:
    """The log has the class of the reason: a revoked certificate, or an authority that cannot be asked."""
    server = StatusServer(AUTHORITY)
    await server.start()
    person = server.knows(AUTHORITY.issue(extensions=[ocsp_at(server.ocsp_url)]))
    (node_folder / "trust" / "ca.pem").write_bytes(AUTHORITY.certificate_pem)
    yaml = node_folder / "node.yaml"
    text = yaml.read_text(encoding="utf-8").replace("    mode: soft\n", "    mode: hard\n")
    yaml.write_text(text.replace("    networks: []\n", "    networks: [127.0.0.1]\n"), encoding="utf-8")
    node = AuditedNode(load_node_config(yaml, {}), person, io.StringIO())
    await node.start()
    path = await node.store_share()
    server.broken = True
    await node.client.get(path, headers={TICKET: await node.ticket(path), CERTIFICATE: person.x5c})
    server.broken = False
    node.now += RETRY_SECONDS
    server.revoked.add(person.certificate.serial_number)
    await node.client.get(path, headers={TICKET: await node.ticket(path), CERTIFICATE: person.x5c})
    await node.stop()
    await server.stop()
    refusals = [line for line in node.noted() if line.startswith("refusal")]
    assert refusals == [
        "refusal release StatusUnavailableError",
        "refusal release CertificateRevokedError",
    ]
