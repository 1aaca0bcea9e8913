# SPDX-License-Identifier: MIT
"""Lists of revoked certificates: whose, how old, how whole."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from factories.authorities import revocation_list
from factories.people import TestCA, crl_at

from osak.shares.certificates.crl import RevocationList, read_list
from osak.shares.certificates.status import MAX_LIFE, MAX_LIFE_OF_AUTHORITIES, SKEW
from osak.shares.errors import StatusError

NOW = datetime.now(UTC).replace(microsecond=0)
CA = TestCA()
REVOKED, GOOD = CA.issue().certificate, CA.issue().certificate
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def read(issuer: TestCA = CA, **changes: Any) -> RevocationList:
    content = revocation_list(changes.pop("by", CA), REVOKED, **{"updated": NOW, **changes})
    return read_list(content, issuer.certificate, NOW)


def scope(**changes: Any) -> x509.IssuingDistributionPoint:
    plain: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**plain, **changes})


def test_what_it_says() -> None:
    """Who stands on it was revoked, who does not was not, until the next list comes."""
    found = read()
    assert found.status_of(REVOKED).is_revoked
    assert not found.status_of(GOOD).is_revoked
    assert found.status_of(GOOD).valid_until == NOW + timedelta(days=1, seconds=1)
    assert read(days=300).status_of(GOOD).valid_until == NOW + MAX_LIFE


def test_pem() -> None:
    """Some authorities publish PEM."""
    content = x509.load_der_x509_crl(revocation_list(CA, REVOKED)).public_bytes(Encoding.PEM)
    assert read_list(content, CA.certificate, datetime.now(UTC)).status_of(REVOKED).is_revoked


def test_users_only() -> None:
    """A list of people's certificates alone tells all about people."""
    assert read(extensions=[(scope(only_contains_user_certs=True), True)]).status_of(REVOKED).is_revoked


def test_users_only_says_nothing_of_an_authority() -> None:
    """An authority is on another list; that it is not on this one is no news."""
    below = TestCA("below", issuer=CA).certificate
    found = read(extensions=[(scope(only_contains_user_certs=True), True)])
    with pytest.raises(StatusError, match="not of authorities"):
        found.status_of(below)
    assert not read().status_of(below).is_revoked


def test_an_old_list() -> None:
    """Of people nothing is believed that is older than ten days; roots list their authorities once a year."""
    found = read(updated=NOW - MAX_LIFE - SKEW - timedelta(seconds=1), days=300)
    with pytest.raises(StatusError, match="too old"):
        found.status_of(GOOD)
    below = found.status_of(TestCA("below", issuer=CA).certificate)
    assert not below.is_revoked
    assert below.valid_until > NOW + timedelta(days=280)


def test_one_part_of_many() -> None:
    """A list of one part counts for certificates that name it, by any of its names, and for no others."""
    here, there = "http://a.example/1.crl", "http://a.example/2.crl"
    part = read(extensions=[(scope(full_name=[*uris("ldap://a.example/1"), *uris(here)]), True)])
    assert not part.status_of(CA.issue(extensions=[crl_at(here)]).certificate).is_revoked
    for other in (CA.issue(extensions=[crl_at(there)]), CA.issue()):
        with pytest.raises(StatusError, match="another part"):
            part.status_of(other.certificate)
    assert part.status_of(REVOKED).is_revoked, "it stands there, though its certificate names no list"


def uris(text: str) -> list[x509.GeneralName]:
    return [x509.UniformResourceIdentifier(text)]


@pytest.mark.parametrize(
    "changes",
    [
        {"by": TestCA("somebody else")},
        {"by": TestCA()},
        {"key": TestCA().key},
        {"hash_algorithm": hashes.SHA224()},
        {"updated": NOW + SKEW + timedelta(seconds=1)},
        {"updated": NOW - timedelta(days=2)},
        {"updated": NOW - MAX_LIFE_OF_AUTHORITIES - timedelta(days=1), "days": 3000},
        {"extensions": [(x509.DeltaCRLIndicator(1), True)]},
        {"extensions": [(UNKNOWN, True)]},
        {"extensions": [(scope(only_contains_ca_certs=True), True)]},
        {"extensions": [(scope(only_contains_attribute_certs=True), True)]},
        {"extensions": [(scope(indirect_crl=True), True)]},
        {"extensions": [(scope(relative_name=CA.name.rdns[0]), True)]},
        {
            "extensions": [
                (scope(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})), True),
            ]
        },
    ],
    ids=[
        "another authority",
        "namesake",
        "another key",
        "weak hash",
        "from the future",
        "ended",
        "far too old",
        "delta",
        "critical unknown",
        "authorities only",
        "attributes only",
        "indirect",
        "a part without a whole name",
        "some reasons",
    ],
)
def test_what_proves_nothing(changes: dict[str, Any]) -> None:
    """A list that is not this authority's whole and latest word is not used."""
    with pytest.raises(StatusError):
        read(**changes)


def test_who_may_not_sign_lists() -> None:
    """An issuer whose keyUsage does not say so has no lists."""
    issuer = CA.issue(usages=["key_cert_sign"])
    with pytest.raises(StatusError):
        read_list(revocation_list(CA, REVOKED), issuer.certificate, NOW)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN X509 CRL-----", b"\x30\x03\x02\x01\x00"])
def test_no_list_at_all(content: bytes) -> None:
    """Other bytes are malformed."""
    with pytest.raises(StatusError):
        read_list(content, CA.certificate, NOW)
