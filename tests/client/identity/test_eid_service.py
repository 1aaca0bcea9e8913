# SPDX-License-Identifier: MIT
"""What the talk with an eID service survives, and where it ends."""

from pathlib import Path

import pytest
from simulator.real_servers import Authority as RealAuthority
from simulator.real_servers import raw_server, reply, send

from osak.client.identity.errors import IdentityServiceError, RefusedSignatureError
from osak.client.identity.service import EIDService
from osak.client.identity.settings import SmartIDSettings
from osak.client.simulator.people import SMART_ID_PERSON
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import EIDAddress
from osak.coordinator import Timeouts

QUESTION = {
    "certificateLevel": "QUALIFIED",
    "hash": "A" * 43 + "=",
    "hashType": "SHA256",
    "allowedInteractionsOrder": [{"type": "displayTextAndPIN", "displayText60": "Open"}],
}


def service(address: EIDAddress, *, patience_seconds: float = 60) -> EIDService:
    settings = SmartIDSettings.model_validate(address.settings("smart_id"))
    return EIDService(
        "Smart-ID", settings, Timeouts(), {}, pause_seconds=0, patience_seconds=patience_seconds
    )


async def outcome(asked: EIDService) -> str:
    async with asked:
        session = await asked.start(f"/authentication/etsi/{SMART_ID_PERSON}", QUESTION)
        answer = await asked.outcome(f"/session/{session}")
    found: str = answer["result"]["endResult"]
    return found


async def test_a_lost_answer_is_asked_for_again(simulator: Phones, address: EIDAddress) -> None:
    """A broken connection costs the person no second PIN: the outcome is asked for again."""
    simulator.behaviour = Behaviour(breaks=2)
    assert await outcome(service(address)) == "OK"
    assert len(simulator.questions) == 1


async def test_not_for_ever(simulator: Phones, address: EIDAddress) -> None:
    """A service that breaks every connection off is given up."""
    simulator.behaviour = Behaviour(breaks=1000)
    with pytest.raises(IdentityServiceError, match="broke the connection off"):
        await outcome(service(address))
    assert simulator.polls < 20


async def test_patience_ends(simulator: Phones, address: EIDAddress) -> None:
    """A session that never ends is left, since share servers do not wait either."""
    simulator.behaviour = Behaviour(running=10**9)
    with pytest.raises(RefusedSignatureError, match="had no answer") as caught:
        await outcome(service(address, patience_seconds=0.1))
    assert caught.value.reason == "timeout"


async def test_forgotten_sessions(address: EIDAddress) -> None:
    """A session that the service does not know is an error, not a reason to wait."""
    async with service(address) as asked:
        with pytest.raises(IdentityServiceError, match="404"):
            await asked.outcome("/session/00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(
    "body", [b"{}", b'{"sessionID": null}', b'{"sessionID": 7}', b'{"sessionID": "../7"}']
)
async def test_no_session(address: EIDAddress, tmp_path: Path, body: bytes) -> None:
    """What begins without the name of a session is told at once, and not waited for."""
    authority = RealAuthority(tmp_path)
    async with raw_server(send(reply("200 OK", body)), authority.server_context()) as raw:
        given = address.settings(
            "smart_id", url=f"https://localhost:{raw.port}", tls={"ca_file": str(authority.ca_file)}
        )
        settings = SmartIDSettings.model_validate(given)
        async with EIDService("Smart-ID", settings, Timeouts(), {}, pause_seconds=0) as asked:
            with pytest.raises(IdentityServiceError, match="without a session"):
                await asked.start("/authentication", QUESTION)
