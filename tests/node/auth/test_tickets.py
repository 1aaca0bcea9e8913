# SPDX-License-Identifier: MIT
"""Tickets and certificates: what a node accepts, and every way to be refused."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.people import Person, TestCA

from osak.node.auth.base import Evidence
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.sd_jwt import SDJWTAuthenticator
from osak.node.errors import CertificateRefusedError, TicketRefusedError
from osak.shares.protocol.strict_json import decode_base64url, encode_base64url
from osak.shares.protocol.urls import Audience, ServerURL

NOW = datetime.now(UTC)
CA = TestCA()
PERSON = CA.issue()
RSA_KEY = rsa.generate_private_key(65537, 4096)
HERE = Audience(ServerURL("node.example", 8443), "ab" * 16, "A" * 22)
THERE = Audience(ServerURL("other.example", 443), "cd" * 16, "B" * 22)


def authenticator(*anchors: TestCA, intermediates: tuple[TestCA, ...] = ()) -> SDJWTAuthenticator:
    return SDJWTAuthenticator(
        CertificateVerifier(
            [ca.certificate for ca in anchors or (CA,)], [ca.certificate for ca in intermediates]
        )
    )


def accepted(person: Person, ticket: str | None = None, x5c: str | None = None, now: datetime = NOW) -> None:
    evidence = Evidence(ticket or person.ticket(HERE, THERE), x5c or person.x5c)
    principal = authenticator().authenticate(evidence, now)
    assert principal.recipient_id == person.recipient_id
    assert principal.audience == HERE


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        RSA_KEY,
    ],
    ids=["ES256", "ES384", "ES512", "RS256"],
)
def test_algorithms(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    """Mobile-ID, ID-card and Smart-ID signatures open, with either spelling of the certificate."""
    person = CA.issue(key=key)
    accepted(person)
    accepted(person, x5c=person.x5c_base64url)


def test_pss() -> None:
    """An RSA key may sign with PSS too."""
    person = CA.issue(key=RSA_KEY)
    draft = person.draft(HERE, algorithm="PS256")
    accepted(person, draft.present(person.sign(draft.signing_input, pss=True), 0))


def test_upstream_spelling() -> None:
    """A ticket with the structure of upstream samples: RS256, two servers, the equals sign escaped."""
    person = CA.issue(key=RSA_KEY)
    accepted(person, rebuilt(person, HERE, THERE, spell=lambda text: text.replace("=", "\\u003d")))


def rebuilt(
    person: Person,
    *audiences: Audience,
    spell: Callable[[str], str] = lambda text: text,
    header: dict[str, object] | None = None,
    body: dict[str, object] | None = None,
    shown: tuple[int, ...] = (0,),
) -> str:
    """A ticket built step by step, so that each step can go wrong."""
    import hashlib  # noqa: PLC0415 - only here

    def disclose(value: list[object]) -> str:
        return encode_base64url(spell(json.dumps(value, separators=(",", ":"))).encode())

    def digest(text: str) -> str:
        return encode_base64url(hashlib.sha256(text.encode()).digest())

    elements = [disclose([f"saltsaltsalt{number:010}", str(one)]) for number, one in enumerate(audiences)]
    listed = disclose(["saltsaltsaltsaltsaltsa", "aud", [{"...": digest(element)} for element in elements]])
    head = {"typ": "vnd.cdoc2.auth-token.v1+sd-jwt", "alg": person.algorithm, **(header or {})}
    claims = {"iss": person.recipient_id, "_sd": [digest(listed)], "_sd_alg": "sha-256", **(body or {})}
    signing_input = ".".join(encode_base64url(json.dumps(part).encode()) for part in (head, claims))
    signature = encode_base64url(person.sign(signing_input.encode()))
    return "~".join([f"{signing_input}.{signature}", listed, *(elements[number] for number in shown), ""])


def test_rebuilt_is_a_good_ticket() -> None:
    """The builder of faulty tickets makes a good one when nothing is wrong."""
    accepted(PERSON, rebuilt(PERSON, HERE, THERE))


def swap_signature(ticket: str, signature: bytes) -> str:
    token, rest = ticket.split("~", 1)
    return f"{token.rsplit('.', 1)[0]}.{encode_base64url(signature)}~{rest}"


def other_body(ticket: str) -> str:
    token, rest = ticket.split("~", 1)
    head, body, signature = token.split(".")
    changed = decode_base64url(body).replace(b'"iss":', b'"iss": ')
    return f"{head}.{encode_base64url(changed)}.{signature}~{rest}"


GOOD = PERSON.ticket(HERE, THERE)
STRANGER = TestCA("stranger").issue()
BAD_TICKETS = {
    "no final tilde": GOOD.removesuffix("~"),
    "one more disclosure": GOOD + GOOD.split("~")[2] + "~",
    "unreferenced disclosure": GOOD.rsplit("~", 2)[0] + "~" + PERSON.ticket(HERE).split("~")[2] + "~",
    "two audiences shown": rebuilt(PERSON, HERE, THERE, shown=(0, 1)),
    "no audience shown": rebuilt(PERSON, HERE, THERE, shown=()),
    "alg none": rebuilt(PERSON, HERE, header={"alg": "none"}),
    "alg HS256": rebuilt(PERSON, HERE, header={"alg": "HS256"}),
    "alg of another curve": rebuilt(PERSON, HERE, header={"alg": "ES384"}),
    "alg of another family": rebuilt(PERSON, HERE, header={"alg": "RS256"}),
    "a key in the header": rebuilt(PERSON, HERE, header={"jwk": {}}),
    "crit": rebuilt(PERSON, HERE, header={"crit": ["b64"]}),
    "another typ": rebuilt(PERSON, HERE, header={"typ": "JWT"}),
    "another _sd_alg": rebuilt(PERSON, HERE, body={"_sd_alg": "sha-512"}),
    "an aud in the open": rebuilt(PERSON, HERE, body={"aud": [str(HERE)]}),
    "another person's iss": rebuilt(PERSON, HERE, body={"iss": "etsi/PNOEE-38001085718"}),
    "signed by another key": swap_signature(GOOD, STRANGER.sign(b"x")),
    "empty signature": swap_signature(GOOD, b""),
    "zero signature": swap_signature(GOOD, bytes(64)),
    "changed body": other_body(GOOD),
    "empty": "",
    "not a ticket": "~~~",
}


@pytest.mark.parametrize("fault", BAD_TICKETS)
def test_bad_tickets(fault: str) -> None:
    """Every faulty ticket is refused, whatever the fault."""
    with pytest.raises(TicketRefusedError):
        authenticator().authenticate(Evidence(BAD_TICKETS[fault], PERSON.x5c), NOW)


BAD_PEOPLE = {
    "foreign authority": STRANGER,
    "same name, other key": TestCA().issue(),
    "non-repudiation": CA.issue(usages=("content_commitment",)),
    "both usages": CA.issue(usages=("digital_signature", "content_commitment")),
    "no digitalSignature": CA.issue(usages=("key_agreement",)),
    "no keyUsage": CA.issue(usages=None),
    "expired": CA.issue(not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(seconds=5)),
    "not yet valid": CA.issue(not_before=NOW + timedelta(hours=1)),
    "two numbers": CA.issue(serial_numbers=("PNOEE-30303039914", "PNOEE-38001085718")),
    "no number": CA.issue(serial_numbers=()),
    "odd number": CA.issue("30303039914"),
}


@pytest.mark.parametrize("fault", BAD_PEOPLE)
def test_bad_certificates(fault: str) -> None:
    """Every certificate that is not a valid authentication certificate of a known CA is refused."""
    person = BAD_PEOPLE[fault]
    with pytest.raises(CertificateRefusedError):
        authenticator().authenticate(Evidence(GOOD, person.x5c), NOW)


@pytest.mark.parametrize("x5c", ["", "AAAA", "%%%", "-----BEGIN CERTIFICATE----------END CERTIFICATE-----"])
def test_no_certificate(x5c: str) -> None:
    """What is no certificate is refused."""
    with pytest.raises(CertificateRefusedError):
        authenticator().authenticate(Evidence(GOOD, x5c), NOW)


def test_leaf_issued_by_a_leaf() -> None:
    """A person cannot vouch for another person."""
    false_ca = TestCA("TESTNUMBER,OK")
    false_ca.key, false_ca.name = ec.generate_private_key(ec.SECP256R1()), PERSON.certificate.subject
    victim = false_ca.issue("PNOEE-38001085718")
    verifier = CertificateVerifier([CA.certificate], [PERSON.certificate])
    with pytest.raises(CertificateRefusedError):
        SDJWTAuthenticator(verifier).authenticate(Evidence(victim.ticket(HERE), victim.x5c), NOW)


def test_intermediate() -> None:
    """A CA below an anchor is taken from the configuration, and only from there."""
    below = TestCA("below", issuer=CA)
    person = below.issue()
    evidence = Evidence(person.ticket(HERE), person.x5c)
    assert authenticator(CA, intermediates=(below,)).authenticate(evidence, NOW).audience == HERE
    assert authenticator(below).authenticate(evidence, NOW).audience == HERE
    with pytest.raises(CertificateRefusedError):
        authenticator(CA).authenticate(evidence, NOW)


def test_expiry_is_checked_on_every_use() -> None:
    """A remembered certificate is refused as soon as it has expired."""
    person = CA.issue(not_after=NOW + timedelta(seconds=100))
    node, evidence = authenticator(), Evidence(person.ticket(HERE), person.x5c)
    node.authenticate(evidence, NOW)
    with pytest.raises(CertificateRefusedError):
        node.authenticate(evidence, NOW + timedelta(seconds=101))


def test_nothing_secret_in_errors() -> None:
    """No refusal repeats the ticket or the person's number."""
    for ticket in BAD_TICKETS.values():
        with pytest.raises(TicketRefusedError) as caught:
            authenticator().authenticate(Evidence(ticket, PERSON.x5c), NOW)
        assert "30303039914" not in str(caught.value)
        assert HERE.nonce not in str(caught.value)
