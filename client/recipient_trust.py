# SPDX-License-Identifier: MIT
"""Whether one may encrypt to certificates, given or found: ``trust`` in the YAML says whom to believe.

Without it nothing is checked, as in the official clients: whoever names a certificate means it. With it each
certificate must lead to an anchor, be for encryption, have an accepted policy, and not be revoked, as far as
its authority says; all are asked at once. What is wrong with a certificate that the sender named stops the
work; one that a directory had is left out, for nobody chose it. Where nobody could tell and mode soft goes on
all the same, that is not hidden: the plan and a warning say so. A bare key says nothing of whose it is; who
names one means it.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509
from cryptography.x509.oid import NameOID

from osak.client.errors import CertificateStatusError, UntrustedCertificateError
from osak.client.event_loop import run
from osak.client.recipient_plan import KeySource
from osak.client.recipient_status import Inquirer
from osak.shares.certificates.anchors import read_authorities
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.path import verify_chain
from osak.shares.certificates.profile import check_encryption
from osak.shares.certificates.settings import RevocationSettings, TrustSettings
from osak.shares.errors import CertificateError, StatusError

if TYPE_CHECKING:
    from osak.client.directory.means import Found

_Refusal: TypeAlias = UntrustedCertificateError | CertificateStatusError


def check_recipients(sources: Sequence[KeySource], settings: TrustSettings) -> list[str | None]:
    """Check every certificate among ``sources``; return of each what could not be learnt, None where all was.

    Raises:
        UntrustedCertificateError: one is not to be believed, not for encryption, or was revoked; it is named.
        CertificateStatusError: mode hard, and nobody could tell whether one was revoked.
        ConfigurationError: an anchor is none.
        OSError: an anchor's file cannot be read.
    """
    certificates = {
        place: (_name(source.key, source.file_name), source.key)
        for place, source in enumerate(sources)
        if isinstance(source.key, x509.Certificate)
    }
    refusals = _refusals(list(certificates.values()), settings)
    for refusal in _worst_first(refusals):
        if not _is_let_through(refusal, settings):
            raise refusal
    doubts = dict(zip(certificates, refusals, strict=True))
    return [None if doubts.get(place) is None else str(doubts[place]) for place in range(len(sources))]


def believed(found: "Mapping[str, Found]", settings: TrustSettings) -> "dict[str, Found]":
    """What a directory has of people, less the cards that must not be encrypted to: nobody chose those.

    Of those that are left it is noted if nobody could tell whether they were revoked.

    Raises:
        CertificateStatusError: mode hard, and nobody could tell whether one was revoked.
        ConfigurationError: an anchor is none.
        OSError: an anchor's file cannot be read.
    """
    cards = [(number, card) for number, each in found.items() for card in each.means if card.is_card]
    refusals = _refusals([(_name(card.certificate), card.certificate) for _, card in cards], settings)
    left = dict(found)
    for (number, card), refusal in zip(cards, refusals, strict=True):
        if refusal is None:
            continue
        if _is_let_through(refusal, settings):
            left[number] = left[number].in_doubt(card, str(refusal))
        elif isinstance(refusal, CertificateStatusError):
            raise refusal
        else:
            left[number] = left[number].without(card, str(refusal))
    return left


def _refusals(
    certificates: Sequence[tuple[str, x509.Certificate]], settings: TrustSettings
) -> list[_Refusal | None]:
    """Why each of these, with its name, must not be encrypted to, or in doubt only; None where it may."""
    if not certificates:
        return []
    now = datetime.now(UTC)
    anchors, between = read_authorities(settings.anchors), read_authorities(settings.intermediates)
    refusals: list[_Refusal | None] = [None] * len(certificates)
    chains: dict[int, _Chain] = {}
    for place, (name, certificate) in enumerate(certificates):
        try:
            chains[place] = _chain(certificate, name, anchors, between, settings)
        except UntrustedCertificateError as error:
            refusals[place] = error
    if chains and settings.revocation.mode != "off":
        asked = run(_ask_all(list(chains.values()), settings.revocation, now))
        for place, refusal in zip(chains, asked, strict=True):
            refusals[place] = refusal
    return refusals


def _is_let_through(refusal: _Refusal, settings: TrustSettings) -> bool:
    """Whether it is only that nobody could tell, and the mode goes on all the same."""
    return isinstance(refusal, CertificateStatusError) and settings.revocation.mode != "hard"


def _worst_first(refusals: Iterable[_Refusal | None]) -> list[_Refusal]:
    """What is known weighs more than what is not."""
    failures = [refusal for refusal in refusals if refusal is not None]
    return sorted(failures, key=lambda failure: not isinstance(failure, UntrustedCertificateError))


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
    except MALFORMED as error:
        raise UntrustedCertificateError(f"{name} cannot be encrypted for: it is malformed") from error
    return _Chain(name, certificates)


async def _ask_all(
    chains: Sequence[_Chain], settings: RevocationSettings, now: datetime
) -> list[_Refusal | None]:
    """What the authorities say of each, all asked at once."""
    inquirer = Inquirer(settings, now)

    async def ask(name: str, certificate: x509.Certificate, issuer: x509.Certificate) -> _Refusal | None:
        try:
            status = await inquirer.status_of(certificate, issuer)
        except StatusError as error:
            refusal = CertificateStatusError(f"nobody could tell whether {name} was revoked ({error})")
            refusal.__cause__ = error
            return refusal
        if not status.is_revoked:
            return None
        return UntrustedCertificateError(f"{name} was revoked: its owner may not be the one who uses it")

    async def ask_chain(chain: _Chain) -> _Refusal | None:
        said = await asyncio.gather(*(ask(chain.name, *pair) for pair in pairwise(chain.certificates)))
        return next(iter(_worst_first(said)), None)

    return await asyncio.gather(*(ask_chain(chain) for chain in chains))


def _name(certificate: x509.Certificate, file_name: str | None = None) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    owner = f" of {names[0].value!s}" if names else ""
    file = f" ({file_name})" if file_name else ""
    text = f"the certificate{owner}{file}"
    return "".join(character if character.isprintable() else "?" for character in text)
