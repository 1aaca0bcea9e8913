# SPDX-License-Identifier: MIT
"""The node's HTTP interface: upstream's key-shares API, our additions, and how every refusal looks."""

import asyncio
import hashlib
import json
import secrets
from datetime import UTC, datetime

import pytest
from factories.nodes import URL, LocalNode

from osak.node.errors import StorageError
from osak.node.expiry import ERASED_AFTER_SECONDS
from osak.node.storage.memory import MemoryShareStore
from osak.shares.protocol.messages import NodeIdentity
from osak.shares.protocol.strict_json import encode_base64, encode_base64url
from osak.shares.protocol.ticket import MAX_TICKET_CHARACTERS, draft_ticket, ticket_fits
from osak.shares.protocol.urls import Audience, ServerURL

TICKET, TOKEN, X5C = "x-cdoc2-auth-ticket", "x-cdoc2-auth-token", "x-cdoc2-auth-x5c"


async def test_create_nonce_release(node: LocalNode) -> None:
    """The whole way of a share, in upstream's words."""
    created = await node.upload(b"k" * 32)
    path = created.headers["Location"]
    assert created.status == 201
    assert await created.read() == b""
    assert path.startswith("/key-shares/")
    assert len(bytes.fromhex(path.removeprefix("/key-shares/"))) == 16
    released = await node.client.get(path, headers={TICKET: await node.ticket(path), X5C: node.person.x5c})
    assert released.status == 200
    expected = {"share": encode_base64(b"k" * 32), "recipient": node.person.recipient_id}
    assert await released.json() == expected
    assert released.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", [TICKET, TOKEN])
@pytest.mark.parametrize("base64url", [False, True])
async def test_both_dialects(node: LocalNode, name: str, base64url: bool) -> None:
    """Either name of the ticket's header goes with either spelling of the certificate."""
    path = await node.store_share()
    certificate = node.person.x5c_base64url if base64url else node.person.x5c
    response = await node.client.get(path, headers={name: await node.ticket(path), X5C: certificate})
    assert response.status == 200


async def test_two_different_tickets_are_refused(node: LocalNode) -> None:
    """Both header names at once are taken only when they say the same."""
    path = await node.store_share()
    first, second = await node.ticket(path), await node.ticket(path)
    response = await node.client.get(path, headers={TICKET: first, TOKEN: second, X5C: node.person.x5c})
    assert response.status == 400
    response = await node.client.get(path, headers={TICKET: first, TOKEN: first, X5C: node.person.x5c})
    assert response.status == 200


async def test_a_header_twice_is_refused(node: LocalNode) -> None:
    """Two readers must never see two tickets."""
    path = await node.store_share()
    ticket = await node.ticket(path)
    response = await node.client.get(path, headers=[(TICKET, ticket), (TICKET, ticket), (X5C, "A")])
    assert response.status == 400


async def test_a_ticket_works_once(node: LocalNode) -> None:
    """Of simultaneous and repeated uses of one ticket exactly one gets the share."""
    path = await node.store_share()
    headers = {TICKET: await node.ticket(path), X5C: node.person.x5c}
    responses = await asyncio.gather(*(node.client.get(path, headers=headers) for _ in range(8)))
    assert sorted(response.status for response in responses) == [200] + [404] * 7


async def test_all_reasons_look_alike(node: LocalNode) -> None:
    """Spent nonce, foreign person, revoked and unknown share cannot be told apart."""
    token = secrets.token_bytes(32)
    path = await node.store_share(x_revocation_hash=encode_base64(hashlib.sha256(token).digest()))
    ticket = await node.ticket(path)
    headers = {TICKET: ticket, X5C: node.person.x5c}
    await node.client.get(path, headers=headers)
    answers = [await node.client.get(path, headers=headers)]
    answers.append(await node.client.delete(path, headers={"x-revocation-token": encode_base64(bytes(32))}))
    gone = await node.client.delete(path, headers={"x-revocation-token": encode_base64(token)})
    assert gone.status == 204
    answers.append(await node.client.delete(path, headers={"x-revocation-token": encode_base64(token)}))
    answers.append(await node.client.get(path, headers=headers))
    answers.append(await node.client.post(f"{path}/nonce"))
    answers.append(await node.client.post(f"/key-shares/{'0' * 32}/nonce"))
    bodies = [json.loads(await answer.read()) for answer in answers]
    assert {answer.status for answer in answers} == {404}
    assert len({(body["title"], body["code"], body["type"]) for body in bodies}) == 1


async def test_revocation_token_in_either_base64(node: LocalNode) -> None:
    """The token may come in standard base64 or in base64url."""
    token = b"\xff" * 32
    path = await node.store_share(x_revocation_hash=encode_base64(hashlib.sha256(token).digest()))
    response = await node.client.delete(path, headers={"x-revocation-token": encode_base64url(token)})
    assert response.status == 204


async def test_expiry_time(node: LocalNode) -> None:
    """The sender's time is taken, cut to the node's longest, and told back."""
    asked = datetime.fromtimestamp(int(node.now) + 3600, UTC).isoformat().replace("+00:00", "Z")
    response = await node.upload(x_expiry_time=asked)
    assert response.headers["x-expiry-time"] == asked
    node.now += 3600
    assert (await node.client.post(f"{response.headers['Location']}/nonce")).status == 404
    capped = await node.upload(x_expiry_time="9999-12-31T23:59:59+00:00")
    expected = datetime.fromtimestamp(int(node.now) + node.config.expiry.max, UTC)
    assert datetime.fromisoformat(capped.headers["x-expiry-time"]) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x_expiry_time", "2040-01-01T00:00:00"),
        ("x_expiry_time", "2040-01-01"),
        ("x_expiry_time", "2001-01-01T00:00:00Z"),
        ("x_expiry_time", "2040-02-31T00:00:00Z"),
        ("x_expiry_time", "0001-01-01T00:00:00+23:59"),
        ("x_expiry_time", "tomorrow"),
        ("x_revocation_hash", "AAAA"),
        ("x_revocation_hash", "no base64"),
        ("x_osak_share_set", "set=00; index=1; threshold=2; nodes=3"),
    ],
)
async def test_malformed_additions_are_refused(node: LocalNode, name: str, value: str) -> None:
    """A header of ours that is not well formed is never ignored: nothing is stored."""
    response = await node.upload(**{name: value})
    assert response.status == 400
    assert await node.store.remove_expired(2**60) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"share":"AAAA","recipient":"etsi/PNOEE-30303039914"}',
        b'{"share":"' + b"A" * 43 + b'=","recipient":"someone who is"}',
        b'{"share":"' + b"A" * 43 + b'=","recipient":"etsi/PNOEE-30303039914","more":1}',
        b'{"share":"' + b"A" * 43 + b'=","share":"","recipient":"etsi/PNOEE-30303039914"}',
        b"\xff\xfe",
    ],
)
async def test_malformed_uploads_are_refused(node: LocalNode, body: bytes) -> None:
    """An upload is exactly a share and a recipient."""
    response = await node.client.post("/key-shares", data=body)
    assert response.status == 400
    assert (await response.json())["code"] == "bad-request"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not-found"),
        ("GET", "/key-shares", 405, "method-not-allowed"),
        ("PUT", f"/key-shares/{'0' * 32}", 405, "method-not-allowed"),
        ("HEAD", f"/key-shares/{'0' * 32}", 405, ""),
        ("GET", f"/key-shares/{'0' * 32}", 400, "bad-request"),
        ("DELETE", f"/key-shares/{'0' * 32}", 400, "bad-request"),
        ("POST", "/key-shares/short/nonce", 400, "bad-request"),
        ("POST", f"/key-shares/{'0' * 17}%2F/nonce", 400, "bad-request"),
        ("GET", "/metrics", 404, "not-found"),
        ("GET", "/health/live", 404, "not-found"),
    ],
)
async def test_problems(node: LocalNode, method: str, path: str, status: int, code: str) -> None:
    """Every refusal is a problem document with a stable code and the request's id."""
    response = await node.client.request(method, path)
    assert response.status == status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Server"] == "osak"
    if method != "HEAD":
        problem = await response.json()
        assert problem["code"] == code
        assert problem["status"] == status
        assert problem["request_id"] == response.headers["x-request-id"]


async def test_method_not_allowed_names_the_methods(node: LocalNode) -> None:
    """A 405 says what the path takes (RFC 9110 15.5.6)."""
    response = await node.client.get("/key-shares")
    assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize("path", ["/key-shares", f"/key-shares/{'0' * 32}/nonce", "/nowhere"])
async def test_large_bodies_are_refused(node: LocalNode, path: str) -> None:
    """No request body is read beyond its limit, not even one that nobody looks at."""
    response = await node.client.post(path, data=b"x" * 4097)
    assert response.status == 413
    assert (await response.json())["code"] == "body-too-large"


async def test_a_compressed_bomb_is_refused(node: LocalNode) -> None:
    """The limit holds for what a compressed body unpacks to."""
    response = await node.client.post("/key-shares", data=b"x" * 10**6, compress="deflate")
    assert response.status == 413


async def test_nonce_without_a_body_that_is_called_json(node: LocalNode) -> None:
    """Libcdoc sends no body and calls it JSON; the Java client sends null."""
    path = await node.store_share()
    for body in (b"", b"null"):
        response = await node.client.post(
            f"{path}/nonce", data=body, headers={"Content-Type": "application/json"}
        )
        assert response.status == 200
        assert len((await response.json())["nonce"]) == 22


async def test_a_refused_ticket_is_a_401(node: LocalNode) -> None:
    """A bad ticket or certificate says what would help, and why only in the log."""
    path = await node.store_share()
    response = await node.client.get(path, headers={TICKET: "x~y~z~", X5C: node.person.x5c})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == TICKET
    assert (await response.json())["code"] == "ticket-refused"
    response = await node.client.get(path, headers={TICKET: await node.ticket(path), X5C: "AAAA"})
    assert response.status == 401


async def test_forwarded_headers_change_nothing(node: LocalNode) -> None:
    """A node knows its own URL; X-Forwarded-* neither helps nor harms."""
    path = await node.store_share()
    headers = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "1"}
    ticket = {TICKET: await node.ticket(path), X5C: node.person.x5c}
    assert (await node.client.get(path, headers=headers | ticket)).status == 200


async def test_identity(node: LocalNode) -> None:
    """A node says who runs it, and its limits."""
    response = await node.client.get("/.well-known/osak-node")
    identity = NodeIdentity.from_reply(await response.read())
    assert (identity.id, identity.organisation) == ("ria", "Riigi Infosüsteemi Amet")
    assert identity.limits["nonce_life_seconds"] == 300
    assert identity.url == node.config.public_url


async def test_admin(node: LocalNode) -> None:
    """The admin port tells life, readiness and metrics, and knows no shares."""
    await node.store_share()
    assert (await node.admin.get("/health/live")).status == 200
    assert (await node.admin.get("/health/ready")).status == 200
    metrics = await (await node.admin.get("/metrics")).text()
    assert 'osak_node_requests_total{method="POST",route="/key-shares",status="201"} 1.0' in metrics
    assert (await node.admin.post("/key-shares")).status == 404


async def test_storage_failure(node: LocalNode) -> None:
    """Without its store a node is not ready and says so; the public learns no more."""
    await node.store.close()
    response = await node.upload()
    assert response.status == 503
    assert (await response.json())["code"] == "storage-unavailable"
    assert (await node.admin.get("/health/ready")).status == 503
    assert (await node.admin.get("/health/live")).status == 200


class BrokenStore(MemoryShareStore):
    """A store with a mistake in it."""

    async def add(self, share: object) -> None:
        """Fail in a way nobody thought of, with a secret in the text."""
        raise RuntimeError(f"secret {share}")


async def test_unexpected_failure(node: LocalNode) -> None:
    """A mistake of ours is a 500 that says nothing, and a log line that says where, not what."""
    await node.stop()
    node.store = BrokenStore()
    await node.start()
    response = await node.upload()
    assert response.status == 500
    assert (await response.json())["code"] == "internal"
    assert "secret" not in await response.text()
    assert "secret" not in node.log.getvalue()
    assert any(line["event"] == "unexpected" and "test_api" in line["place"] for line in node.log_lines())


class SlowStore(MemoryShareStore):
    """A store that never answers."""

    async def add(self, share: object) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()


async def test_slow_requests_end(node: LocalNode) -> None:
    """A request is not waited for longer than the limit."""
    await node.stop()
    node.store = SlowStore()
    limits = node.config.limits.model_copy(update={"request_timeout": 0})
    node.config = node.config.model_copy(update={"limits": limits})
    await node.start()
    assert (await node.upload()).status == 408


async def test_expired_shares_are_swept(node: LocalNode) -> None:
    """A node erases expired shares by itself, a day later, and goes on after a failure."""
    await node.store_share()
    await node.stop()
    node.now += node.config.expiry.max + ERASED_AFTER_SECONDS
    await node.start()
    await node.client.get("/.well-known/osak-node")
    assert [line["removed"] for line in node.log_lines() if line["event"] == "expired"] == [1]
    await node.stop()
    await node.store.close()
    with pytest.raises(StorageError):
        await node.store.check()
    await node.start()
    await node.client.get("/.well-known/osak-node")
    assert "expiry failed" in {line["event"] for line in node.log_lines()}


async def test_logs_hold_no_secret(node: LocalNode) -> None:
    """A whole life of a share, with refusals, leaves no share, person, nonce, ticket or token in the log."""
    share, token = secrets.token_bytes(32), secrets.token_bytes(32)
    created = await node.upload(share, x_revocation_hash=encode_base64(hashlib.sha256(token).digest()))
    path = created.headers["Location"]
    ticket, nonce = await node.ticket(path), await node.nonce(path)
    headers = {TICKET: ticket, X5C: node.person.x5c}
    for tried in (headers, headers, {TICKET: ticket[:-1], X5C: node.person.x5c}, {TICKET: ticket, X5C: "A"}):
        await node.client.get(path, headers=tried)
    await node.client.get(f"{path}/{nonce}?ticket={ticket}")
    await node.client.delete(path, headers={"x-revocation-token": encode_base64(token)})
    log = node.log.getvalue()
    assert len(node.log_lines()) >= 8
    secrets_used = [
        share.hex(),
        encode_base64(share),
        node.person.serial_number,
        node.person.serial_number.removeprefix("PNOEE-"),
        nonce,
        *ticket.split("~")[:3],
        ticket.split("~")[0].rpartition(".")[2],
        node.person.x5c_base64url[:40],
        encode_base64(node.person.der)[:40],
        encode_base64(token),
        path.rpartition("/")[2],
    ]
    assert [secret for secret in secrets_used if secret in log] == []


async def test_the_longest_ticket_is_read(node: LocalNode) -> None:
    """A ticket for as many servers as its header takes opens a share here; none is refused for its length."""
    path = await node.store_share()
    mine = Audience(ServerURL.parse(URL), path.rpartition("/")[2], await node.nonce(path))
    others = 1
    while ticket_fits(node.person.recipient_id, "ES256", [mine] * (others + 1)):
        others += 1
    draft = draft_ticket(node.person.recipient_id, "ES256", [mine] * others)
    ticket = draft.present(node.person.sign(draft.signing_input), others - 1)
    assert MAX_TICKET_CHARACTERS - 73 < len(ticket) <= MAX_TICKET_CHARACTERS
    response = await node.client.get(path, headers={TICKET: ticket, X5C: node.person.x5c})
    assert response.status == 200
