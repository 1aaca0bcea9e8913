# SPDX-License-Identifier: MIT
"""Who can tell whether a certificate was revoked, and which of them may be asked.

The places stand in the certificate itself, so they are read only after its chain was checked: nobody but a
trusted authority can send us anywhere. Even so only http and https are spoken, and only public addresses are
called unless the configuration names others: a certificate must not lead into the network behind a node.
OCSP and CRLs come by plain http as a rule. That is no harm: what counts in them is signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from osak.shares.errors import StatusError

MAX_OCSP_BYTES: Final = 32 * 2**10
# The lists of Estonia's authorities have some megabytes.
MAX_CRL_BYTES: Final = 32 * 2**20
_MAX_URL_CHARACTERS: Final = 512
_MAX_PLACES: Final = 2
_SCHEMES: Final = ("http", "https")
_NAT64: Final = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Sources:
    """URLs of OCSP responders and of CRLs, at most two of each, in the certificate's order."""

    ocsp: tuple[str, ...] = ()
    crls: tuple[str, ...] = ()


def sources_of(certificate: x509.Certificate) -> Sources:
    """What a certificate names.

    Raises:
        ValueError: it is malformed; or another of ``MALFORMED``.
    """
    return Sources(_ocsp_places(certificate), _crl_places(certificate))


def list_names(certificate: x509.Certificate) -> frozenset[x509.GeneralName]:
    """All names that a certificate has for the lists of its authority, in any scheme."""
    return frozenset(name for point in _list_points(certificate) for name in point.full_name or ())


def split_url(url: str) -> SplitResult:
    """The parts of a URL that may be asked.

    Raises:
        StatusError: another scheme, a name and password in it, or no host.
    """
    try:
        parts = urlsplit(url)
        port_is_good = parts.port != 0
    except ValueError:
        raise StatusError("the certificate names a malformed URL") from None
    usable = url.isascii() and url.isprintable() and " " not in url and len(url) <= _MAX_URL_CHARACTERS
    if not usable or parts.scheme not in _SCHEMES or not parts.hostname or "@" in parts.netloc:
        raise StatusError("the certificate names a URL that is never asked")
    if not port_is_good:
        raise StatusError("the certificate names a malformed URL")
    return parts


def may_be_asked(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether an IP address is public, or in one of the configured ``networks``."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    # An IPv4 address in the clothes of IPv6 is judged as what it is.
    if isinstance(found, IPv6Address):
        found = _inner(found)
    if any(found in network for network in networks):
        return True
    # Networks of the old fec0::/10 are private ones, whatever Python says: QEMU has its host there.
    is_of_a_site = isinstance(found, IPv6Address) and found.is_site_local
    return found.is_global and not (found.is_multicast or found.is_reserved or is_of_a_site)


def _inner(address: IPv6Address) -> IPv4Address | IPv6Address:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _ocsp_places(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ()
    return _usable(
        [
            access.access_location
            for access in found
            if access.access_method == AuthorityInformationAccessOID.OCSP
        ]
    )


def _crl_places(certificate: x509.Certificate) -> tuple[str, ...]:
    return _usable([name for point in _list_points(certificate) for name in point.full_name or ()])


def _list_points(certificate: x509.Certificate) -> list[x509.DistributionPoint]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    # A point with reasons or another issuer has a list that does not tell all.
    return [point for point in points if point.reasons is None and point.crl_issuer is None]


def _usable(names: Sequence[x509.GeneralName]) -> tuple[str, ...]:
    """The URLs among ``names`` in a scheme that is spoken here; ldap, for example, is not."""
    urls = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return tuple(url for url in urls if url.lower().startswith(("http://", "https://")))[:_MAX_PLACES]
