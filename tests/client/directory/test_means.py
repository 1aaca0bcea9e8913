# SPDX-License-Identifier: MIT
"""Which certificates are of use: judged by themselves, not by where the directory has them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from factories.directories import DIGI_ID, E_RESIDENT, ID_CARD, MARI, MOBILE_ID, issue
from factories.people import Person, TestCA

from osak.client.directory.means import Found, sort_certificates

NUMBER = f"PNOEE-{MARI}"
NOW = datetime.now(UTC)
AUTHORITY = TestCA("TEST of ESTEID")
RSA_USAGES = ("digital_signature", "key_encipherment", "data_encipherment")


def _sorted(*people: Person, now: datetime = NOW) -> Found:
    return sort_certificates([one.der for one in people], NUMBER, [AUTHORITY.certificate], now)


def _kinds(found: Found) -> list[str]:
    return [one.kind for one in found.means]


def _reasons(found: Found) -> list[str]:
    return [one.why for one in found.passed_over]


@pytest.mark.parametrize(
    ("organisation", "kind"),
    [
        (ID_CARD, "ID-card"),
        (DIGI_ID, "Digi-ID"),
        (E_RESIDENT, "Digi-ID E-RESIDENT"),
        (MOBILE_ID, "Mobile-ID"),
    ],
)
def test_kinds_are_known_by_their_policies(organisation: str, kind: str) -> None:
    """Each kind of means is told from its certificate, and only cards are to be encrypted to."""
    found = _sorted(issue(AUTHORITY, organisation, MARI))
    assert [kind] == _kinds(found)
    assert (kind != "Mobile-ID") is found.means[0].is_card


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_cards_of_every_curve(curve: ec.EllipticCurve) -> None:
    """EC keys on the three curves of CDOC2 are taken."""
    assert _kinds(_sorted(issue(AUTHORITY, ID_CARD, MARI, ec.generate_private_key(curve)))) == ["ID-card"]


def test_a_card_with_rsa() -> None:
    """An RSA key is taken if it is for encryption."""
    key = rsa.generate_private_key(65537, 2048)
    assert _kinds(_sorted(issue(AUTHORITY, ID_CARD, MARI, key, usages=RSA_USAGES))) == ["ID-card"]
    found = _sorted(issue(AUTHORITY, ID_CARD, MARI, key, usages=("digital_signature",)))
    assert _reasons(found) == ["the certificate is not for encryption"]


def test_certificates_for_signing_are_not_even_listed() -> None:
    """Every card has one: it is no news that it is not used."""
    found = _sorted(issue(AUTHORITY, ID_CARD, MARI, usages=("content_commitment",)))
    assert Found() == found


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"usages": ("digital_signature",)}, "the certificate is not for encryption"),
        ({"usages": None}, "the certificate has no keyUsage"),
        ({"policies": ["1.2.3.4"]}, "it is of no card that is known here, nor Mobile-ID"),
        ({"policies": []}, "it is of no card that is known here, nor Mobile-ID"),
        ({"serial_numbers": ["PNOEE-38001085718"]}, "it is somebody else's"),
        ({"serial_numbers": [NUMBER, "PNOEE-38001085718"]}, "it is somebody else's"),
        ({"serial_numbers": []}, "it is somebody else's"),
        ({"key": ec.generate_private_key(ec.SECP256K1())}, "the curve secp256k1 cannot be used in CDOC2"),
        ({"not_after": NOW - timedelta(hours=1)}, "it ended on"),
        ({"not_before": NOW + timedelta(hours=1)}, "it begins only on"),
    ],
)
def test_what_is_not_used_says_why(changes: dict[str, Any], why: str) -> None:
    """A certificate that breaks one rule is passed over, with that rule."""
    found = _sorted(issue(AUTHORITY, ID_CARD, MARI, **changes))
    assert not found.means
    assert [reason.startswith(why) for reason in _reasons(found)] == [True]


def test_keys_of_other_kinds() -> None:
    """An Ed25519 key cannot receive CDOC2 files."""
    key: Any = ed25519.Ed25519PrivateKey.generate()
    found = _sorted(issue(AUTHORITY, ID_CARD, MARI, key))
    assert _reasons(found) == ["the certificate's public key is neither EC nor RSA"]


def test_a_lying_directory() -> None:
    """A certificate in this person's name by somebody else than a configured authority is not used."""
    found = _sorted(issue(TestCA("TEST of ESTEID"), ID_CARD, MARI))
    assert _reasons(found) == ["it is not by any of the authorities in the configuration"]


def test_an_authority_whose_time_is_over() -> None:
    """An anchor that has ended vouches for nobody."""
    late = NOW + timedelta(days=3700)
    person = issue(AUTHORITY, ID_CARD, MARI, not_after=NOW + timedelta(days=5000))
    assert _reasons(_sorted(person, now=late)) == ["it is not by any of the authorities in the configuration"]


def test_the_card_that_lasts_longest_comes_first() -> None:
    """Order does not depend on the directory: the newest card, older ones, then Mobile-ID; doubles once."""
    old = issue(AUTHORITY, ID_CARD, MARI, not_after=NOW + timedelta(days=10))
    new = issue(AUTHORITY, DIGI_ID, MARI, not_after=NOW + timedelta(days=100))
    mobile = issue(AUTHORITY, MOBILE_ID, MARI, not_after=NOW + timedelta(days=1000))
    assert _kinds(_sorted(mobile, old, new, old)) == ["Digi-ID", "ID-card", "Mobile-ID"]


def test_garbage_is_passed_over() -> None:
    """Bytes that are no certificate are told, whatever they are."""
    found = sort_certificates([b"", b"\x30\x80", bytes(5000)], NUMBER, [AUTHORITY.certificate], NOW)
    assert _reasons(found) == ["it cannot be read"] * 3
