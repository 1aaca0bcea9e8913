# SPDX-License-Identifier: MIT
"""Mobile-ID against its simulator: the question, the code, every outcome, and answers not to be believed."""

import base64
import hashlib
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from factories.people import TestCA
from simulator.phones_beside import Shown

from osak.client.identity.errors import BadSignatureError, IdentityServiceError, RefusedSignatureError
from osak.client.identity.mobile_id import MobileIDCredential, check_phone_number, verification_code
from osak.client.identity.settings import MobileIDSettings
from osak.client.simulator.people import MOBILE_ID_PEOPLE, MOBILE_ID_PERSON
from osak.client.simulator.phones import Behaviour, Phones
from osak.client.simulator.serving import EIDAddress
from osak.coordinator import Timeouts

SIGNING_INPUT = b"eyJ0eXAi.eyJpc3Mi"


@pytest.fixture
def shown(simulator: Phones) -> Shown:
    return Shown(simulator)


def credential(
    address: EIDAddress,
    shown: Shown,
    *,
    person: tuple[str, str] = MOBILE_ID_PERSON,
    file_name: str = "kiri.cdoc2",
    **settings: Any,
) -> MobileIDCredential:
    code, phone_number = person
    return MobileIDCredential(
        f"etsi/PNOEE-{code}",
        phone_number,
        MobileIDSettings.model_validate(address.settings("mobile_id", **settings)),
        shown,
        Timeouts(),
        file_name=file_name,
        pause_seconds=0,
    )


async def test_signs(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """One question, one signature by the person's key over exactly what was to be signed."""
    signed = await credential(address, shown).sign(SIGNING_INPUT)
    assert signed.certificate_der == simulator.mobile_id_person.der
    public = simulator.mobile_id_person.key.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    numbers = int.from_bytes(signed.signature[:32]), int.from_bytes(signed.signature[32:])
    public.verify(encode_dss_signature(*numbers), SIGNING_INPUT, ec.ECDSA(hashes.SHA256()))
    assert len(simulator.questions) == 1


async def test_the_question(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """It names phone and person, carries the hash, and shows the file's name in the phone's language."""
    await credential(address, shown, language="ENG", display_text="Ava {file}").sign(SIGNING_INPUT)
    (question,) = simulator.questions
    assert base64.b64decode(question["hash"]) == hashlib.sha256(SIGNING_INPUT).digest()
    assert (question["nationalIdentityNumber"], question["phoneNumber"]) == MOBILE_ID_PERSON
    assert (question["displayText"], question["displayTextFormat"]) == ("Ava kiri.cdoc2", "GSM-7")
    assert question["language"] == "ENG"


async def test_codes_with_a_hyphen(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """Codes of other countries may have a hyphen of their own: it is part of the code."""
    asking = MobileIDCredential(
        "etsi/PNOLV-329999-99901",
        "+37120000000",
        MobileIDSettings.model_validate(address.settings("mobile_id")),
        shown,
        Timeouts(),
        file_name="x",
        pause_seconds=0,
    )
    with pytest.raises(RefusedSignatureError):
        await asking.sign(SIGNING_INPUT)
    assert simulator.questions[0]["nationalIdentityNumber"] == "329999-99901"


async def test_letters_that_take_more_room(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """A name with letters outside of GSM's seven bits is sent as UCS-2, and half as much of it fits."""
    await credential(address, shown, file_name="õunapuu " * 10 + ".cdoc2").sign(SIGNING_INPUT)
    (question,) = simulator.questions
    assert question["displayTextFormat"] == "UCS-2"
    assert len(question["displayText"]) == 20


async def test_the_oldest_phone_shows_the_whole_text(
    simulator: Phones, address: EIDAddress, shown: Shown
) -> None:
    """Of a long name in seven bits no more is sent than every version of the service takes."""
    await credential(address, shown, file_name="leping" * 20 + ".cdoc2").sign(SIGNING_INPUT)
    assert len(simulator.questions[0]["displayText"]) <= 40


async def test_the_simulator_takes_what_the_official_client_asks(
    simulator: Phones, address: EIDAddress
) -> None:
    """Texts of up to 100 characters, as the service; and the certificate has every part of the name."""
    settings = address.settings("mobile_id")
    code, phone_number = MOBILE_ID_PERSON
    question = {
        "relyingPartyUUID": settings["relying_party_uuid"],
        "relyingPartyName": settings["relying_party_name"],
        "nationalIdentityNumber": code,
        "phoneNumber": phone_number,
        "hash": base64.b64encode(bytes(32)).decode(),
        "hashType": "SHA256",
        "language": "ENG",
        "displayText": "Authenticate to decrypt CDOC2 document".ljust(100, "x"),
        "displayTextFormat": "GSM-7",
    }
    statuses = []
    async with ClientSession(connector=TCPConnector(ssl=False)) as session:
        for more in ("", "x"):
            asked = {**question, "displayText": question["displayText"] + more}
            async with session.post(f"{settings['url']}/authentication", json=asked) as reply:
                statuses.append(reply.status)
    assert statuses == [200, 400]
    subject = simulator.mobile_id_person.certificate.subject.rfc4514_string()
    assert subject == "2.5.4.5=PNOEE-60001017869,2.5.4.42=OK,2.5.4.4=TESTNUMBER,CN=TESTNUMBER\\,OK,C=EE"


async def test_the_code_comes_first(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """The code is shown before the service is asked, so that nobody confirms what they cannot compare."""
    await credential(address, shown).sign(SIGNING_INPUT)
    assert shown.codes == [("Mobile-ID", verification_code(hashlib.sha256(SIGNING_INPUT).digest()), 0)]
    assert shown.waits == 1


def test_the_code_of_the_example() -> None:
    """The code of the worked example that other implementations agree on."""
    digest = bytes.fromhex("f65accd958453e9a8ea004952e6fbc0c9c94a9be83a3dc5d73ed6ca5b9e043f3")
    assert verification_code(digest) == "7923"


async def test_patience(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """While the session runs the outcome is asked for again; the question is not."""
    simulator.behaviour = Behaviour(running=3)
    await credential(address, shown).sign(SIGNING_INPUT)
    assert (simulator.polls, len(simulator.questions)) == (4, 1)


REASONS = {
    "NOT_MID_CLIENT": "not-found",
    "USER_CANCELLED": "refused",
    "SIGNATURE_HASH_MISMATCH": "unusable",
    "PHONE_ABSENT": "unreachable",
    "DELIVERY_ERROR": "unreachable",
    "SIM_ERROR": "unusable",
    "TIMEOUT": "timeout",
    "EXPIRED_TRANSACTION": "timeout",
    "SOMETHING_NEW": "failed",
}


FAILURES = {person: result for person, result in MOBILE_ID_PEOPLE.items() if result != "OK"}


@pytest.mark.parametrize(("person", "result"), FAILURES.items(), ids=FAILURES.values())
async def test_people_who_fail(
    address: EIDAddress, shown: Shown, person: tuple[str, str], result: str
) -> None:
    """The demo service's people for failures fail as they should."""
    with pytest.raises(RefusedSignatureError) as caught:
        await credential(address, shown, person=person).sign(SIGNING_INPUT)
    assert caught.value.reason == REASONS[result]


@pytest.mark.parametrize("person", sorted(MOBILE_ID_PEOPLE.keys() - FAILURES.keys()))
async def test_people_who_sign(address: EIDAddress, shown: Shown, person: tuple[str, str]) -> None:
    """The demo service's other people sign with certificates of their own."""
    signed = await credential(address, shown, person=person).sign(SIGNING_INPUT)
    assert person[0].encode() in signed.certificate_der


@pytest.mark.parametrize("result", REASONS)
async def test_ends_without_a_signature(
    simulator: Phones, address: EIDAddress, shown: Shown, result: str
) -> None:
    """Every result is a sentence and a stable reason."""
    simulator.behaviour = Behaviour(result=result)
    with pytest.raises(RefusedSignatureError) as caught:
        await credential(address, shown).sign(SIGNING_INPUT)
    assert caught.value.reason == REASONS[result]
    assert result not in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
async def test_statuses(simulator: Phones, address: EIDAddress, shown: Shown, status: int) -> None:
    """An HTTP error is the service's failure."""
    simulator.behaviour = Behaviour(status=status)
    with pytest.raises(IdentityServiceError):
        await credential(address, shown).sign(SIGNING_INPUT)


def changed_signature(reply: dict[str, Any], value: bytes) -> None:
    reply["signature"]["value"] = base64.b64encode(value).decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda reply: changed_signature(reply, bytes(63)), "form"),
        (lambda reply: changed_signature(reply, bytes(64)), "not by the key"),
        (lambda reply: changed_signature(reply, b"\x01" * 64), "not by the key"),
    ],
    ids=["too short", "zeroes", "another"],
)
async def test_wrong_signatures(
    simulator: Phones, address: EIDAddress, shown: Shown, change: Any, said: str
) -> None:
    """A signature that is not by the person's key is not taken."""
    simulator.behaviour = Behaviour(change=change)
    with pytest.raises(BadSignatureError, match=said):
        await credential(address, shown).sign(SIGNING_INPUT)


async def test_another_curve(simulator: Phones, address: EIDAddress, shown: Shown) -> None:
    """A certificate whose key could not have made an ES256 signature is not taken."""
    person = TestCA.twin(simulator.authority).issue(
        f"PNOEE-{MOBILE_ID_PERSON[0]}", key=ec.generate_private_key(ec.SECP384R1())
    )
    encoded = base64.b64encode(person.der).decode()
    simulator.behaviour = Behaviour(change=lambda reply: reply.update(cert=encoded))
    with pytest.raises(BadSignatureError, match="P-256"):
        await credential(address, shown).sign(SIGNING_INPUT)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+37268000769", "+37268000769"),
        ("+372 6800 0769", "+37268000769"),
        ("+372-(68)000769", "+37268000769"),
    ],
)
def test_phone_numbers(typed: str, number: str) -> None:
    """What people write between the digits does no harm."""
    assert check_phone_number(typed) == number


@pytest.mark.parametrize("typed", ["68000769", "37268000769", "+372", "", "+372x8000769", "+" + "1" * 31])
def test_no_phone_numbers(typed: str) -> None:
    """Without a country's code nobody can be called; the error shows how it looks."""
    with pytest.raises(ValueError, match=r"\+372"):
        check_phone_number(typed)
