# SPDX-License-Identifier: MIT
"""Where trust begins: certificates of authorities, from PEM files or by the word ``estonia``.

``estonia`` is the authorities that issue Estonia's ID-cards, Mobile-ID and qualified Smart-ID. Their
certificates come from the package esteid-certificates, and are taken only if they are, to the bit, those
whose SHA-256 stands here: whoever can put a certificate among the anchors can open every file, and a
package on an index is not a place to take that from unseen (docs/adr/0022).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import check_authority
from osak.shares.errors import CertificateError, ConfigurationError

ESTONIA: Final = "estonia"
AnchorSource: TypeAlias = Path | Literal["estonia"]

# Issuing authorities, not roots: under the roots there are others, for companies and time-stamps, say. Of
# those whose certificates have all ended, none is here. Smart-ID Basic (EID-NQ) is not either: its
# accounts are opened on weaker proof.
_ESTONIAN_ISSUERS: Final = {
    "ESTEID2018": "c45ae81ac8b5ed5d8065213fd3dc250c7b3277368a3e97bd8299effaf8b65e31",
    "ESTEID2025": "30eba818e427a442bad8f5b218b6b73cc5445d2170e94b8d36b230c006498ac7",
    "EID-SK 2016": "e73f1f19a4459a6067a45e84db585d6c1df8f12a739d733f5b28996546f1875a",
    "SK ID Solutions EID-Q 2021E": "3b355e9b664df0fa3fcc9222725a9411d72207e318ac9ef1028b211fe03a1052",
    "SK ID Solutions EID-Q 2021R": "089dd33525ccb996c5f1debeddc17f1b3c0c4df17c9a993a32ca05570147bf03",
    "SK ID Solutions EID-Q 2024E": "95c4e7e2b5c2617e877442f4276146f8895cee8baa33340efa03e45a66d62d25",
    "SK ID Solutions EID-Q 2024R": "c66244d29cf8033b1d4a6f16d8b0f9db7b27cdabce5ad0c05eff70eda1257235",
}


def read_anchors(sources: Iterable[AnchorSource]) -> list[x509.Certificate]:
    """The certificates of all ``sources``, in their order.

    Raises:
        ConfigurationError: a file holds no certificates, or the installed package not those known here.
        OSError: a file cannot be read.
    """
    found: list[x509.Certificate] = []
    for source in sources:
        found += read_certificates(source) if isinstance(source, Path) else _estonian()
    return found


def read_authorities(sources: Iterable[AnchorSource]) -> list[x509.Certificate]:
    """As ``read_anchors``, for those who must be able to issue.

    Raises:
        ConfigurationError: as ``read_anchors``; or a certificate is no authority's, so that nobody could
            ever be believed by it.
        OSError: a file cannot be read.
    """
    found: list[x509.Certificate] = []
    for source in sources:
        certificates = read_anchors([source])
        for certificate in certificates:
            _require_authority(certificate, str(source))
        found += certificates
    return found


def _require_authority(certificate: x509.Certificate, source: str) -> None:
    try:
        check_authority(certificate, depth=0)
    except (CertificateError, *MALFORMED) as error:
        name = certificate.subject.rfc4514_string()
        problem = (
            f"{name} is no authority's certificate (basicConstraints CA, keyUsage keyCertSign); name the"
            " authority that issued it"
        )
        raise ConfigurationError(source, [problem]) from error


def read_certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file.

    Raises:
        ConfigurationError: there is none, or one is malformed.
        OSError: the file cannot be read.
    """
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except MALFORMED as error:
        raise ConfigurationError(str(path), ["expected CA certificates in PEM"]) from error


def _estonian() -> list[x509.Certificate]:
    # Imported here: of no use to whoever trusts other authorities.
    import esteid_certificates  # noqa: PLC0415 - see above

    found = []
    for name, fingerprint in _ESTONIAN_ISSUERS.items():
        try:
            pem = esteid_certificates.get_certificate(name)
        except (esteid_certificates.UnknownCertificateError, OSError) as error:
            raise _other_package(name) from error
        found.append(check_fingerprint(pem, fingerprint, name))
    return found


def check_fingerprint(pem: bytes, fingerprint: str, name: str) -> x509.Certificate:
    """The certificate in ``pem`` if its SHA-256 is ``fingerprint`` (in hex).

    Raises:
        ConfigurationError: it is another one.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
    except MALFORMED as error:
        raise _other_package(name) from error
    if certificate.fingerprint(SHA256()).hex() != fingerprint:
        raise _other_package(name)
    return certificate


def _other_package(name: str) -> ConfigurationError:
    problem = (
        f"the installed esteid-certificates has not the certificate of {name} that this version of osak"
        " knows; install the version that osak was released with, or name PEM files instead"
    )
    return ConfigurationError(ESTONIA, [problem])
