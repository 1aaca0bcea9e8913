# SPDX-License-Identifier: MIT
"""Which certificates may prove who somebody is: the production profiles, but not their twins for signing."""

from collections.abc import Sequence

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from factories.people import KEY_USAGES, TestCA, purposes

from osak.shares.certificates.profile import (
    ESTONIAN_POLICIES,
    check_authentication,
    check_encryption,
)
from osak.shares.errors import CertificateError

CA = TestCA()
RSA_KEY = rsa.generate_private_key(65537, 2048)
CLIENT, MAIL, SERVER = "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.1"
SMART_ID_PURPOSE = "1.3.6.1.4.1.62306.5.7.0"
NCP, NCP_PLUS, QCP_N_QSCD = "0.4.0.2042.1.1", "0.4.0.2042.1.2", "0.4.0.194112.1.2"
ID_CARD, ID_CARD_2025, DIPLOMAT = (
    "1.3.6.1.4.1.51361.1.1.1",
    "1.3.6.1.4.1.51361.2.1.1",
    "1.3.6.1.4.1.51455.1.1.1",
)
MOBILE_ID, SMART_ID, SMART_ID_BASIC = (
    "1.3.6.1.4.1.10015.18.1",
    "1.3.6.1.4.1.10015.17.2",
    "1.3.6.1.4.1.10015.17.1",
)
# keyUsage, extendedKeyUsage, policies, as the authorities' profiles have them.
PRODUCTION = {
    "ID-card 2018": (("digital_signature", "key_agreement"), (CLIENT, MAIL), (ID_CARD, NCP_PLUS)),
    "ID-card 2025": (("digital_signature", "key_agreement"), (CLIENT, MAIL), (NCP_PLUS, ID_CARD_2025)),
    "diplomat": (("digital_signature", "key_agreement"), (CLIENT, MAIL), (DIPLOMAT, NCP_PLUS)),
    "Mobile-ID": (("digital_signature",), (), (MOBILE_ID, NCP_PLUS)),
    "Smart-ID": (("digital_signature",), (SMART_ID_PURPOSE,), (SMART_ID, NCP_PLUS)),
    "Smart-ID until 2025": (
        ("digital_signature", "key_encipherment", "data_encipherment"),
        (CLIENT,),
        (SMART_ID, NCP_PLUS),
    ),
}
SIGNING = {
    "ID-card": (("content_commitment",), (), (ID_CARD, QCP_N_QSCD)),
    "Mobile-ID": (("content_commitment",), (), (MOBILE_ID, QCP_N_QSCD)),
    "Smart-ID": (("content_commitment",), (), (SMART_ID, QCP_N_QSCD)),
    "both uses": (("digital_signature", "content_commitment"), (CLIENT,), (SMART_ID, NCP_PLUS)),
    "by its policy": (("digital_signature",), (CLIENT,), (NCP_PLUS, QCP_N_QSCD)),
    "older policy": (("digital_signature",), (), ("0.4.0.1456.1.1",)),
}
Profile = tuple[Sequence[str], Sequence[str], Sequence[str]]


def issued(profile: Profile) -> x509.Certificate:
    usages, eku, oids = profile
    return CA.issue(usages=usages, policies=oids, extensions=[purposes(*eku)] if eku else []).certificate


def refused(profile: Profile, accepted: Sequence[str] = ()) -> bool:
    try:
        check_authentication(issued(profile), accepted)
    except CertificateError:
        return True
    return False


@pytest.mark.parametrize("profile", PRODUCTION.values(), ids=PRODUCTION)
def test_production_profiles(profile: Profile) -> None:
    """What Estonia's authorities issue for authentication is taken, by its default policies too."""
    assert not refused(profile)
    assert not refused(profile, ESTONIAN_POLICIES)


@pytest.mark.parametrize("profile", SIGNING.values(), ids=SIGNING)
def test_signing_certificates(profile: Profile) -> None:
    """A key that binds its owner opens nothing, whatever policies are accepted."""
    assert refused(profile)
    assert refused(profile, profile[2])


def test_smart_id_basic_is_asked_for_by_name() -> None:
    """Smart-ID Basic is not among the defaults; its policy lets it in."""
    basic: Profile = (("digital_signature",), (SMART_ID_PURPOSE,), (SMART_ID_BASIC, NCP))
    assert refused(basic, ESTONIAN_POLICIES)
    assert not refused(basic, (*ESTONIAN_POLICIES, SMART_ID_BASIC))


@pytest.mark.parametrize(
    ("pattern", "good"),
    [
        (ID_CARD, True),
        ("1.3.6.1.4.1.51361.*", True),
        ("1.3.6.1.4.1.51361.1.1.1.*", False),
        ("1.3.6.1.4.1.5136.*", False),
        ("1.3.6.1.4.1.51361", False),
        ("1.3.6.1.4.1.51361.1.1.10", False),
    ],
)
def test_policies(pattern: str, good: bool) -> None:
    """An OID is that OID alone; with a star it is all below it, number by number."""
    assert refused(PRODUCTION["ID-card 2018"], (pattern,)) is not good


def test_policies_that_are_not_there() -> None:
    """Where policies are asked for, a certificate without any is refused; where none are, it is taken."""
    bare: Profile = (("digital_signature",), (), ())
    assert not refused(bare)
    assert refused(bare, (NCP_PLUS,))


def test_other_purposes() -> None:
    """A server's certificate is nobody's authentication; more purposes beside the right one do no harm."""
    assert refused((("digital_signature",), (SERVER,), ()))
    assert not refused((("digital_signature",), (SERVER, CLIENT), ()))


@pytest.mark.parametrize("usage", [*KEY_USAGES, None])
def test_key_usage(usage: str | None) -> None:
    """Nobody is proved without digitalSignature, nor with a use of authorities or of signing beside it."""
    usages = ["key_agreement"] if usage in {"encipher_only", "decipher_only"} else []
    alone = None if usage is None else [usage, *usages]
    certificate = CA.issue(usages=alone).certificate
    beside = CA.issue(usages=["digital_signature", *(alone or [])]).certificate
    if usage == "digital_signature":
        check_authentication(certificate)
        return
    with pytest.raises(CertificateError):
        check_authentication(certificate)
    if usage in {"content_commitment", "key_cert_sign", "crl_sign"}:
        with pytest.raises(CertificateError):
            check_authentication(beside)
    else:
        check_authentication(beside)


def test_encryption() -> None:
    """One encrypts to keys for agreement (EC) or encipherment (RSA), and never to one for signing."""
    for key, usages in (
        (None, ["key_agreement"]),
        (RSA_KEY, ["key_encipherment"]),
        (RSA_KEY, ["data_encipherment"]),
    ):
        check_encryption(CA.issue(key=key, usages=["digital_signature", *usages]).certificate)
        with pytest.raises(CertificateError):
            check_encryption(CA.issue(key=key, usages=["content_commitment", *usages]).certificate)
    for key, usages in (
        (None, ["digital_signature"]),
        (None, ["key_encipherment"]),
        (RSA_KEY, ["key_agreement"]),
    ):
        with pytest.raises(CertificateError):
            check_encryption(CA.issue(key=key, usages=usages).certificate)
    with pytest.raises(CertificateError):
        check_encryption(CA.issue(usages=None).certificate)
