# SPDX-License-Identifier: MIT
"""Smart-ID against its simulator: the question, the code, every outcome, and answers not to be believed."""

import asyncio
import base64
import datetime as dt
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from factories.people import TestCA
from simulator.phones_beside import Shown

from osak.client.identity.errors import BadSignatureError, IdentityServiceError, RefusedSignatureError
from osak.client.identity.settings import SmartIDSettings
from osak.client.identity.smart_id import SmartIDCredential
from osak.client.identity.smart_id_answers import verification_code
from osak.client.simulator.authority import Authority
from osak.client.simulator.people import SMART_ID_PEOPLE, SMART_ID_PERSON, SMART_ID_RESULTS
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import EIDAddress
from osak.coordinator import CredentialError, Timeouts

PERSON = f"etsi/{SMART_ID_PERSON}"
SIGNING_INPUT = b"eyJ0eXAi.eyJpc3Mi"


def credential(
    address: EIDAddress, shown: Shown, *, person: str = PERSON, file_name: str = "kiri.cdoc2", **settings: Any
) -> SmartIDCredential:
    return SmartIDCredential(
        person,
        SmartIDSettings.model_validate(address.settings("smart_id", **settings)),
        shown,
        Timeouts(),
        file_name=file_name,
        pause_seconds=0,
    )


@pytest.fixture
def shown(simulator: Phones) -> Shown:
    return Shown(simulator)


async def test_signs(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """One question, one signature by the person's key over exactly what was to be signed."""
    signed = await credential(address, shown).sign(SIGNING_INPUT)
    assert signed.certificate_der == simulator.smart_id_person.der
    public = simulator.smart_id_person.key.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(signed.signature, SIGNING_INPUT, padding.PKCS1v15(), hashes.SHA256())
    assert len(simulator.questions) == 1


async def test_the_question(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """It carries the hash and shows the file's name; choosing the code comes before just a PIN."""
    await credential(address, shown).sign(SIGNING_INPUT)
    (question,) = simulator.questions
    assert base64.b64decode(question["hash"]) == hashlib.sha256(SIGNING_INPUT).digest()
    assert question["certificateLevel"] == "QUALIFIED"
    assert [each["type"] for each in question["allowedInteractionsOrder"]] == [
        "confirmationMessageAndVerificationCodeChoice",
        "verificationCodeChoice",
        "displayTextAndPIN",
    ]
    assert question["allowedInteractionsOrder"][0]["displayText200"] == "Open kiri.cdoc2"


async def test_the_code_comes_first(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """The code is shown before the service is asked, so that nobody confirms what they cannot compare."""
    await credential(address, shown).sign(SIGNING_INPUT)
    assert shown.codes == [("Smart-ID", verification_code(hashlib.sha256(SIGNING_INPUT).digest()), 0)]
    assert shown.waits == 1


def test_the_code_of_the_example() -> None:
    """The code of the worked example that other implementations agree on."""
    digest = bytes.fromhex("f65accd958453e9a8ea004952e6fbc0c9c94a9be83a3dc5d73ed6ca5b9e043f3")
    assert verification_code(digest) == "5634"


async def test_patience(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """While the session runs the outcome is asked for again; the question is not."""
    simulator.behaviour = Behaviour(running=3)
    await credential(address, shown).sign(SIGNING_INPUT)
    assert (simulator.polls, len(simulator.questions)) == (4, 1)


async def test_long_file_name(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """A name that does not fit is shortened in its middle; the service takes every length."""
    await credential(address, shown, file_name="a" * 150 + "b" * 150 + ".cdoc2").sign(SIGNING_INPUT)
    texts = [
        each.get("displayText200") or each["displayText60"]
        for each in simulator.questions[0]["allowedInteractionsOrder"]
    ]
    assert [len(text) for text in texts] == [200, 60, 60]
    assert all(text.startswith("Open aaa") and text.endswith("b.cdoc2") for text in texts)


@pytest.mark.parametrize("result", [*SMART_ID_RESULTS, "SOMETHING_NEW"])
async def test_ends_without_a_signature(
    simulator: Phones, address: EIDAddress, shown: Shown, result: str
) -> None:
    """Every end result is a sentence and a stable reason, and a ``CredentialError`` for the collection."""
    simulator.behaviour = Behaviour(result=result)
    with pytest.raises(RefusedSignatureError) as caught:
        await credential(address, shown).sign(SIGNING_INPUT)
    assert isinstance(caught.value, CredentialError)
    expected = {
        "TIMEOUT": "timeout",
        "DOCUMENT_UNUSABLE": "unusable",
        "WRONG_VC": "wrong-code",
        "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP": "app-too-old",
        "SOMETHING_NEW": "failed",
    }
    assert caught.value.reason == expected.get(result, "refused")
    assert result not in str(caught.value)


@pytest.mark.parametrize(("person", "result"), SMART_ID_PEOPLE.items(), ids=SMART_ID_PEOPLE.values())
async def test_people_of_the_demo(address: EIDAddress, shown: Shown, person: str, result: str) -> None:
    """The demo service's people sign or fail as they are known to."""
    asking = credential(address, shown, person=f"etsi/{person}")
    if result == "OK":
        assert person.encode() in (await asking.sign(SIGNING_INPUT)).certificate_der
        return
    with pytest.raises(RefusedSignatureError) as caught:
        await asking.sign(SIGNING_INPUT)
    assert caught.value.reason == {"WRONG_VC": "wrong-code", "TIMEOUT": "timeout"}.get(result, "refused")


async def test_nobody_of_that_name(address: EIDAddress, shown: Shown) -> None:
    """A person without an account is told as such."""
    with pytest.raises(RefusedSignatureError, match="does not know this person") as caught:
        await credential(address, shown, person="etsi/PNOEE-48010010101").sign(SIGNING_INPUT)
    assert caught.value.reason == "not-found"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "error"),
        (401, "relying party"),
        (403, "relying party"),
        (480, "version"),
        (500, "error"),
        (580, "maintained"),
    ],
)
async def test_the_service_is_to_blame(
    simulator: Phones, address: EIDAddress, shown: Shown, status: int, said: str
) -> None:
    """HTTP statuses that say nothing about the person are the service's failures."""
    simulator.behaviour = Behaviour(status=status)
    with pytest.raises(IdentityServiceError, match=said):
        await credential(address, shown).sign(SIGNING_INPUT)


@pytest.mark.parametrize(("status", "said"), [(471, "no Smart-ID account"), (472, "portal")])
async def test_the_person_cannot(
    simulator: Phones, address: EIDAddress, shown: Shown, status: int, said: str
) -> None:
    """HTTP statuses about the person's account are told as such."""
    simulator.behaviour = Behaviour(status=status)
    with pytest.raises(RefusedSignatureError, match=said):
        await credential(address, shown).sign(SIGNING_INPUT)


async def test_another_relying_party(address: EIDAddress, shown: Shown) -> None:
    """Settings that the service does not know lead to the settings."""
    with pytest.raises(IdentityServiceError) as caught:
        await credential(address, shown, relying_party_name="NOBODY").sign(SIGNING_INPUT)
    assert "relying_party_name" in caught.value.hint


def another_signature(reply: dict[str, Any]) -> None:
    value = bytearray(base64.b64decode(reply["signature"]["value"]))
    value[-1] ^= 1
    reply["signature"]["value"] = base64.b64encode(value).decode()


def certificate_of(authority: TestCA | Authority, **issue: Any) -> Any:
    """A change that puts another certificate into the reply, for the same key."""
    issuer = TestCA.twin(authority) if isinstance(authority, Authority) else authority

    def change(reply: dict[str, Any]) -> None:
        person = issuer.issue(issue.pop("serial_number", SMART_ID_PERSON), **issue)
        reply["cert"]["value"] = base64.b64encode(person.der).decode()

    return change


@pytest.mark.parametrize(
    ("issue", "said"),
    [
        ({"serial_number": "PNOEE-40504040001"}, "somebody else"),
        ({"usages": ("content_commitment",)}, "not for authentication"),
        ({"usages": None}, "not for authentication"),
        ({"not_after": dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)}, "not valid now"),
        ({"not_before": dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)}, "not valid now"),
        ({"key": rsa.generate_private_key(65537, 2048)}, "not by the key"),
        ({}, "not RSA"),
    ],
    ids=["somebody else", "for signing", "no usage", "ended", "not begun", "another key", "EC"],
)
async def test_wrong_certificates(
    simulator: Phones, address: EIDAddress, shown: Shown, issue: dict[str, Any], said: str
) -> None:
    """A certificate that servers would refuse is refused here, before any server sees it."""
    if "key" not in issue and said != "not RSA":
        issue = {"key": simulator.smart_id_person.key, **issue}
    simulator.behaviour = Behaviour(change=certificate_of(simulator.authority, **issue))
    with pytest.raises(BadSignatureError, match=said):
        await credential(address, shown).sign(SIGNING_INPUT)


async def test_another_authority(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """The right name from an authority that is not configured is nobody."""
    forged = certificate_of(TestCA(), key=simulator.smart_id_person.key)
    simulator.behaviour = Behaviour(change=forged)
    with pytest.raises(BadSignatureError, match="authorities"):
        await credential(address, shown).sign(SIGNING_INPUT)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (another_signature, "not by the key"),
        (lambda reply: reply["signature"].update(algorithm="sha512WithRSAEncryption"), "another algorithm"),
        (lambda reply: reply["cert"].update(certificateLevel="ADVANCED"), "lower level"),
        (lambda reply: reply["cert"].update(value=base64.b64encode(b"x").decode()), "cannot be read"),
    ],
    ids=["signature", "algorithm", "level", "certificate"],
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
        lambda reply: reply.update(result="OK"),
        lambda reply: reply.pop("signature"),
        lambda reply: reply.pop("cert"),
        lambda reply: reply["signature"].update(value="***"),
        lambda reply: reply.update(state="ASLEEP"),
        lambda reply: reply.update(padding="x" * 70000),
    ],
    ids=["no result", "flat result", "no signature", "no certificate", "no base64", "no state", "endless"],
)
async def test_not_the_protocol(simulator: Phones, address: EIDAddress, shown: Shown, change: Any) -> None:
    """An answer of another form is the service's fault and never a crash."""
    simulator.behaviour = Behaviour(change=change)
    with pytest.raises(IdentityServiceError):
        await credential(address, shown).sign(SIGNING_INPUT)


async def test_unreachable(shown: Shown, address: EIDAddress) -> None:
    """A service that is not there is told as such."""
    url = "https://127.0.0.1:1/smart-id-rp/v2"
    with pytest.raises(IdentityServiceError, match="Smart-ID could not be reached"):
        await credential(address, shown, url=url).sign(SIGNING_INPUT)


async def test_untrusted(simulator: Phones, shown: Shown, address: EIDAddress) -> None:
    """A service with another certificate is not asked."""
    with pytest.raises(IdentityServiceError, match="not trusted"):
        await credential(address, shown, tls={"pin_sha256": base64.b64encode(bytes(32)).decode()}).sign(
            SIGNING_INPUT
        )
    assert simulator.questions == []


async def test_cancelled(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """Somebody who stops waiting waits no longer, and every connection is closed."""
    simulator.behaviour = Behaviour(answers=asyncio.Event())
    signing = asyncio.create_task(credential(address, shown).sign(SIGNING_INPUT))
    await simulator.polled.wait()
    signing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await signing


async def test_anchors_that_are_none(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """Before anybody is asked the configured authorities are read."""
    address.anchors.write_text("nothing")
    with pytest.raises(IdentityServiceError, match="expected CA certificates"):
        await credential(address, shown).sign(SIGNING_INPUT)
    assert simulator.questions == []
