# SPDX-License-Identifier: MIT
"""Whether one may encrypt to certificates, given or found: ``trust`` in the YAML says whom to believe.

Without it nothing is checked, as in the official clients: whoever names a certificate means it. With it each
certificate must lead to an anchor, be for encryption, have an accepted policy, and not be revoked, as far as
its authority says; all are asked at once. A bare key says nothing of whose it is; who names one means it.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from osak.client.errors import CertificateStatusError, UntrustedCertificateError
from osak.client.event_loop import run
from osak.client.recipient_plan import KeySource
from osak.shares.certificates.anchors import read_anchors
from osak.shares.certificates.crl import RevocationList, read_list
from osak.shares.certificates.inquiry import inquire
from osak.shares.certificates.ocsp import NONCE_BYTES
from osak.shares.certificates.path import verify_chain
from osak.shares.certificates.profile import check_encryption
from osak.shares.certificates.settings import RevocationSettings, TrustSettings
from osak.shares.certificates.sources import MAX_CRL_BYTES
from osak.shares.errors import CertificateError, StatusError
from osak.status_fetch import StatusFetch


def check_recipients(sources: Sequence[KeySource], settings: TrustSettings) -> None:
    """Check every certificate among ``sources``.

    Raises:
        UntrustedCertificateError: one is not to be believed, not for encryption, or was revoked; it is named.
        CertificateStatusError: mode hard, and nobody could tell whether one was revoked.
        ConfigurationError: an anchor is none.
        OSError: an anchor's file cannot be read.
    """
    now = datetime.now(UTC)
    anchors, between = read_anchors(settings.anchors), read_anchors(settings.intermediates)
    chains = [
        _chain(source.key, _name(source), anchors, between, settings)
        for source in sources
        if isinstance(source.key, x509.Certificate)
    ]
    if chains and settings.revocation.mode != "off":
        run(_check_all(chains, settings.revocation, now))


@dataclass(frozen=True, slots=True)
class _Chain:
    """A verified path from a recipient's certificate up, and how to call it to the sender."""

    name: str
    certificates: tuple[x509.Certificate, ...]


def _chain(
    certificate: x509.Certificate,
    name: str,
    anchors: Sequence[x509.Certificate],
    between: Sequence[x509.Certificate],
    settings: TrustSettings,
) -> _Chain:
    try:
        certificates = verify_chain(certificate, anchors, between, datetime.now(UTC))
        check_encryption(certificate, settings.accepted_policies)
    except CertificateError as error:
        raise UntrustedCertificateError(f"{name} cannot be encrypted for: {error}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise UntrustedCertificateError(f"{name} cannot be encrypted for: it is malformed") from error
    return _Chain(name, certificates)


async def _check_all(chains: Sequence[_Chain], settings: RevocationSettings, now: datetime) -> None:
    fetch = StatusFetch(settings)

    async def find_list(url: str, issuer: x509.Certificate) -> RevocationList:
        content = await fetch(url, None, MAX_CRL_BYTES)
        return await asyncio.to_thread(read_list, content, issuer, now)

    async def check(name: str, certificate: x509.Certificate, issuer: x509.Certificate) -> None:
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            status = await inquire(
                certificate, issuer, fetch=fetch, find_list=find_list, nonce=nonce, now=now
            )
        except StatusError as error:
            if settings.mode == "hard":
                raise CertificateStatusError(
                    f"nobody could tell whether {name} was revoked ({error})"
                ) from error
            return
        if status.is_revoked:
            raise UntrustedCertificateError(f"{name} was revoked: its owner may not be the one who uses it")

    pairs = [(chain.name, *pair) for chain in chains for pair in pairwise(chain.certificates)]
    results = await asyncio.gather(*(check(*pair) for pair in pairs), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    # What is known weighs more than what is not.
    failures.sort(key=lambda failure: not isinstance(failure, UntrustedCertificateError))
    if failures:
        raise failures[0]


def _name(source: KeySource) -> str:
    assert isinstance(source.key, x509.Certificate)
    names = source.key.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    owner = f" of {names[0].value!s}" if names else ""
    file = f" ({source.file_name})" if source.file_name else ""
    text = f"the certificate{owner}{file}"
    return "".join(character if character.isprintable() else "?" for character in text)
