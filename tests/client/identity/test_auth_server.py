# SPDX-License-Identifier: MIT
"""Logging in at an auth server: the code, a session with each server, every refusal, nonsense."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from simulator.phones_beside import Shown
from simulator.real_servers import Authority

from osak.client.identity.auth_server import AuthServer, Sessions
from osak.client.identity.errors import BadSignatureError, IdentityServiceError, RefusedSignatureError
from osak.client.identity.logged_in import LoggedInCredential, Login, sessions_of
from osak.client.identity.settings import AuthServerSettings, SmartIDSettings
from osak.client.identity.smart_id import SmartIDCredential
from osak.client.simulator.people import MOBILE_ID_PERSON, SMART_ID_PERSON
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import EIDAddress, serve
from osak.coordinator import Timeouts
from osak.shares.protocol.session import parse_session
from osak.shares.protocol.strict_json import encode_base64url
from osak.shares.protocol.urls import ServerURL

PERSON = f"etsi/{SMART_ID_PERSON}"


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[list[str]]:
    """Two servers that give out session nonces, and one that is not there."""
    given: list[str] = []

    async def give(_: web.Request) -> web.Response:
        given.append(f"{len(given):022}")
        return web.json_response({"nonce": given[-1]})

    app = web.Application()
    app.router.add_post("/session_nonce", give)
    runner = web.AppRunner(app)
    await runner.setup()
    context = Authority(tmp_path).server_context()
    for _ in range(2):
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield [f"https://localhost:{address[1]}" for address in runner.addresses] + ["https://localhost:1"]
    await runner.cleanup()


@pytest.fixture
async def address(simulator: Phones, tmp_path: Path, servers: list[str]) -> AsyncIterator[EIDAddress]:
    async with serve(simulator, tmp_path, servers=servers) as found:
        yield found


def auth_server(address: EIDAddress, shown: Shown, **more: Any) -> AuthServer:
    settings = AuthServerSettings.model_validate(address.log_in_settings())
    return AuthServer(settings, shown, Timeouts(), pause_seconds=0, **more)


async def log_in(simulator: Phones, address: EIDAddress, person: str = PERSON, number: str = "") -> Sessions:
    return await auth_server(address, Shown(simulator)).log_in(person, number)


@pytest.mark.parametrize(
    ("person", "number"),
    [(PERSON, ""), (f"etsi/PNOEE-{MOBILE_ID_PERSON[0]}", MOBILE_ID_PERSON[1])],
    ids=["Smart-ID", "Mobile-ID"],
)
async def test_logs_in(
    simulator: Phones, address: EIDAddress, servers: list[str], person: str, number: str
) -> None:
    """One question gives a session with every server that gave a nonce; each token names its own server."""
    shown = Shown(simulator)
    sessions = await auth_server(address, shown).log_in(person, number)
    assert set(sessions) == {ServerURL.parse(url) for url in servers[:2]}
    for server, proof in sessions.items():
        session = parse_session(proof.token)
        assert session.audience.server == server
        assert session.login.recipient_id == person
        assert person.removeprefix("etsi/").encode() in proof.certificate_der
    assert len(simulator.questions) == 1
    assert (shown.codes[0][0], len(shown.codes[0][1]), shown.waits) == ("Login", 4, 1)


@pytest.mark.parametrize(
    ("person", "number", "reason"),
    [
        ("etsi/PNOEE-30403039917", "", "refused"),
        ("etsi/PNOEE-30403039972", "", "wrong-code"),
        ("etsi/PNOEE-60001019983", "+37213100266", "unreachable"),
    ],
)
async def test_refused(simulator: Phones, address: EIDAddress, person: str, number: str, reason: str) -> None:
    """Who refuses or cannot be asked has no session: the sentences are those of the means."""
    with pytest.raises(RefusedSignatureError) as caught:
        await log_in(simulator, address, person, number)
    assert caught.value.reason == reason


async def test_patience_ends(simulator: Phones, address: EIDAddress) -> None:
    """Somebody who never answers is left."""
    simulator.behaviour = Behaviour(running=10**9)
    with pytest.raises(RefusedSignatureError, match="had no answer"):
        await auth_server(address, Shown(simulator), patience_seconds=0.1).log_in(PERSON)


async def test_a_lost_answer_is_asked_for_again(simulator: Phones, address: EIDAddress) -> None:
    """A broken connection costs the person no second login; a server that breaks them all off is given up."""
    simulator.behaviour = Behaviour(breaks=2)
    assert len(await log_in(simulator, address)) == 2
    assert len(simulator.questions) == 1
    simulator.behaviour = Behaviour(breaks=1000)
    with pytest.raises(IdentityServiceError, match="broke the connection off"):
        await log_in(simulator, address)


async def test_the_session_of_somebody_else(simulator: Phones, address: EIDAddress) -> None:
    """A session of another person is not shown to anybody."""
    whole: list[dict[str, Any]] = []
    simulator.behaviour = Behaviour(change=whole.append)
    await log_in(simulator, address, "etsi/PNOEE-40504040001")
    simulator.behaviour = Behaviour(change=lambda reply: reply.update(whole[0]))
    with pytest.raises(BadSignatureError, match="somebody else"):
        await log_in(simulator, address)


async def test_the_certificate_of_somebody_else(simulator: Phones, address: EIDAddress) -> None:
    """A certificate that does not go with the session, or is none, is shown to nobody either."""
    other = encode_base64url(simulator.smart_id_holder("PNOEE-40504040001").der)
    shown = {"signingCertificate": ""}
    simulator.behaviour = Behaviour(change=lambda reply: reply.update(shown))
    for given, said in ((other, "somebody else"), ("AAAA", "cannot be read"), ("", "cannot be read")):
        shown["signingCertificate"] = given
        with pytest.raises(BadSignatureError, match=said):
            await log_in(simulator, address)


@pytest.mark.parametrize(
    "change",
    [
        lambda reply: reply.pop("status"),
        lambda reply: reply.pop("endResult"),
        lambda reply: reply.pop("sessionToken"),
        lambda reply: reply.pop("signingCertificate"),
        lambda reply: reply.update(signingCertificate="***"),
        lambda reply: reply.update(sessionToken="a~b~c~"),
        lambda reply: reply.update(sessionToken=reply["sessionToken"][:-1]),
        lambda reply: reply.update(padding="x" * 100_000),
    ],
    ids=[
        "no status",
        "no result",
        "no token",
        "no certificate",
        "no base64url",
        "nonsense",
        "cut",
        "endless",
    ],
)
async def test_not_the_protocol(simulator: Phones, address: EIDAddress, change: Any) -> None:
    """An answer of another form is the server's fault and never a crash."""
    simulator.behaviour = Behaviour(change=change)
    with pytest.raises(IdentityServiceError, match=r"the (auth server|service) answered"):
        await log_in(simulator, address)


@pytest.mark.parametrize("status", [400, 500])
async def test_the_server_fails(simulator: Phones, address: EIDAddress, status: int) -> None:
    """A server that will not begin is told as such."""
    simulator.behaviour = Behaviour(status=status)
    with pytest.raises(IdentityServiceError, match=f"the auth server answered {status}"):
        await log_in(simulator, address)


async def test_once_a_run(simulator: Phones, address: EIDAddress) -> None:
    """Who opens several files in a run logs in once; without an auth server nobody logs in."""
    smart_id = SmartIDSettings.model_validate(address.settings("smart_id"))
    bare = SmartIDCredential(PERSON, smart_id, Shown(simulator), Timeouts(), file_name="x", pause_seconds=0)
    credential = LoggedInCredential(bare, Login(auth_server(address, Shown(simulator)), PERSON))
    assert await sessions_of(credential) is await sessions_of(credential)
    assert len(simulator.questions) == 1
    assert await sessions_of(bare) == {}
    assert (credential.recipient_id, credential.algorithm) == (PERSON, "RS256")
    await credential.sign(b"a.b")
    assert len(simulator.questions) == 2


async def test_nobody_is_asked_for_nothing(simulator: Phones, address: EIDAddress) -> None:
    """When no server gives a nonce the phone is left in peace."""
    address.auth_server.servers = ["https://localhost:1"]
    with pytest.raises(IdentityServiceError, match="503"):
        await log_in(simulator, address)
    assert simulator.questions == []
