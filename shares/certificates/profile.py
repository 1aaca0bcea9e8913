# SPDX-License-Identifier: MIT
"""What a certificate is for: to prove who somebody is, or to encrypt to them; never to bind them.

A signature by a person's signing key is worth as much as one on paper, so such a key must neither open a
file nor be asked to. Three things tell the two apart in the profiles of Estonia's ID-card, Mobile-ID and
Smart-ID, and each of them alone is enough to refuse: keyUsage has contentCommitment; a policy is one of
ETSI's for qualified signatures (EN 319 411-2, 5.3); an extendedKeyUsage is there and has none of the
purposes of authentication. Which policies an authentication certificate must have is the caller's to say.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from osak.shares.errors import CertificateError

# ETSI EN 319 411-1: NCP+, keys in a secure device. Every authentication certificate of an ID-card (2018 and
# 2025), of Mobile-ID and of qualified Smart-ID has it; Smart-ID Basic has NCP instead.
ESTONIAN_POLICIES: Final = ("0.4.0.2042.1.2",)
# QCP-n-qscd, QCP-l-qscd (EN 319 411-2), and QCP public + SSCD (TS 101 456) before them.
_SIGNING_POLICIES: Final = frozenset({"0.4.0.194112.1.2", "0.4.0.194112.1.3", "0.4.0.1456.1.1"})
_AUTHENTICATION_PURPOSES: Final = frozenset(
    {
        ExtendedKeyUsageOID.CLIENT_AUTH,
        x509.ObjectIdentifier("1.3.6.1.4.1.62306.5.7.0"),  # Smart-ID since April 2025
    }
)
_ANY_BELOW: Final = ".*"


def check_authentication(certificate: x509.Certificate, policies: Sequence[str] = ()) -> None:
    """Check that a person's certificate is for authentication.

    Args:
        certificate: whose chain was checked.
        policies: OIDs of which it must have one; an OID that ends in ``.*`` means any below. Empty: any.

    Raises:
        CertificateError: it is for something else, or has none of the policies.
        ValueError: it is malformed; or another of ``MALFORMED``.
    """
    usage = _usage(certificate)
    if not usage.digital_signature:
        raise CertificateError("the certificate is not for authentication")
    _check_no_signing(certificate, usage)
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        pass  # Mobile-ID has none
    else:
        if _AUTHENTICATION_PURPOSES.isdisjoint(purposes):
            raise CertificateError("none of the certificate's extended key usages is authentication")
    _check_policies(certificate, policies)


def check_encryption(certificate: x509.Certificate, policies: Sequence[str] = ()) -> None:
    """Check that one may encrypt to a certificate: its key is for agreement (EC) or encipherment (RSA).

    Args:
        certificate: whose chain was checked.
        policies: as with ``check_authentication``.

    Raises:
        CertificateError: it is for something else, for signing above all.
        ValueError: it is malformed; or another of ``MALFORMED``.
    """
    usage = _usage(certificate)
    _check_no_signing(certificate, usage)
    elliptic = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    if not (usage.key_agreement if elliptic else usage.key_encipherment or usage.data_encipherment):
        raise CertificateError("the certificate is not for encryption")
    _check_policies(certificate, policies)


def _usage(certificate: x509.Certificate) -> x509.KeyUsage:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as error:
        raise CertificateError("the certificate has no keyUsage") from error


def _check_no_signing(certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
    if usage.content_commitment or not _SIGNING_POLICIES.isdisjoint(_policies(certificate)):
        raise CertificateError("the certificate is for signing documents")
    if usage.key_cert_sign or usage.crl_sign:
        raise CertificateError("the certificate is an authority's")


def _check_policies(certificate: x509.Certificate, accepted: Sequence[str]) -> None:
    found = _policies(certificate)
    if accepted and not any(_fits(one, pattern) for one in found for pattern in accepted):
        raise CertificateError("the certificate has none of the accepted policies")


def _policies(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return []
    return [policy.policy_identifier.dotted_string for policy in found]


def _fits(policy: str, pattern: str) -> bool:
    if pattern.endswith(_ANY_BELOW):
        return policy.startswith(pattern.removesuffix(_ANY_BELOW) + ".")
    return policy == pattern
