# SPDX-License-Identifier: MIT
"""Whom to ask about a certificate, in which order: OCSP first, which is small and of this moment; then lists.

How one asks is an argument; this knows no network. A source that fails leads to the next one. One that says
"revoked" ends it, as does one that says "good".
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from cryptography import x509

from osak.shares.certificates import ocsp
from osak.shares.certificates.crl import RevocationList
from osak.shares.certificates.malformed import MALFORMED
from osak.shares.certificates.sources import MAX_OCSP_BYTES, Sources, sources_of
from osak.shares.certificates.status import Status
from osak.shares.errors import NoSourceError, StatusError


class Fetch(Protocol):
    """Asks at a URL that a certificate names."""

    async def __call__(self, url: str, question: bytes | None, max_bytes: int) -> bytes:
        """POST an OCSP question, or GET if there is none; return the body of the answer.

        Raises:
            StatusError: it may not be asked, or gave no answer.
        """
        ...


FindList: TypeAlias = Callable[[str, x509.Certificate], Awaitable[RevocationList]]
"""Verified list at a URL, of an issuer; raises ``StatusError``."""


async def inquire(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    fetch: Fetch,
    find_list: FindList,
    nonce: bytes,
    now: datetime,
) -> Status:
    """Learn what became of a certificate whose chain was checked.

    Args:
        certificate: the one in question.
        issuer: who issued it.
        fetch: asks OCSP servers.
        find_list: finds lists.
        nonce: ``ocsp.NONCE_BYTES`` fresh random bytes.
        now: with a time zone.

    Raises:
        NoSourceError: the certificate names nobody.
        StatusError: nobody gave an answer that counts; the text has every reason.
    """
    try:
        sources = sources_of(certificate)
    except MALFORMED as error:
        raise StatusError("the certificate is malformed") from error
    if sources == Sources():
        raise NoSourceError("the certificate names nobody who could tell")
    reasons: list[str] = []
    question = ocsp.ask(certificate, issuer, nonce)
    for url in sources.ocsp:
        try:
            answer = await fetch(url, question, MAX_OCSP_BYTES)
            return ocsp.read_answer(answer, certificate, issuer, nonce, now)
        except StatusError as error:
            reasons.append(f"OCSP: {error}")
    for url in sources.crls:
        try:
            return (await find_list(url, issuer)).status_of(certificate)
        except StatusError as error:
            reasons.append(f"CRL: {error}")
    raise StatusError("; ".join(reasons))
