# SPDX-License-Identifier: MIT
"""Sessions at a node: nonces for them, tokens that prove them, and every token that proves nothing here."""

import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from factories.logins import Vouching
from factories.nodes import URL, LocalNode
from factories.people import Person, TestCA

from osak.node.auth.sessions import read_auth_server
from osak.node.config import load_node_config
from osak.node.session_settings import SessionSettings
from osak.shares.errors import ConfigurationError
from osak.shares.protocol.session import SessionAudience, draft_login, split_session
from osak.shares.protocol.smart_id import RelyingParty, SignatureParameters, interactions_digest
from osak.shares.protocol.urls import ServerURL

AUTHORITY = TestCA()
STRANGER = TestCA()
SERVER = Vouching()
HERE = ServerURL.parse(URL)
THERE = SessionAudience(ServerURL.parse("https://other.example"), "B" * 22)
Start = Callable[[str], Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a node with these members of ``sessions`` beside its auth server."""
    (tmp_path / "ca.pem").write_bytes(AUTHORITY.certificate_pem)
    (tmp_path / "node.key").write_bytes(bytes(32))
    (tmp_path / "keys.json").write_text(json.dumps(SERVER.keys()))
    async with AsyncExitStack() as stack:

        async def start_node(members: str) -> LocalNode:
            (tmp_path / "node.yaml").write_text(
                f"id: ria\norganisation: RIA\npublic_url: {URL}\nlisten: 127.0.0.1:0\n"
                "tls: {certificate_file: ca.pem, key_file: ca.pem}\nstorage: {kind: memory}\n"
                "trust: {anchors: [ca.pem], smart_id: {relying_parties: [{name: RIA}]}}\n"
                "sealing: {key_file: node.key}\n"
                f"sessions: {{auth_servers: [{{issuer: osak-simulator, keys_file: keys.json}}], {members}}}\n"
            )
            config = load_node_config(tmp_path / "node.yaml", {})
            node = LocalNode(config, AUTHORITY.issue(), io.StringIO())
            await node.start()
            stack.push_async_callback(node.stop)
            return node

        yield start_node


async def nonce_of(node: LocalNode) -> str:
    reply = await node.client.post("/session_nonce")
    assert reply.status == 200
    assert reply.headers["Cache-Control"] == "no-store"
    nonce: str = (await reply.json())["nonce"]
    return nonce


def headers_for(person: Person, token: str, x5c: str = "") -> dict[str, str]:
    return {"x-cdoc2-session-token": token, "x-cdoc2-session-x5c": x5c or person.x5c_base64url}


async def logged_in(
    node: LocalNode, person: Person | None = None, server: Vouching = SERVER
) -> dict[str, str]:
    """Headers of somebody who has logged in at this node and another."""
    who = person or node.person
    whole = server.session(who, SessionAudience(HERE, await nonce_of(node)), THERE)
    return headers_for(who, split_session(whole)[HERE])


async def fetched(node: LocalNode, path: str, session: dict[str, str]) -> Any:
    """Ask for a nonce, then for the share; whatever answers first with an error."""
    asked = await node.client.post(f"{path}/nonce", headers=session)
    if asked.status != 200:
        return asked
    ticket = (
        await node.ticket(path)
        if not session
        else node.person.ticket(_audience(path, (await asked.json())["nonce"]))
    )
    proof = {"x-cdoc2-auth-token": ticket, "x-cdoc2-auth-x5c": node.person.x5c_base64url}
    return await node.client.get(path, headers={**proof, **session})


def _audience(path: str, nonce: str) -> Any:
    from osak.shares.protocol.urls import Audience  # noqa: PLC0415 - used here alone

    return Audience(HERE, path.rpartition("/")[2], nonce)


@pytest.mark.parametrize("members", ["required: true", "required: false"])
async def test_the_way_of_a_session(start: Start, members: str) -> None:
    """Who has logged in gets nonces and shares, again and again: a session is not used up."""
    node = await start(members)
    session = await logged_in(node)
    for _ in range(2):
        path = await node.store_share()
        reply = await fetched(node, path, session)
        assert reply.status == 200, await reply.text()


async def test_without_a_session(start: Start) -> None:
    """Where sessions are required a nonce costs one; elsewhere nobody needs any."""
    node = await start("required: true")
    path = await node.store_share()
    reply = await node.client.post(f"{path}/nonce")
    assert reply.status == 403
    assert (await reply.json())["code"] == "session-refused"
    open_node = await start("required: false")
    assert (await fetched(open_node, await open_node.store_share(), {})).status == 200


async def test_a_share_wants_one_too(start: Start) -> None:
    """A ticket alone opens nothing where sessions are required."""
    node = await start("required: true")
    path, session = await node.store_share(), await logged_in(node)
    nonce = (await (await node.client.post(f"{path}/nonce", headers=session)).json())["nonce"]
    ticket = node.person.ticket(_audience(path, nonce))
    proof = {"x-cdoc2-auth-token": ticket, "x-cdoc2-auth-x5c": node.person.x5c}
    assert (await node.client.get(path, headers=proof)).status == 403
    assert (await node.client.get(path, headers={**proof, **session})).status == 200


async def test_somebody_elses_share(start: Start) -> None:
    """With a session nobody learns whether another person's share exists."""
    node = await start("required: true")
    path = await node.store_share()
    other = await logged_in(node, AUTHORITY.issue("PNOEE-40504040001"))
    asked = await node.client.post(f"{path}/nonce", headers=other)
    missing = await node.client.post(f"/key-shares/{'0' * 32}/nonce", headers=other)
    assert (asked.status, missing.status) == (404, 404)


async def test_a_ticket_of_somebody_else(start: Start) -> None:
    """Session and ticket must be one person's."""
    node = await start("required: true")
    path, session = await node.store_share(), await logged_in(node)
    nonce = (await (await node.client.post(f"{path}/nonce", headers=session)).json())["nonce"]
    thief = await logged_in(node, AUTHORITY.issue("PNOEE-40504040001"))
    ticket = node.person.ticket(_audience(path, nonce))
    proof = {"x-cdoc2-auth-token": ticket, "x-cdoc2-auth-x5c": node.person.x5c}
    assert (await node.client.get(path, headers={**proof, **thief})).status == 401


async def refused(node: LocalNode, session: dict[str, str], said: str) -> None:
    """The nonce is refused, and the log says why."""
    path = await node.store_share()
    reply = await node.client.post(f"{path}/nonce", headers=session)
    assert reply.status == 403
    assert said in node.log.getvalue()
    assert session["x-cdoc2-session-token"] not in node.log.getvalue()


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (Vouching(), "not signed by the auth server"),
        (replace(SERVER, issuer="somebody"), "not known here"),
        (replace(SERVER, key_id="2"), "not known here"),
        (replace(SERVER, begins=-7200), "has ended"),
        (replace(SERVER, begins=600), "has ended, or not begun"),
        (replace(SERVER, lasts=2 * 86400), "longer than"),
    ],
    ids=["another key", "another issuer", "another id", "ended", "not begun", "too long"],
)
async def test_auth_servers(start: Start, server: Vouching, said: str) -> None:
    """A token of another auth server, or of another time, proves nothing, required or not."""
    node = await start("required: false")
    await refused(node, await logged_in(node, server=server), said)


async def test_signatures_of_others(start: Start) -> None:
    """A login that somebody else signed, or whose certificate nobody here trusts, proves nothing."""
    node = await start("required: false")
    audience = SessionAudience(HERE, await nonce_of(node))
    forged = SERVER.session(node.person, audience, signer=AUTHORITY.issue())
    await refused(node, headers_for(node.person, split_session(forged)[HERE]), "not by the certificate's key")
    unknown = STRANGER.issue()
    session = headers_for(unknown, split_session(SERVER.session(unknown, audience))[HERE])
    await refused(node, session, "no chain")
    other = AUTHORITY.issue("PNOEE-40504040001")
    mixed = headers_for(other, split_session(SERVER.session(node.person, audience))[HERE])
    await refused(node, mixed, "not the certificate's serialNumber")


async def test_nonces_of_others(start: Start) -> None:
    """A token for another server, or over a nonce that this node did not give out for sessions, is none."""
    node = await start("required: false")
    whole = SERVER.session(node.person, SessionAudience(HERE, await nonce_of(node)), THERE)
    await refused(node, headers_for(node.person, split_session(whole)[THERE.server]), "another server")
    invented = SERVER.session(node.person, SessionAudience(HERE, "A" * 22))
    await refused(node, headers_for(node.person, split_session(invented)[HERE]), "nonce")
    share_nonce = await node.nonce(await node.store_share())
    mixed = SERVER.session(node.person, SessionAudience(HERE, share_nonce))
    await refused(node, headers_for(node.person, split_session(mixed)[HERE]), "nonce")


async def test_a_session_ends(start: Start) -> None:
    """After its end a session opens nothing, and an old nonce makes no new one."""
    node = await start("required: true, life: 2h")
    session = await logged_in(node)
    path = await node.store_share()
    node.now += 3601
    assert (await node.client.post(f"{path}/nonce", headers=session)).status == 403


async def test_malformed(start: Start) -> None:
    """Half a session is a bad request; a malformed one is refused and not quoted."""
    node = await start("required: false")
    path, session = await node.store_share(), await logged_in(node)
    for name in session:
        half = {other: value for other, value in session.items() if other != name}
        assert (await node.client.post(f"{path}/nonce", headers=half)).status == 400
    await refused(node, {**session, "x-cdoc2-session-token": "secret~secret~secret~"}, "malformed")


async def test_a_node_without_sessions(node: LocalNode) -> None:
    """Where no auth server is believed there are no session nonces, and tokens are ignored."""
    assert (await node.client.post("/session_nonce")).status == 404
    path = await node.store_share()
    headers = {"x-cdoc2-session-token": "x", "x-cdoc2-session-x5c": "y"}
    assert (await node.client.post(f"{path}/nonce", headers=headers)).status == 200


@pytest.mark.parametrize(
    "keys",
    [
        "nothing",
        "[]",
        '{"keys": []}',
        '{"keys": [{"kid": "1", "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}]}',
        '{"keys": [{"kid": "1", "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}',
        '{"keys": [{"kid": "1", "kty": "EC", "crv": "P-256"}]}',
        '{"keys": [{"kid": "1", "kty": "RSA"}]}',
        json.dumps({"keys": [{"kid": "1", "kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}]}),
    ],
)
def test_keys_that_are_none(tmp_path: Path, keys: str) -> None:
    """A file without a key on P-256 is told when the node starts."""
    (tmp_path / "keys.json").write_text(keys)
    with pytest.raises(ConfigurationError):
        read_auth_server("x", tmp_path / "keys.json")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auth_servers": []}, "at least 1"),
        ({"auth_servers": [{"issuer": "a", "keys_file": "keys.json"}], "life": "25h"}, "24h at most"),
        ({"auth_servers": [{"issuer": "a", "keys_file": "keys.json"}] * 2}, "twice"),
        ({"auth_servers": [{"issuer": "a", "keys_file": "nowhere"}]}, "no such file"),
    ],
)
def test_settings_that_make_no_sense(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    """What cannot work is told when the YAML is read."""
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(ValueError, match=said):
        SessionSettings.model_validate(given, context={"folder": tmp_path})


async def test_a_login_through_version_3(start: Start) -> None:
    """An app signs a login for a relying party; for another than the node's it is none."""
    node = await start("required: true")
    app = AUTHORITY.issue(key=rsa.generate_private_key(65537, 2048))
    assert isinstance(app.key, rsa.RSAPrivateKey)
    digest = interactions_digest("W10=")
    parameters = SignatureParameters(digest, "displayTextAndPIN", "A" * 24, "A" * 43, "Notification")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    for name, status in (("RIA", 404), ("Some bank", 403)):  # there is no such share
        draft = draft_login(app.recipient_id, "PS256", [SessionAudience(HERE, await nonce_of(node))])
        text = parameters.signed_text(draft.signing_input, RelyingParty(name))
        whole = SERVER.vouch(draft, app.key.sign(text, pss, hashes.SHA256()), parameters.to_header())
        session = headers_for(app, split_session(whole)[HERE])
        reply = await node.client.post(f"/key-shares/{'0' * 32}/nonce", headers=session)
        assert reply.status == status


async def test_an_app_signs_the_login(start: Start) -> None:
    """A login by an RSA key is taken like one by an EC key."""
    node = await start("required: true")
    app = AUTHORITY.issue(key=rsa.generate_private_key(65537, 2048))
    card = AUTHORITY.issue(key=ec.generate_private_key(ec.SECP384R1()))
    for person in (app, card):
        session = await logged_in(node, person)
        reply = await node.client.post(f"/key-shares/{'0' * 32}/nonce", headers=session)
        assert reply.status == 404  # there is no such share, but the session was good
