# SPDX-License-Identifier: MIT
"""Tickets that an app signed through Smart-ID's version 3: for whom, over what, and every refusal."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from factories.people import TestCA

from osak.node.auth.base import Evidence
from osak.node.auth.certificates import CertificateVerifier
from osak.node.auth.sd_jwt import SDJWTAuthenticator
from osak.node.auth.smart_id import SmartIDVerifier
from osak.node.errors import TicketRefusedError
from osak.shares.protocol.smart_id import RelyingParty, SignatureParameters, interactions_digest
from osak.shares.protocol.strict_json import encode_base64
from osak.shares.protocol.urls import Audience, ServerURL

NOW = datetime.now(UTC)
CA = TestCA()
APP = CA.issue(key=rsa.generate_private_key(65537, 2048))
HERE = Audience(ServerURL("node.example", 8443), "ab" * 16, "A" * 22)
BANK = RelyingParty("Some bank")
OSAK = RelyingParty("RIA", "smart-id-demo", "osak")
PARAMETERS = SignatureParameters(
    interactions_digest("W10="), "displayTextAndPIN", encode_base64(bytes(24)), "A" * 43, "Notification"
)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def node(
    *relying_parties: RelyingParty, flow_types: tuple[str, ...] = ("Notification",)
) -> SDJWTAuthenticator:
    verifier = CertificateVerifier([CA.certificate])
    return SDJWTAuthenticator(verifier, SmartIDVerifier(relying_parties, flow_types))


def evidence(
    signed_for: RelyingParty = OSAK,
    *,
    signed: SignatureParameters = PARAMETERS,
    sent: SignatureParameters | None = None,
    algorithm: str = "PS256",
) -> Evidence:
    """A ticket by the app; ``sent`` are the parameters that come with it."""
    draft = APP.draft(HERE, algorithm=algorithm)
    assert isinstance(APP.key, rsa.RSAPrivateKey)
    signature = APP.key.sign(signed.signed_text(draft.signing_input, signed_for), PSS, hashes.SHA256())
    return Evidence(draft.present(signature, 0), APP.x5c_base64url, (sent or signed).to_header())


def test_for_a_known_relying_party() -> None:
    """A ticket that was signed for any of the configured relying parties opens."""
    for relying_party in (OSAK, BANK):
        principal = node(BANK, OSAK).authenticate(evidence(relying_party), NOW)
        assert principal.recipient_id == APP.recipient_id
        assert principal.audience == HERE


def test_a_login_elsewhere() -> None:
    """Who lets people log in elsewhere can choose the challenge, but not the name in the text."""
    with pytest.raises(TicketRefusedError, match="known relying party"):
        node(OSAK).authenticate(evidence(BANK), NOW)


@pytest.mark.parametrize(
    "other",
    [
        RelyingParty("RIA", "smart-id", "osak"),
        RelyingParty("RIA", "smart-id-demo"),
        RelyingParty("ria", "smart-id-demo", "osak"),
    ],
    ids=["scheme", "brokered name", "spelling"],
)
def test_every_part_of_the_name_counts(other: RelyingParty) -> None:
    """The demo's scheme, another broker or spelling are another relying party."""
    with pytest.raises(TicketRefusedError):
        node(OSAK).authenticate(evidence(other), NOW)


def test_not_configured() -> None:
    """A node whose operator names no relying party takes no such ticket."""
    with pytest.raises(TicketRefusedError, match=r"trust\.smart_id"):
        node().authenticate(evidence(), NOW)


@pytest.mark.parametrize(
    "sent",
    [
        replace(PARAMETERS, server_random=encode_base64(bytes(25))),
        replace(PARAMETERS, user_challenge="B" * 43),
        replace(PARAMETERS, interactions_digest=interactions_digest("W11=")),
        replace(PARAMETERS, interaction_type_used="confirmationMessage"),
    ],
)
def test_every_parameter_is_signed(sent: SignatureParameters) -> None:
    """Parameters other than those that were signed are refused."""
    with pytest.raises(TicketRefusedError):
        node(OSAK).authenticate(evidence(sent=sent), NOW)


def test_flows() -> None:
    """A flow that the operator does not name is refused though the signature is good."""
    by_code = replace(PARAMETERS, flow_type="QR")
    with pytest.raises(TicketRefusedError, match="flow QR"):
        node(OSAK).authenticate(evidence(signed=by_code), NOW)
    node(OSAK, flow_types=("Notification", "QR")).authenticate(evidence(signed=by_code), NOW)


def test_the_two_kinds_are_not_mixed() -> None:
    """With parameters the ticket's own bytes are no signed text; without them the text is none."""
    draft = APP.draft(HERE, algorithm="PS256")
    plain = Evidence(draft.present(APP.sign(draft.signing_input, pss=True), 0), APP.x5c)
    node(OSAK).authenticate(plain, NOW)
    with pytest.raises(TicketRefusedError):
        node(OSAK).authenticate(replace(plain, smart_id_parameters=PARAMETERS.to_header()), NOW)
    with pytest.raises(TicketRefusedError):
        node(OSAK).authenticate(replace(evidence(), smart_id_parameters=None), NOW)


def test_only_ps256() -> None:
    """A ticket that names another algorithm in its header is refused."""
    with pytest.raises(TicketRefusedError, match="PS256"):
        node(OSAK).authenticate(evidence(algorithm="RS256"), NOW)


def test_a_key_of_another_kind() -> None:
    """Apps have RSA keys: a certificate with another never fits."""
    person = CA.issue()
    draft = person.draft(HERE, algorithm="PS256")
    given = Evidence(draft.present(bytes(256), 0), person.x5c, PARAMETERS.to_header())
    with pytest.raises(TicketRefusedError, match="RSA"):
        node(OSAK).authenticate(given, NOW)


def test_malformed_parameters_are_not_quoted() -> None:
    """A header of another form is refused, and nothing of it reaches the log."""
    with pytest.raises(TicketRefusedError) as caught:
        node(OSAK).authenticate(replace(evidence(), smart_id_parameters="secret!"), NOW)
    assert "secret" not in str(caught.value)
