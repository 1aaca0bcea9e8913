# SPDX-License-Identifier: MIT
"""Smart-ID's version 3 against its simulator: the question, the signed text, every outcome, wrong answers."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from simulator.phones_beside import Shown

from osak.client.identity.errors import BadSignatureError, IdentityServiceError, RefusedSignatureError
from osak.client.identity.settings import SmartIDSettings
from osak.client.identity.smart_id_answers import verification_code
from osak.client.identity.smart_id_v3 import SmartIDv3Credential
from osak.client.simulator.people import (
    SMART_ID_PEOPLE,
    SMART_ID_PERSON,
    SMART_ID_RESULTS,
    SMART_ID_V3_RESULTS,
)
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import EIDAddress
from osak.coordinator import Timeouts
from osak.shares.protocol.smart_id import RelyingParty, SignatureParameters

PERSON = f"etsi/{SMART_ID_PERSON}"
SIGNING_INPUT = b"eyJ0eXAi.eyJpc3Mi"
CHALLENGE = hashlib.sha256(SIGNING_INPUT).digest()


def credential(
    address: EIDAddress, shown: Shown, *, person: str = PERSON, file_name: str = "kiri.cdoc2", **settings: Any
) -> SmartIDv3Credential:
    return SmartIDv3Credential(
        person,
        SmartIDSettings.model_validate(address.version_3(**settings)),
        shown,
        Timeouts(),
        file_name=file_name,
        pause_seconds=0,
    )


@pytest.fixture
def shown(simulator: Phones) -> Shown:
    return Shown(simulator)


async def test_signs(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """The signature is over the text that names the relying party and holds the ticket's hash."""
    asking = credential(address, shown)
    signed = await asking.sign(SIGNING_INPUT)
    assert asking.algorithm == "PS256"
    parameters = SignatureParameters.from_header(signed.smart_id_parameters)
    text = parameters.signed_text(SIGNING_INPUT, RelyingParty("DEMO", "smart-id-demo"))
    public = simulator.smart_id_person.key.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signed.signature, text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert len(simulator.questions) == 1


async def test_the_question(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """The challenge is the ticket's hash; finding the code comes before just a PIN; the file is named."""
    await credential(address, shown).sign(SIGNING_INPUT)
    (question,) = simulator.questions
    parameters = question["signatureProtocolParameters"]
    assert base64.b64decode(parameters["rpChallenge"]) == CHALLENGE
    assert json.loads(base64.b64decode(question["interactions"])) == [
        {"type": "confirmationMessageAndVerificationCodeChoice", "displayText200": "Open kiri.cdoc2"},
        {"type": "displayTextAndPIN", "displayText60": "Open kiri.cdoc2"},
    ]


async def test_the_code_comes_first(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """The code is that of the challenge, shown before the service is asked."""
    await credential(address, shown).sign(SIGNING_INPUT)
    assert shown.codes == [("Smart-ID", verification_code(CHALLENGE), 0)]


@pytest.mark.parametrize("result", [*SMART_ID_V3_RESULTS, "SOMETHING_NEW"])
async def test_ends_without_a_signature(
    simulator: Phones, address: EIDAddress, shown: Shown, result: str
) -> None:
    """Every end result of version 3 is a sentence and a stable reason."""
    simulator.behaviour = Behaviour(result=result)
    with pytest.raises(RefusedSignatureError) as caught:
        await credential(address, shown).sign(SIGNING_INPUT)
    expected = {
        "TIMEOUT": "timeout",
        "DOCUMENT_UNUSABLE": "unusable",
        "ACCOUNT_UNUSABLE": "unusable",
        "WRONG_VC": "wrong-code",
        "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP": "app-too-old",
        "PROTOCOL_FAILURE": "failed",
        "EXPECTED_LINKED_SESSION": "failed",
        "SERVER_ERROR": "failed",
        "SOMETHING_NEW": "failed",
    }
    assert caught.value.reason == expected.get(result, "refused")
    assert result not in str(caught.value)


def test_every_outcome_has_a_sentence_of_its_own() -> None:
    """No end result of either version is told with the words that are kept for unknown ones."""
    from osak.client.identity import smart_id_answers  # noqa: PLC0415 - its table is its own

    assert {*SMART_ID_RESULTS, *SMART_ID_V3_RESULTS} <= set(smart_id_answers._OUTCOMES)


@pytest.mark.parametrize("person", [person for person, result in SMART_ID_PEOPLE.items() if result != "OK"])
async def test_people_of_the_demo(address: EIDAddress, shown: Shown, person: str) -> None:
    """The people who refuse in version 2 refuse in version 3."""
    with pytest.raises(RefusedSignatureError):
        await credential(address, shown, person=f"etsi/{person}").sign(SIGNING_INPUT)


async def test_nobody_of_that_name(address: EIDAddress, shown: Shown) -> None:
    """A person without an account is told as such."""
    with pytest.raises(RefusedSignatureError, match="does not know this person"):
        await credential(address, shown, person="etsi/PNOEE-48010010101").sign(SIGNING_INPUT)


@pytest.mark.parametrize(
    "settings", [{"scheme": "smart-id"}, {"brokered_name": "RIA"}], ids=["scheme", "broker"]
)
async def test_signed_for_somebody_else(address: EIDAddress, shown: Shown, settings: dict[str, str]) -> None:
    """A text that names another relying party than the configuration is not taken."""
    with pytest.raises(BadSignatureError, match="not by the key"):
        await credential(address, shown, **settings).sign(SIGNING_INPUT)


def in_signature(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda reply: reply["signature"].update(changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (in_signature(signatureAlgorithm="sha256WithRSAEncryption"), "otherwise"),
        (in_signature(signatureAlgorithmParameters={"hashAlgorithm": "SHA-512"}), "otherwise"),
        (in_signature(serverRandom="AAAA"), "otherwise"),
        (in_signature(userChallenge="A" * 43), "not by the key"),
        (in_signature(flowType="QR"), "another way"),
        (in_signature(flowType="Fax"), "otherwise"),
        (in_signature(value="AAAA"), "not by the key"),
        (lambda reply: reply.update(interactionTypeUsed="confirmationMessage"), "another way"),
        (lambda reply: reply.update(signatureProtocol="RAW_DIGEST_SIGNATURE"), "another protocol"),
        (lambda reply: reply["cert"].update(certificateLevel="ADVANCED"), "lower level"),
    ],
)
async def test_wrong_answers(
    simulator: Phones, address: EIDAddress, shown: Shown, change: Any, said: str
) -> None:
    """What was not asked for is not taken."""
    simulator.behaviour = Behaviour(change=change)
    with pytest.raises(BadSignatureError, match=said):
        await credential(address, shown).sign(SIGNING_INPUT)


@pytest.mark.parametrize(
    "change",
    [
        lambda reply: reply.pop("result"),
        lambda reply: reply.pop("signature"),
        lambda reply: reply.update(signature="x"),
        lambda reply: reply.pop("cert"),
        lambda reply: reply.pop("interactionTypeUsed"),
        lambda reply: reply.pop("signatureProtocol"),
        in_signature(value="***"),
    ],
)
async def test_not_the_protocol(simulator: Phones, address: EIDAddress, shown: Shown, change: Any) -> None:
    """An answer of another form is the service's fault and never a crash."""
    simulator.behaviour = Behaviour(change=change)
    with pytest.raises(IdentityServiceError):
        await credential(address, shown).sign(SIGNING_INPUT)
