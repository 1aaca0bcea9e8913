# SPDX-License-Identifier: MIT
"""Labels of certificates: Estonian cards are called what official tools call them, and nothing else is."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from osak.client.container import ECCapsule, PublicKeyRecipient, key_label
from osak.client.container.certificate_label import certificate_label
from osak.client.container.recipients.public_key import public_key_bytes
from osak.client.record_words import owner

KEY = ec.generate_private_key(ec.SECP384R1())
ID_CARD = "1.3.6.1.4.1.51361.1.1.1"
HOLDER = {
    NameOID.COUNTRY_NAME: "EE",
    NameOID.COMMON_NAME: "JÕEORG,JAAK-KRISTJAN,38001085718",
    NameOID.SURNAME: "JÕEORG",
    NameOID.GIVEN_NAME: "JAAK-KRISTJAN",
    NameOID.SERIAL_NUMBER: "PNOEE-38001085718",
}
"""The subject of the official test card."""


def certificate(
    *policies: str, subject: dict[x509.ObjectIdentifier, str] = HOLDER, number: int = 1
) -> x509.Certificate:
    """A certificate with these policies."""
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject.items()])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(x509.Name([]))
        .public_key(KEY.public_key())
        .serial_number(number)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    )
    if policies:
        found = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None) for policy in policies]
        builder = builder.add_extension(x509.CertificatePolicies(found), critical=False)
    return builder.sign(KEY, hashes.SHA256())


def kind(made: x509.Certificate) -> str:
    """The type that the label says."""
    return key_label.fields(certificate_label(made, "jaak.pem"))["type"]


def test_an_id_card() -> None:
    """The label has the fields of the specification, and a digest that tells an old card from a new one."""
    made = certificate(ID_CARD, "0.4.0.2042.1.2")
    assert key_label.fields(certificate_label(made, "jaak.pem")) == {
        "v": "1",
        "type": "ID-card",
        "cn": "JÕEORG,JAAK-KRISTJAN,38001085718",
        "serial_number": "PNOEE-38001085718",
        "last_name": "JÕEORG",
        "first_name": "JAAK-KRISTJAN",
        "cert_sha1": made.fingerprint(hashes.SHA1()).hex(),  # noqa: S303 - what the label holds
    }
    renewed = certificate(ID_CARD, number=2)
    assert certificate_label(renewed, None) != certificate_label(made, None)


def test_people_read_whose_card_it_is() -> None:
    """A record for such a certificate is said to be for the card of its holder."""
    recipient = PublicKeyRecipient(certificate(ID_CARD), file_name="jaak.pem")
    capsule, _ = recipient.make_capsule(bytes)
    assert isinstance(capsule, ECCapsule)
    assert capsule.recipient_public_key == public_key_bytes(KEY.public_key())
    assert owner(capsule, recipient.key_label) == "ID-card of JÕEORG, JAAK-KRISTJAN 38001085718"
    plain = PublicKeyRecipient(certificate(ID_CARD), plain_label=True)
    assert plain.key_label == "JÕEORG,JAAK-KRISTJAN,38001085718"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("1.3.6.1.4.1.51361.1.1.1", "ID-card"),
        ("1.3.6.1.4.1.51361.1.2.1", "ID-card"),
        ("1.3.6.1.4.1.51361.1.1.3", "Digi-ID"),
        ("1.3.6.1.4.1.51361.1.2.3", "Digi-ID"),
        ("1.3.6.1.4.1.51361.1.1.4", "Digi-ID E-RESIDENT"),
        ("1.3.6.1.4.1.51361.1.2.4", "Digi-ID E-RESIDENT"),
        ("1.3.6.1.4.1.51361.1.1.30", "ID-card"),
        ("1.3.6.1.4.1.51361.2.1.1", "ID-card"),
        ("1.3.6.1.4.1.51361.2.1.6", "Digi-ID E-RESIDENT"),
        ("1.3.6.1.4.1.51455.1.1.1", "ID-card"),
        ("1.3.6.1.4.1.51455.1.2.1", "ID-card"),
        ("1.3.6.1.4.1.51455.2.1.2", "ID-card"),
        ("2.999.1.3.6.1.4.1.51361.2.1.1", "ID-card"),
        ("1.3.6.1.4.1.51361.1.10", "cert"),
        ("1.3.6.1.4.1.51361.1", "cert"),
        ("1.3.6.1.4.1.10015.3.17.2", "cert"),  # Smart-ID
        ("1.3.6.1.4.1.10015.18.1", "cert"),  # Mobile-ID
    ],
)
def test_kinds(policy: str, expected: str) -> None:
    """The policy says which card it is, whole arcs at a time; other certificates are just certificates."""
    assert kind(certificate("0.4.0.2042.1.2", policy)) == expected


@pytest.mark.parametrize("missing", [NameOID.COMMON_NAME, NameOID.SERIAL_NUMBER])
def test_a_card_of_nobody(missing: x509.ObjectIdentifier) -> None:
    """Without the holder's name and number it is a certificate, known by its file."""
    made = certificate(ID_CARD, subject={oid: name for oid, name in HOLDER.items() if oid != missing})
    fields = key_label.fields(certificate_label(made, "jaak.pem"))
    assert (fields["type"], fields["file"]) == ("cert", "jaak.pem")


def test_names_that_are_not_there() -> None:
    """The two names that the specification lets out may be missing."""
    subject = {NameOID.COMMON_NAME: "X,Y,1", NameOID.SERIAL_NUMBER: "PNOEE-1"}
    fields = key_label.fields(certificate_label(certificate(ID_CARD, subject=subject), None))
    assert fields.keys() == {"v", "type", "cn", "serial_number", "cert_sha1"}


def test_policies_that_cannot_be_read() -> None:
    """Extensions that are no extensions cost the label the card, and no more."""
    der = certificate(ID_CARD).public_bytes(Encoding.DER)
    policies = bytes.fromhex("0603551d20")
    at = der.index(policies)
    for broken in (
        der[: at + 7] + b"\xff" + der[at + 8 :],
        certificate().public_bytes(Encoding.DER),
    ):
        assert kind(x509.load_der_x509_certificate(broken)) == "cert"
