# SPDX-License-Identifier: MIT
"""Smart-ID through an rp-server: it asks in its own name, for people who have logged in and for no other."""

from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from simulator.phones_beside import Shown

from osak.client.identity.auth_server import AuthServer
from osak.client.identity.errors import IdentityServiceError, RefusedSignatureError
from osak.client.identity.logged_in import Login
from osak.client.identity.settings import AuthServerSettings, CredentialSettings, SmartIDSettings
from osak.client.identity.smart_id_v3 import SmartIDv3Credential
from osak.client.simulator.people import SMART_ID_PERSON
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import EIDAddress
from osak.coordinator import Timeouts

SIGNING_INPUT = b"eyJ0eXAi.eyJpc3Mi"


def credential(
    simulator: Phones, address: EIDAddress, *, person: str = SMART_ID_PERSON, logged_in_as: str = ""
) -> SmartIDv3Credential:
    """Somebody who asks through the rp-server, and who logs in as ``logged_in_as``."""
    shown, timeouts = Shown(simulator), Timeouts()
    settings = AuthServerSettings.model_validate(address.log_in_settings())
    auth_server = AuthServer(settings, shown, timeouts, pause_seconds=0)
    return SmartIDv3Credential(
        f"etsi/{person}",
        SmartIDSettings.model_validate(address.by_rp_server()),
        shown,
        timeouts,
        file_name="x",
        pause_seconds=0,
        login=Login(auth_server, f"etsi/{logged_in_as or person}"),
    )


async def test_signs(simulator: Phones, address: EIDAddress) -> None:
    """One question to log in, one for the ticket; the second names no relying party, the rp-server does."""
    address.auth_server.servers = [address.rp_server_url]
    asking = credential(simulator, address)
    assert (await asking.sign(SIGNING_INPUT)).smart_id_parameters
    login, question = simulator.questions
    assert login == {"identifier": f"etsi/{SMART_ID_PERSON}"}
    assert question["semanticsIdentifier"] == SMART_ID_PERSON
    assert "relyingPartyName" not in question
    await asking.sign(SIGNING_INPUT)
    assert len(simulator.questions) == 3


async def test_somebody_else(simulator: Phones, address: EIDAddress) -> None:
    """Nobody asks another person's phone with a session of their own."""
    address.auth_server.servers = [address.rp_server_url]
    asking = credential(simulator, address, logged_in_as="PNOEE-40504040001")
    with pytest.raises(IdentityServiceError, match="does not take the session"):
        await asking.sign(SIGNING_INPUT)
    assert len(simulator.questions) == 1


async def test_no_session_with_it(simulator: Phones, address: EIDAddress, tmp_path: Any) -> None:
    """An auth server that does not know this rp-server is told as such, before the app asks."""
    address.auth_server.servers = [address.rp_server_url.replace("127.0.0.1", "localhost")]
    with pytest.raises(IdentityServiceError, match="gives no session with the rp-server"):
        await credential(simulator, address).sign(SIGNING_INPUT)
    assert len(simulator.questions) == 1


async def test_who_does_not_log_in(simulator: Phones, address: EIDAddress) -> None:
    """Who refuses to log in is not asked again."""
    address.auth_server.servers = [address.rp_server_url]
    simulator.behaviour = Behaviour(result="USER_REFUSED")
    with pytest.raises(RefusedSignatureError):
        await credential(simulator, address).sign(SIGNING_INPUT)
    assert len(simulator.questions) == 1


@pytest.mark.parametrize("path", ["/sid/authenticate", "/sid/session/00000000-0000-0000-0000-000000000000"])
async def test_the_simulator_wants_a_session(address: EIDAddress, path: str) -> None:
    """Without a session the rp-server does nothing."""
    method = "POST" if path.endswith("authenticate") else "GET"
    # Whether TLS is trusted is another test's business.
    async with (
        ClientSession(connector=TCPConnector(ssl=False)) as session,
        session.request(method, address.rp_server_url + path, json={}) as reply,
    ):
        assert reply.status == 403


def test_settings(address: EIDAddress) -> None:
    """An rp-server without an auth server is a mistake that is told when the YAML is read."""
    with pytest.raises(ValueError, match="name auth_server too"):
        CredentialSettings.model_validate({"smart_id": address.by_rp_server()})
    given = {"smart_id": address.by_rp_server(), "auth_server": address.log_in_settings()}
    assert CredentialSettings.model_validate(given).smart_id is not None
