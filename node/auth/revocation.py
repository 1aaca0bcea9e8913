# SPDX-License-Identifier: MIT
"""Whether a certificate's authority still stands by it, asked once and remembered.

Only certificates whose chain was checked and whose owner has just signed are asked about: a stranger can
make a node ask nobody anything. Every certificate below the anchor is, one after the other, the person's
first. An answer is believed as long as it says, at most ``max_age``; that nobody could tell is remembered
for ``RETRY_SECONDS``, so that a server that hangs holds up one request and not all. Requests about the same
certificate wait for one question. "revoked" refuses in every mode, what nobody could tell in ``hard`` alone.
Who was once said to be revoked stays so until the authority says otherwise, of a later time: to silence it,
or to show its older list, is of no use.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from osak.node.auth.memo import Finding, Memo
from osak.node.auth.observer import TrustObserver
from osak.node.errors import CertificateRevokedError, StatusUnavailableError
from osak.shares.certificates.crl import RevocationList, read_list
from osak.shares.certificates.inquiry import Fetch, inquire
from osak.shares.certificates.ocsp import NONCE_BYTES
from osak.shares.certificates.settings import PATIENCE, RevocationSettings
from osak.shares.certificates.sources import MAX_CRL_BYTES
from osak.shares.certificates.status import Status
from osak.shares.errors import NoSourceError, StatusError

RETRY_SECONDS: Final = 15
CERTIFICATES_KEPT: Final = 4096
LISTS_KEPT: Final = 16
ISSUERS_KEPT: Final = 64


class StatusChecker:
    """Asks authorities about certificates, as the settings say."""

    def __init__(
        self,
        settings: RevocationSettings,
        fetch: Fetch,
        random_bytes: Callable[[int], bytes],
        observer: TrustObserver,
    ) -> None:
        self._settings = settings
        self._fetch = fetch
        self._random_bytes = random_bytes
        self._observer = observer
        self._statuses: Memo[Status | None] = Memo(CERTIFICATES_KEPT)
        self._lists: Memo[RevocationList | StatusError] = Memo(LISTS_KEPT)
        self._revoked: OrderedDict[bytes, Status] = OrderedDict()

    async def check(self, chain: Sequence[x509.Certificate], now: datetime) -> None:
        """Check a verified chain, from a person's certificate to its anchor.

        Raises:
            CertificateRevokedError: one of its certificates was revoked.
            StatusUnavailableError: mode hard, and nobody could tell.
        """
        if self._settings.mode == "off":
            return
        for certificate, issuer in pairwise(chain):
            await self._check_one(certificate, issuer, now)

    def cannot_tell(self, reason: str) -> None:
        """Treat a certificate about which nobody can be asked as the mode says.

        Raises:
            StatusUnavailableError: mode hard.
        """
        if self._settings.mode != "off":
            self._observer.learnt_nothing(reason)
            self._let_through_or_refuse()

    async def _check_one(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> None:
        # Not by its bytes: a signature can be spelt in several ways, a serial number in one.
        key = _key_of(issuer, str(certificate.serial_number))
        status = await self._statuses.get(key, now, lambda: self._learn(key, certificate, issuer, now))
        if status is None:
            self._let_through_or_refuse()
        elif status.is_revoked:
            raise CertificateRevokedError("the certificate was revoked")

    def _let_through_or_refuse(self) -> None:
        if self._settings.mode == "hard":
            raise StatusUnavailableError("nobody could tell whether the certificate was revoked")
        self._observer.let_through()

    async def _learn(
        self, key: bytes, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Finding[Status | None]:
        """Ask; None if nobody could tell, now or before."""
        try:
            async with asyncio.timeout(PATIENCE * self._settings.timeout.total_seconds()):
                status = await inquire(
                    certificate,
                    issuer,
                    fetch=self._fetch,
                    find_list=lambda url, of: self._find_list(url, of, now),
                    nonce=self._random_bytes(NONCE_BYTES),
                    now=now,
                )
        except NoSourceError as error:
            self._observer.learnt_nothing(str(error))
            return Finding(None, now + self._settings.max_age)
        except (StatusError, TimeoutError) as error:
            self._observer.learnt_nothing(str(error) or "no answer in time")
            return Finding(self._revoked.get(key), now + timedelta(seconds=RETRY_SECONDS))
        status = self._settle(key, status)
        self._observer.learnt(status.source, "revoked" if status.is_revoked else "good")
        return Finding(status, min(status.valid_until, now + self._settings.max_age))

    def _settle(self, key: bytes, status: Status) -> Status:
        """What to believe: ``status``, unless it is older news than a revocation that was heard of before."""
        known = self._revoked.pop(key, None)
        if known is not None and not status.is_revoked and status.as_of <= known.as_of:
            # For as long as that older word could be believed; then the authority is asked again.
            status = replace(known, valid_until=status.valid_until)
        if status.is_revoked:
            self._revoked[key] = status
            if len(self._revoked) > CERTIFICATES_KEPT:
                self._revoked.popitem(last=False)
        return status

    async def _find_list(self, url: str, issuer: x509.Certificate, now: datetime) -> RevocationList:
        key = _key_of(issuer, url)
        found = await self._lists.get(key, now, lambda: self._learn_list(url, issuer, now))
        if isinstance(found, StatusError):
            raise found
        return found

    async def _learn_list(
        self, url: str, issuer: x509.Certificate, now: datetime
    ) -> Finding[RevocationList | StatusError]:
        try:
            content = await self._fetch(url, None, MAX_CRL_BYTES)
            # Megabytes of DER are read in a thread, and others are served meanwhile.
            found = await asyncio.to_thread(read_list, content, issuer, now)
        except StatusError as error:
            return Finding(error, now + timedelta(seconds=RETRY_SECONDS))
        until = found.valid_for_people_until or found.valid_until
        return Finding(found, min(until, now + self._settings.max_age))


def _key_of(issuer: x509.Certificate, name: str) -> bytes:
    return hashlib.sha256(_fingerprint(issuer) + name.encode()).digest()


@lru_cache(maxsize=ISSUERS_KEPT)
def _fingerprint(issuer: x509.Certificate) -> bytes:
    return issuer.fingerprint(SHA256())
