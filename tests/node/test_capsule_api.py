# SPDX-License-Identifier: MIT
"""The capsule role over real mutual TLS: who gets a capsule, and how every refusal looks."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.capsules import Answer, CapsuleNode, capsule_for, client_tls
from factories.people import Person, TestCA

from osak.node.config import NodeConfig, load_node_config
from osak.node.errors import SealingError, StorageError
from osak.node.key_ring import read_ring
from osak.node.tls_contexts import create_mutual_tls_context
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.capsule import CapsuleMessage, CapsuleType
from osak.shares.protocol.strict_json import encode_base64

CA = TestCA()
RSA_KEY = rsa.generate_private_key(65537, 2048)
PERSON = CA.issue(key=ec.generate_private_key(ec.SECP384R1()))
OTHER = CA.issue(key=ec.generate_private_key(ec.SECP384R1()))
UNKNOWN = "/key-capsules/KC" + "0" * 32


@pytest.fixture
def config(node_folder: Path) -> NodeConfig:
    """A new node that keeps capsules only, for the people of one CA."""
    (node_folder / "clients.pem").write_bytes(CA.certificate_pem)
    text = (node_folder / "node.yaml").read_text(encoding="utf-8")
    lines = text.replace("roles: [shares]", "roles: [capsules]").splitlines()
    start = lines.index("trust:")
    end = lines.index("sealing:")
    lines[start:end] = ["capsules:", "  fetch_listen: 127.0.0.1:0", "  anchors: [clients.pem]"]
    (node_folder / "node.yaml").write_text("\n".join(lines), encoding="utf-8")
    return load_node_config(node_folder / "node.yaml", {})


@pytest.fixture
async def node(config: NodeConfig) -> AsyncIterator[CapsuleNode]:
    """That node, running with a memory store."""
    running = CapsuleNode(config)
    await running.start()
    yield running
    await running.stop()


async def stored(node: CapsuleNode, person: Person = PERSON) -> str:
    """Path of a capsule that was stored for this person."""
    return (await node.upload(capsule_for(person))).headers["Location"]


@pytest.mark.parametrize(
    "key",
    [
        RSA_KEY,
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
    ],
    ids=["rsa", "p256", "p384", "p521"],
)
async def test_upload_and_fetch(node: CapsuleNode, key: ec.EllipticCurvePrivateKey) -> None:
    """For every kind of key the owner gets back what was uploaded, as often as they like."""
    person = CA.issue(key=key)
    message = capsule_for(person)
    created = await node.upload(message)
    assert (created.status, created.body) == (201, b"")
    path = created.headers["Location"]
    assert path.startswith("/key-capsules/KC")
    assert len(path) == len("/key-capsules/KC") + 32
    for _ in range(2):
        fetched = await node.fetch(path, person)
        assert fetched.status == 200
        assert CapsuleMessage.from_reply(fetched.body) == message
        assert fetched.headers["x-expiry-time"] == created.headers["x-expiry-time"]
        assert fetched.headers["Cache-Control"] == "no-store"


async def test_unknown_and_foreign_look_alike(node: CapsuleNode) -> None:
    """Unknown, foreign, expired, and a certificate for a key that no capsule is for: one answer."""
    path = await stored(node)
    answers = [await node.fetch(UNKNOWN, PERSON), await node.fetch(path, OTHER)]
    answers.append(await node.fetch(path, CA.issue(key=RSA_KEY)))
    node.now += 1095 * 86400
    answers.append(await node.fetch(path, PERSON))
    assert {answer.status for answer in answers} == {404}
    bodies = [json.loads(answer.body) for answer in answers]
    assert len({(body["title"], body["code"], body["type"]) for body in bodies}) == 1


async def test_a_renewed_certificate(node: CapsuleNode) -> None:
    """The key decides, not the certificate: another one for the same key fetches the capsule."""
    path = await stored(node)
    renewed = CA.issue("PNOEE-37101010021", key=PERSON.key)
    assert (await node.fetch(path, renewed)).status == 200


async def test_without_a_certificate(node: CapsuleNode) -> None:
    """A client that shows no certificate is told in HTTP what is missing."""
    answer = await node.fetch(await stored(node), None)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "client-certificate"
    assert json.loads(answer.body)["code"] == "certificate-needed"


def forged(authority: TestCA = CA) -> Person:
    """The recipient's public key in a certificate, with a private key that is another."""
    real = authority.issue(key=PERSON.key)
    return Person(real.certificate, OTHER.key)


@pytest.mark.parametrize(
    "person",
    [
        TestCA().issue(key=PERSON.key),
        CA.issue(key=PERSON.key, not_after=datetime.now(UTC) - timedelta(hours=1)),
        CA.issue(key=PERSON.key, not_before=datetime.now(UTC) + timedelta(hours=1)),
        CA.issue(key=PERSON.key, usages=("key_encipherment",)),
    ],
    ids=["foreign authority", "ended", "not yet", "not for authentication"],
)
async def test_refused_certificates(node: CapsuleNode, person: Person) -> None:
    """The right key in a certificate that is not trusted now gets no further than the handshake."""
    path = await stored(node)
    with pytest.raises(aiohttp.ClientError):
        await node.fetch(path, person)


async def test_a_certificate_without_its_key(node: CapsuleNode) -> None:
    """Somebody else's certificate is worth nothing without their key."""
    with pytest.raises(ssl.SSLError):
        client_tls(node.config, forged())  # no TLS library of ours even tries


def write_anchor(config: NodeConfig, content: bytes) -> None:
    """Put something else into the file of the one anchor."""
    assert config.capsules is not None
    (file,) = config.capsules.anchors
    assert isinstance(file, Path)
    file.write_bytes(content)


@pytest.mark.parametrize("kind", ["issuing CA", "single certificate"])
async def test_anchors_that_are_no_roots(config: NodeConfig, kind: str) -> None:
    """An issuing CA, or one certificate alone, can be an anchor; nobody else of its root then fits."""
    root = TestCA("root")
    issuing = TestCA("issuing", issuer=root)
    person, stranger = issuing.issue(key=PERSON.key), root.issue(key=PERSON.key)
    anchor = issuing.certificate_pem if kind == "issuing CA" else person.certificate_pem
    write_anchor(config, anchor)
    node = CapsuleNode(config)
    await node.start()
    path = await stored(node)
    assert (await node.fetch(path, person)).status == 200
    with pytest.raises(aiohttp.ClientError):
        await node.fetch(path, stranger)
    await node.stop()


async def test_no_connection_is_resumed(node: CapsuleNode) -> None:
    """Every connection proves the key anew: the server gives out no session tickets."""
    assert node.config.capsules is not None
    context = create_mutual_tls_context(node.config.tls, node.config.capsules.anchors)
    assert context.num_tickets == 0
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3


async def test_anchors_that_are_none(config: NodeConfig) -> None:
    """A file that holds no certificate stops the start."""
    write_anchor(config, b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n")
    assert config.capsules is not None
    with pytest.raises(ConfigurationError):
        create_mutual_tls_context(config.tls, config.capsules.anchors)


async def test_expiry(node: CapsuleNode) -> None:
    """The sender's time holds up to the node's longest, and the answer says whether it was cut."""
    asked = datetime.fromtimestamp(int(node.now) + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    created = await node.upload(capsule_for(PERSON), x_expiry_time=asked)
    assert created.headers["x-expiry-time"] == asked
    assert created.headers["x-expiry-time-adjusted"] == "false"
    capped = await node.upload(capsule_for(PERSON), x_expiry_time="9999-12-31T23:59:59+02:00")
    longest = datetime.fromtimestamp(int(node.now) + 1825 * 86400, UTC)
    assert datetime.fromisoformat(capped.headers["x-expiry-time"]) == longest
    assert capped.headers["x-expiry-time-adjusted"] == "true"
    default = await node.upload(capsule_for(PERSON))
    usual = datetime.fromtimestamp(int(node.now) + 1095 * 86400, UTC)
    assert datetime.fromisoformat(default.headers["x-expiry-time"]) == usual
    for wrong in ("2001-01-01T00:00:00Z", "2040-01-01T00:00:00", "tomorrow"):
        assert (await node.upload(capsule_for(PERSON), x_expiry_time=wrong)).status == 400


async def test_expired_capsules_are_swept(node: CapsuleNode) -> None:
    """What is expired is erased by the node itself, a day later."""
    await stored(node)
    await node.stop()
    node.now += (1095 + 1) * 86400
    await node.start()
    for _ in range(5):  # a few answers later the sweep has run
        await node.call("GET", f"{node.url}/.well-known/osak-node")
    assert '"event": "expired capsules"' in node.log.getvalue()
    assert (
        b"osak_node_expired_capsules_total 1.0" in (await node.call("GET", f"{node.admin_url}/metrics")).body
    )


def point_off_the_curve() -> bytes:
    """A point of the right length that no curve of ours has."""
    return b"\x04" + b"\x01" * 96


RSA_PERSON = CA.issue(key=RSA_KEY)
WEAK = CA.issue(key=rsa.generate_private_key(65537, 1024))  # noqa: S505 - it must be refused
EC_MESSAGE = capsule_for(PERSON)
RSA_MESSAGE = capsule_for(RSA_PERSON)
SPKI = ssl.PEM_cert_to_DER_cert(RSA_PERSON.certificate_pem.decode())


@pytest.mark.parametrize(
    "message",
    [
        CapsuleMessage(CapsuleType.P384, point_off_the_curve(), EC_MESSAGE.ephemeral_key_material),
        CapsuleMessage(CapsuleType.P384, EC_MESSAGE.recipient_id, point_off_the_curve()),
        CapsuleMessage(CapsuleType.RSA, b"no DER", RSA_MESSAGE.ephemeral_key_material),
        CapsuleMessage(CapsuleType.RSA, EC_MESSAGE.recipient_id, RSA_MESSAGE.ephemeral_key_material),
        CapsuleMessage(CapsuleType.RSA, SPKI[:1000], RSA_MESSAGE.ephemeral_key_material),
        CapsuleMessage(CapsuleType.RSA, RSA_MESSAGE.recipient_id, RSA_MESSAGE.ephemeral_key_material[1:]),
        CapsuleMessage(CapsuleType.RSA, RSA_MESSAGE.recipient_id + b"\0", RSA_MESSAGE.ephemeral_key_material),
        capsule_for(WEAK),
        b"",
        b"[]",
        b"<html></html>",
        EC_MESSAGE.to_json()[:-1] + b',"more":1}',
    ],
    ids=count(),  # some are different each time
)
async def test_malformed_uploads(node: CapsuleNode, message: CapsuleMessage | bytes) -> None:
    """What is no capsule for a key that we know is a 400, and nothing is stored."""
    answer = await node.upload(message)
    assert answer.status == 400
    assert json.loads(answer.body)["code"] == "bad-request"
    assert await node.store.remove_expired(2**60) == 0


async def test_wrong_port(node: CapsuleNode) -> None:
    """Each port says by a 405 that the other one is meant, and neither does the other's work."""
    path = await stored(node)
    at_public = await node.call("GET", node.url + path, PERSON)
    at_fetch = await node.call(
        "POST", f"{node.fetch_url}/key-capsules", PERSON, data=capsule_for(PERSON).to_json()
    )
    for answer in (at_public, at_fetch):
        assert (answer.status, answer.headers["Allow"]) == (405, "")
        assert json.loads(answer.body)["code"] == "method-not-allowed"
    assert await node.store.remove_expired(2**60) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods(node: CapsuleNode, method: str) -> None:
    """There is no way to change, delete or peek at a capsule."""
    path = await stored(node)
    assert (await node.call(method, node.fetch_url + path, PERSON)).status == 405
    assert (await node.fetch(path, PERSON)).status == 200


@pytest.mark.parametrize(
    "path", ["/key-capsules/short", "/key-capsules/" + "a" * 35, "/key-capsules/" + "%2F" * 20]
)
async def test_malformed_ids(node: CapsuleNode, path: str) -> None:
    """An id that cannot be one is a 400."""
    assert (await node.fetch(path, PERSON)).status in {400, 404}


async def test_large_bodies(node: CapsuleNode) -> None:
    """No body is read beyond its limit, at either port."""
    assert (await node.upload(b"x" * 4097)).status == 413
    answer = await node.call("GET", node.fetch_url + UNKNOWN, PERSON, data=b"x" * 4097)
    assert answer.status == 413


async def test_other_paths(node: CapsuleNode) -> None:
    """A node without the shares role knows no shares; the fetch port knows nothing but capsules."""
    for url in (f"{node.url}/key-shares", f"{node.fetch_url}/key-shares", f"{node.fetch_url}/metrics"):
        assert (await node.call("POST", url, data=b"{}")).status == 404
    assert (await node.call("GET", f"{node.fetch_url}/.well-known/osak-node", PERSON)).status == 404
    identity = await node.call("GET", f"{node.url}/.well-known/osak-node")
    assert json.loads(identity.body)["id"] == "ria"


async def test_only_tls_1_3(node: CapsuleNode) -> None:
    """The fetch port speaks nothing older."""
    old = client_tls(node.config, PERSON)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("localhost", int(node.fetch_url.rpartition(":")[2]), ssl=old)


async def test_storage_failure(node: CapsuleNode) -> None:
    """Without its store the role answers 503, and the node is not ready."""
    path = await stored(node)
    await node.store.close()
    assert (await node.upload(capsule_for(PERSON))).status == 503
    assert (await node.fetch(path, PERSON)).status == 503
    assert (await node.call("GET", f"{node.admin_url}/health/ready")).status == 503


async def test_a_thief_of_the_store(config: NodeConfig) -> None:
    """Neither key nor material stands in the stored row; under another node key it does not open."""
    node = CapsuleNode(config)
    await node.start()
    message = capsule_for(PERSON)
    path = (await node.upload(message)).headers["Location"]
    row = await node.store.get(path.rpartition("/")[2], int(node.now))
    assert row is not None
    stored_bytes = row.sealed + row.recipient_tag + row.transaction_id.encode()
    assert message.ephemeral_key_material[1:40] not in stored_bytes
    assert message.recipient_id[1:40] not in stored_bytes
    await node.stop()
    assert config.sealing.key_file is not None
    config.sealing.key_file.write_bytes(b"x" * 32)
    assert read_ring(config.sealing).active.key_id != row.key_id
    await node.start()
    answer = await node.fetch(path, PERSON)
    assert (answer.status, json.loads(answer.body)["code"]) == (500, "internal")
    assert SealingError.__name__ in node.log.getvalue()
    await node.stop()


async def test_logs_hold_no_secret(node: CapsuleNode) -> None:
    """Whole lives of capsules, with refusals, leave no id, key or material in the log."""
    message = capsule_for(PERSON)
    path = (await node.upload(message)).headers["Location"]
    answers: list[Answer] = [await node.fetch(path, who) for who in (PERSON, OTHER, None)]
    answers.append(await node.call("GET", node.url + path))
    await node.store.close()
    with pytest.raises(StorageError):
        await node.store.check()
    answers.append(await node.fetch(path, PERSON))
    log = node.log.getvalue()
    assert len(log.splitlines()) >= 6
    secrets = [
        path.rpartition("/")[2],
        encode_base64(message.ephemeral_key_material)[:40],
        encode_base64(message.recipient_id)[:40],
        message.ephemeral_key_material.hex()[:40],
        PERSON.serial_number,
    ]
    assert [secret for secret in secrets if secret in log] == []
