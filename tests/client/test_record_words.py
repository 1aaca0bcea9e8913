# SPDX-License-Identifier: MIT
"""Records are named as people would name them, whoever wrote the label, and never more than is true."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container import (
    Capsule,
    Curve,
    ECCapsule,
    KeyServerCapsule,
    KeyShare,
    KeySharesCapsule,
    PasswordCapsule,
    RSACapsule,
    SymmetricCapsule,
    UnknownCapsule,
)
from osak.client.record_words import owner

POINT = b"\x04" + bytes(96)
EC = ECCapsule(Curve.P384, POINT, POINT)
RSA = RSACapsule(b"key", b"kek")
KEPT = KeyServerCapsule(Curve.P384, POINT, "ria", "KC1")
PASSWORD = PasswordCapsule(bytes(32), bytes(32), 600_000)
SECRET = SymmetricCapsule(bytes(32))
JOEORG = "cn=J%C3%95EORG%2CJAAK-KRISTJAN%2C38001085718&serial_number=PNOEE-38001085718"


def shares(recipient_id: str) -> KeySharesCapsule:
    """A capsule of key shares for somebody."""
    return KeySharesCapsule((KeyShare("https://a.example:1", "x" * 20),), bytes(32), recipient_id)


@pytest.mark.parametrize(
    ("capsule", "label", "words"),
    [
        (EC, f"data:,v=1&type=ID-card&{JOEORG}", "ID-card of JÕEORG, JAAK-KRISTJAN 38001085718"),
        (KEPT, f"data:,V=1&TYPE=ID-card&{JOEORG}", "ID-card of JÕEORG, JAAK-KRISTJAN 38001085718"),
        (EC, f"data:,v=1&type=Digi-ID&{JOEORG}", "Digi-ID of JÕEORG, JAAK-KRISTJAN 38001085718"),
        (
            EC,
            f"data:,v=1&type=Digi-ID+E-RESIDENT&{JOEORG}",
            "e-resident's Digi-ID of JÕEORG, JAAK-KRISTJAN 38001085718",
        ),
        (
            EC,
            f"data:,{JOEORG.upper().replace('&', '+%28id-card%29&')}&TYPE=ID-card&V=1",
            "ID-card of JÕEORG, JAAK-KRISTJAN 38001085718",
        ),
        (
            EC,
            "data:,v=1&type=ID-card&cn=x&serial_number=PNOEE-1&last_name=Jõeorg&first_name=Jaak",
            "ID-card of Jõeorg, Jaak 1",
        ),
        (EC, "data:,v=1&type=ID-card&cn=PLATO,,3", "ID-card of PLATO,,3"),
        (EC, "data:,v=1&type=ID-card", "ID-card"),
        (
            EC,
            "data:,v=1&cert_sha1=5d5d&cn=J%C3%95EORG%2CJAAK-KRISTJAN%2C38001085718&type=cert&server_exp=2083232282",
            "certificate of JÕEORG, JAAK-KRISTJAN 38001085718",
        ),
        (
            EC,
            "data:CERT_SHA1=5d5d&V=1&CN=cdoc20-client&FILE=cdoc2client-certificate.pem&TYPE=cert",
            "certificate of cdoc20-client (file cdoc2client-certificate.pem)",
        ),
        (RSA, "data:,v=1&type=cert&cert_sha1=5d5d", "certificate 5d5d"),
        (RSA, "data:V=1&FILE=rsa_pub.pem&TYPE=pub_key", "public key (file rsa_pub.pem)"),
        (EC, "data:,v=1&type=pub_key&label=87a3&file=k.pem", "public key 87a3 (file k.pem)"),
        (EC, "data:,v=1", "public key"),
        (EC, "Alice", "Alice"),
        (KEPT, "JÕEORG,JAAK-KRISTJAN,38001085718 (digi-id)", "Digi-ID of JÕEORG, JAAK-KRISTJAN 38001085718"),
        (EC, "JÕEORG,JAAK-KRISTJAN,38001085718", "JÕEORG, JAAK-KRISTJAN 38001085718"),
        (PASSWORD, "data:,v=1&label=kevade&type=pw", "password, hint: kevade"),
        (PASSWORD, "data:V=1&LABEL=passwordlabel&TYPE=pw", "password, hint: passwordlabel"),
        (PASSWORD, "kevade", "password, hint: kevade"),
        (SECRET, "data:,LABEL=mylabel&TYPE=secret&V=1", "symmetric key, label: mylabel"),
        (SECRET, "data:;base64,dj0xJmxhYmVsPWxhYiZ0eXBlPXNlY3JldA==", "symmetric key, label: lab"),
        (
            shares("etsi/PNOEE-48010010101"),
            "data:,SN=etsi%2FPNOEE-30303039914&TYPE=auth&V=1",
            "Smart-ID or Mobile-ID of 48010010101",
        ),
        (shares("etsi/PNOLV-010101-10006"), "N/A", "Smart-ID or Mobile-ID of PNOLV-010101-10006"),
        (UnknownCapsule(9, "new"), "data:,v=1&label=lab&type=pw", "lab"),
    ],
)
def test_words_for_people(capsule: Capsule, label: str, words: str) -> None:
    """The specification's types, as its own, Java's and libcdoc's labels have them, and free text."""
    assert owner(capsule, label) == words


@pytest.mark.parametrize(
    ("capsule", "label", "words"),
    [
        (PASSWORD, f"data:,v=1&type=ID-card&{JOEORG}", "password, hint: JÕEORG,JAAK-KRISTJAN,38001085718"),
        (SECRET, "data:,v=1&type=pw&label=x", "symmetric key, label: x"),
        (EC, "data:,v=1&type=pw&label=x", "x"),
        (RSA, "data:,v=1&type=auth&sn=etsi%2FPNOEE-48010010101", "etsi/PNOEE-48010010101"),
    ],
)
def test_a_label_cannot_change_the_kind(capsule: Capsule, label: str, words: str) -> None:
    """A type that does not fit the capsule is not believed: a password is no ID-card."""
    assert owner(capsule, label) == words


@given(st.sampled_from([EC, PASSWORD, SECRET, shares("etsi/\u202ePNOEE-1")]), st.text(max_size=60))
def test_words_are_safe_to_print(capsule: Capsule, text: str) -> None:
    """No label moves a terminal's cursor or turns its writing round."""
    for label in (text, "data:," + text, f"data:,v=1&type=cert&cn={text}"):
        assert owner(capsule, label).isprintable()
