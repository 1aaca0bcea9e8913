# SPDX-License-Identifier: MIT
"""What osak asks eID services, and what the simulator answers: as docs/api/eid-services.yaml has it."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from aiohttp import ClientSession, TCPConnector
from simulator.phones_beside import Shown

from osak.client.identity.auth_server import AuthServer
from osak.client.identity.errors import RefusedSignatureError
from osak.client.identity.logged_in import Login
from osak.client.identity.mobile_id import MobileIDCredential
from osak.client.identity.settings import AuthServerSettings, MobileIDSettings, SmartIDSettings
from osak.client.identity.smart_id import SmartIDCredential
from osak.client.identity.smart_id_v3 import SmartIDv3Credential
from osak.client.simulator.people import (
    MOBILE_ID_PEOPLE,
    MOBILE_ID_PERSON,
    MOBILE_ID_RESULTS,
    SMART_ID_PEOPLE,
    SMART_ID_PERSON,
    SMART_ID_RESULTS,
    SMART_ID_V3_RESULTS,
)
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import EIDAddress, people_in, serve
from osak.coordinator import Timeouts

SCHEMAS = yaml.safe_load(
    (Path(__file__).parents[2] / "docs" / "api" / "eid-services.yaml").read_text(encoding="utf-8")
)["components"]["schemas"]
V3_PATH = "/smart-id-rp/v3/authentication/notification/etsi/PNOEE-30303039914"
SIGNING_INPUT = b"eyJ0eXAi.eyJpc3Mi"


@pytest.fixture
def phones(tmp_path: Path) -> Phones:
    return people_in(tmp_path)


@pytest.fixture
async def address(phones: Phones, tmp_path: Path) -> AsyncIterator[EIDAddress]:
    async with serve(phones, tmp_path) as found:
        yield found


def problems(name: str, message: Mapping[str, Any]) -> list[str]:
    """What is wrong with a message by the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    judge = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [str(error) for error in judge.iter_errors(dict(message))]


async def ask(phones: Phones, address: EIDAddress, service: str, result: str) -> dict[str, Any]:
    """Let osak ask a person; the reply with the outcome."""
    replies: list[dict[str, Any]] = []
    phones.behaviour = Behaviour(result=result, change=replies.append)
    asking: SmartIDCredential | SmartIDv3Credential | MobileIDCredential
    if service == "smart_id_v3":
        version_3 = SmartIDSettings.model_validate(address.version_3())
        person = f"etsi/{SMART_ID_PERSON}"
        asking = SmartIDv3Credential(person, version_3, Shown(phones), Timeouts(), file_name="kiri.cdoc2")
    elif service == "smart_id":
        smart_id = SmartIDSettings.model_validate(address.settings(service))
        person = f"etsi/{SMART_ID_PERSON}"
        asking = SmartIDCredential(person, smart_id, Shown(phones), Timeouts(), file_name="kiri.cdoc2")
    else:
        mobile_id = MobileIDSettings.model_validate(address.settings(service))
        code, number = MOBILE_ID_PERSON
        asking = MobileIDCredential(
            f"etsi/PNOEE-{code}", number, mobile_id, Shown(phones), Timeouts(), file_name="kiri õäöü.cdoc2"
        )
    try:
        await asking.sign(SIGNING_INPUT)
    except RefusedSignatureError:
        assert result != "OK"
    return replies[-1]


@pytest.mark.parametrize("result", ["OK", *SMART_ID_RESULTS])
async def test_smart_id_v2(phones: Phones, address: EIDAddress, result: str) -> None:
    """Question and outcome of Smart-ID's version 2 are of the documented form."""
    reply = await ask(phones, address, "smart_id", result)
    assert problems("SmartIDv2Question", phones.questions[-1]) == []
    assert problems("SmartIDv2Outcome", reply) == []


@pytest.mark.parametrize("result", ["OK", *SMART_ID_V3_RESULTS])
async def test_smart_id_v3(phones: Phones, address: EIDAddress, result: str) -> None:
    """Question and outcome of Smart-ID's version 3 are of the documented form."""
    reply = await ask(phones, address, "smart_id_v3", result)
    assert problems("SmartIDv3Question", phones.questions[-1]) == []
    assert problems("SmartIDv3Outcome", reply) == []


@pytest.mark.parametrize("result", ["OK", *MOBILE_ID_RESULTS])
async def test_mobile_id(phones: Phones, address: EIDAddress, result: str) -> None:
    """Question and outcome of Mobile-ID are of the documented form."""
    reply = await ask(phones, address, "mobile_id", result)
    assert problems("MobileIDQuestion", phones.questions[-1]) == []
    assert problems("MobileIDOutcome", reply) == []


async def test_auth_server_and_rp_server(phones: Phones, address: EIDAddress) -> None:
    """Login and question through auth server and rp-server are of the documented form."""
    address.auth_server.servers = [address.rp_server_url]
    replies: list[dict[str, Any]] = []
    phones.behaviour = Behaviour(change=replies.append)
    shown, timeouts = Shown(phones), Timeouts()
    settings = AuthServerSettings.model_validate(address.log_in_settings())
    person = f"etsi/{SMART_ID_PERSON}"
    smart_id = SmartIDSettings.model_validate(address.by_rp_server())
    login = Login(AuthServer(settings, shown, timeouts), person)
    await SmartIDv3Credential(person, smart_id, shown, timeouts, file_name="kiri.cdoc2", login=login).sign(
        SIGNING_INPUT
    )
    kinds = ("Identity", "RPServerQuestion")
    assert [problems(kind, body) for kind, body in zip(kinds, phones.questions, strict=True)] == [[], []]
    answers = ("LoginOutcome", "SmartIDv3Outcome")
    assert [problems(kind, body) for kind, body in zip(answers, replies, strict=True)] == [[], []]


def test_the_document_refuses() -> None:
    """A question with a member more, and a signature that is missing, are noticed."""
    assert problems("SmartIDv2Question", {"nonce": "x"})
    assert problems("SmartIDv2Outcome", {"state": "COMPLETE", "result": {"endResult": "OK"}})
    assert problems("MobileIDOutcome", {"state": "COMPLETE", "result": "OK"})


def test_everybody_ends_as_documented() -> None:
    """The simulator's people know no outcome that the services have not."""
    assert set(SMART_ID_PEOPLE.values()) <= {"OK", *SMART_ID_RESULTS}
    assert set(MOBILE_ID_PEOPLE.values()) <= {"OK", *MOBILE_ID_RESULTS}


@pytest.mark.parametrize(
    ("path", "question"),
    [
        ("/smart-id-rp/v2/authentication/etsi/PNOEE-30303039914", {}),
        ("/smart-id-rp/v2/authentication/etsi/PNOEE-30303039914", {"hash": "x"}),
        ("/smart-id-rp/v2/authentication/etsi/PNOEE-30303039914", {"certificateLevel": "BEST"}),
        ("/smart-id-rp/v2/authentication/etsi/PNOEE-30303039914", {"allowedInteractionsOrder": []}),
        ("/mid-api/authentication", {"language": "KLI"}),
        (V3_PATH, {"vcType": "roman"}),
        (V3_PATH, {"signatureProtocol": "RAW_DIGEST_SIGNATURE"}),
        (V3_PATH, {"interactions": "W10="}),
        (V3_PATH, {"signatureProtocolParameters": {"rpChallenge": "AAAA"}}),
    ],
)
async def test_the_simulator_is_strict(
    phones: Phones, address: EIDAddress, path: str, question: dict[str, Any]
) -> None:
    """What is not of the documented form is answered with 400, and no phone rings."""
    asked: dict[str, Any] = {}
    if question:
        service = "smart_id_v3" if path == V3_PATH else "smart_id" if "smart-id" in path else "mobile_id"
        await ask(phones, address, service, "OK")
        asked = {**phones.questions.pop(), **question}
    # Whether TLS is trusted is another test's business.
    async with (
        ClientSession(connector=TCPConnector(ssl=False)) as session,
        session.post(address.url + path, json=asked) as reply,
    ):
        assert reply.status == 400
        assert reply.headers["Server"] == "osak-eid-simulator"
    assert list(phones.questions) == []
