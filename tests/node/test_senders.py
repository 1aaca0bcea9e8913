# SPDX-License-Identifier: MIT
"""Who may store at a node: everybody, or the senders it knows, within their quotas."""

import hashlib
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from factories.nodes import LocalNode
from factories.people import TestCA

from osak.node.audit.journal import Journal
from osak.node.audit.keys import AuditKeys
from osak.node.audit.log import AuditLog
from osak.node.audit.segments import read_log
from osak.node.config import load_node_config
from osak.node.errors import SenderRefusedError
from osak.node.limits.counter import MemoryCounter
from osak.node.sealing import NodeKey
from osak.node.senders import Senders
from osak.node.upload_settings import UploadSettings
from osak.shares.errors import ConfigurationError

AUTHORITY = TestCA()
TOKEN = "b3" * 32
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
Start = Callable[[str], Any]


def write_config(folder: Path, uploads: str) -> Path:
    """The files of a node whose YAML has this section ``uploads``."""
    (folder / "ca.pem").write_bytes(AUTHORITY.certificate_pem)
    (folder / "node.key").write_bytes(bytes(32))
    (folder / "node.yaml").write_text(
        "id: ria\norganisation: RIA\npublic_url: https://node.example:8443\nlisten: 127.0.0.1:0\n"
        "tls: {certificate_file: ca.pem, key_file: ca.pem}\nstorage: {kind: memory}\n"
        f"trust: {{anchors: [ca.pem]}}\nsealing: {{key_file: node.key}}\n{uploads}\n"
    )
    return folder / "node.yaml"


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a node with this section ``uploads``."""
    async with AsyncExitStack() as stack:

        async def start_node(uploads: str) -> LocalNode:
            config = load_node_config(write_config(tmp_path, uploads), {})
            node = LocalNode(config, AUTHORITY.issue(), io.StringIO())
            await node.start()
            stack.push_async_callback(node.stop)
            return node

        yield start_node


async def test_only_a_token_that_is_known(start: Start) -> None:
    """With senders configured an upload needs a token; fetching what was stored needs none."""
    node = await start(f"uploads: {{senders: [{{name: Haigla, token_sha256: '{DIGEST}'}}]}}")
    for given in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": f"Bearer {DIGEST}"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \udcff"},
    ):
        refused = await node.upload(b"s" * 32, **given)
        assert refused.status == 401, given
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        assert (await refused.json())["code"] == "sender-refused"
    path = await node.store_share(Authorization=f"bearer {TOKEN}")
    headers = {"x-cdoc2-auth-ticket": await node.ticket(path), "x-cdoc2-auth-x5c": node.person.x5c}
    assert (await node.client.get(path, headers=headers)).status == 200
    metrics = await (await node.admin.get("/metrics")).text()
    assert 'osak_node_uploads_total{sender="Haigla"} 1.0' in metrics
    assert TOKEN not in node.log.getvalue()


async def test_two_authorizations_are_none(start: Start) -> None:
    """A header that stands twice is refused: two readers must never see two senders."""
    node = await start(f"uploads: {{senders: [{{name: Haigla, token_sha256: '{DIGEST}'}}]}}")
    twice = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer other")]
    answer = await node.client.post("/key-shares", data=b"{}", headers=twice)
    assert answer.status == 400


async def test_a_quota(start: Start) -> None:
    """A sender that stored as much as it may gets 429 with Retry-After; another goes on."""
    other = hashlib.sha256(b"other").hexdigest()
    node = await start(
        f"uploads: {{senders: [{{name: A, token_sha256: '{DIGEST}', quota: 2/d}},"
        f" {{name: B, token_sha256: '{other}'}}]}}"
    )
    first = [await node.upload(b"s" * 32, Authorization=f"Bearer {TOKEN}") for _ in range(3)]
    assert [answer.status for answer in first] == [201, 201, 429]
    assert int(first[2].headers["Retry-After"]) > 40_000
    assert (await node.upload(b"s" * 32, Authorization="Bearer other")).status == 201


async def test_without_the_section_everybody_may(start: Start) -> None:
    """An open node takes uploads with and without a token, and counts nobody."""
    node = await start("")
    assert (await node.upload()).status == 201
    assert (await node.upload(b"s" * 32, Authorization="Bearer whatever")).status == 201


async def test_a_certificate_is_known_by_its_key(tmp_path: Path) -> None:
    """A renewed certificate of the same key is the same sender; one of another key is nobody."""
    known = AUTHORITY.issue()
    renewed = AUTHORITY.issue(key=known.key)
    (tmp_path / "known.pem").write_bytes(known.certificate_pem)
    settings = UploadSettings.model_validate(
        {"senders": [{"name": "Haigla", "certificate_file": "known.pem"}]}, context={"folder": tmp_path}
    )
    counted: list[str] = []
    senders = Senders(settings, MemoryCounter(), counted.append)
    assert await senders.admit(None, known.der) == "Haigla"
    assert await senders.admit("Bearer nonsense", renewed.der) == "Haigla"
    # Version 11 (RFC 5280, 4.1.2.1 knows three): of the known key, but nothing that can be read.
    odd = known.der.replace(bytes.fromhex("a003020102"), bytes.fromhex("a00302010a"), 1)
    for stranger in (AUTHORITY.issue().der, odd, None):
        with pytest.raises(SenderRefusedError):
            await senders.admit(None, stranger)
    assert counted == ["Haigla", "Haigla"]


def test_files_that_are_no_certificates_or_the_same(tmp_path: Path) -> None:
    """A sender that nobody could tell from another, or not at all, stops the start."""
    person = AUTHORITY.issue()
    (tmp_path / "one.pem").write_bytes(person.certificate_pem)
    (tmp_path / "two.pem").write_bytes(person.certificate_pem)
    (tmp_path / "three.pem").write_bytes(b"garbage")
    for files, said in ((("one", "two"), "the same key"), (("three",), "expected a certificate")):
        given = {"senders": [{"name": name, "certificate_file": f"{name}.pem"} for name in files]}
        settings = UploadSettings.model_validate(given, context={"folder": tmp_path})
        with pytest.raises(ConfigurationError, match=said):
            Senders(settings, MemoryCounter(), lambda _: None)


@pytest.mark.parametrize(
    "mistake",
    [
        "senders: []",
        "senders: [{name: A}]",
        "senders: [{name: A, token_sha256: abc}]",
        f"senders: [{{name: A, token_sha256: '{DIGEST.upper()}'}}]",
        f"senders: [{{name: A, token_sha256: '{DIGEST}'}}, {{name: A, token_sha256: '{'0' * 64}'}}]",
        f"senders: [{{name: A, token_sha256: '{DIGEST}'}}, {{name: B, token_sha256: '{DIGEST}'}}]",
        f"senders: [{{name: A, token_sha256: '{DIGEST}', quota: lots}}]",
        f"senders: [{{name: A, token: '{TOKEN}'}}]",
        "senders: [{name: A, certificate_file: missing.pem}]",
    ],
)
def test_mistakes_in_the_yaml(tmp_path: Path, mistake: str) -> None:
    """What could not be meant is refused, with its place."""
    with pytest.raises(ConfigurationError, match="uploads"):
        load_node_config(write_config(tmp_path, f"uploads: {{{mistake}}}"), {})


async def test_the_audit_log_names_the_sender(tmp_path: Path) -> None:
    """Who stored a share stands in the audit log, if senders are known."""
    log = AuditLog.open(tmp_path / "log", AuditKeys(NodeKey.from_bytes(bytes(32))), lambda: 1.8e9)
    journal = Journal(log)
    await journal.create("0" * 32, "Haigla")
    await journal.create("1" * 32)
    await log.close()
    lines = [record.fields for record in read_log(tmp_path / "log") if record.event == "create"]
    assert [line.get("sender") for line in lines] == ["Haigla", None]
    assert json.dumps(lines).count("Haigla") == 1
