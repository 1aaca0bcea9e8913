# SPDX-License-Identifier: MIT
"""What authorities say of certificates that one encrypts to: asked so many at once, each list fetched once.

Answers are remembered for as long as they say, at most ``max_age``: in memory only, since whom somebody
writes to is nobody's business. Only answers are; where there was none, the next piece of work asks again.
"""

import asyncio
import secrets
import threading
from collections import OrderedDict
from datetime import datetime
from typing import Final, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from osak.shares.certificates.crl import RevocationList, read_list
from osak.shares.certificates.inquiry import inquire
from osak.shares.certificates.ocsp import NONCE_BYTES
from osak.shares.certificates.settings import RevocationSettings
from osak.shares.certificates.sources import MAX_CRL_BYTES
from osak.shares.certificates.status import Status
from osak.status_fetch import StatusFetch

CERTIFICATES_KEPT: Final = 1000
_AT_ONCE: Final = 50

# The issuer's fingerprint and the serial number: a signature can be spelt in several ways, this in one.
_Key: TypeAlias = tuple[bytes, int]


class StatusMemory:
    """Answers by certificate; safe to use from several threads."""

    def __init__(self, max_certificates: int = CERTIFICATES_KEPT) -> None:
        self._max_certificates = max_certificates
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, tuple[datetime, datetime, Status]] = OrderedDict()

    def get(self, key: _Key, now: datetime) -> Status | None:
        """What was answered, or None if too long ago, never, or after ``now``: a clock was wrong."""
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            return None
        since, until, status = kept
        return status if since <= now < until else None

    def put(self, key: _Key, since: datetime, until: datetime, status: Status) -> None:
        """Remember it; the oldest goes when there are too many."""
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = since, until, status
            while len(self._kept) > self._max_certificates:
                self._kept.popitem(last=False)


# Of the whole process: library calls read their configuration anew each time, so nothing else outlives one.
_MEMORY: Final = StatusMemory()


class Inquirer:
    """Asks authorities for one piece of work, in one event loop."""

    def __init__(self, settings: RevocationSettings, now: datetime, memory: StatusMemory = _MEMORY) -> None:
        self._settings = settings
        self._now = now
        self._memory = memory
        self._fetch_now = StatusFetch(settings)
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._lists: dict[tuple[bytes, str], asyncio.Task[RevocationList]] = {}

    async def status_of(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Status:
        """What became of a certificate whose chain was checked.

        Raises:
            StatusError: nobody could tell; the text says why.
        """
        key = issuer.fingerprint(SHA256()), certificate.serial_number
        known = self._memory.get(key, self._now)
        if known is not None:
            return known
        status = await inquire(
            certificate,
            issuer,
            fetch=self._fetch,
            find_list=self._find_list,
            nonce=secrets.token_bytes(NONCE_BYTES),
            now=self._now,
        )
        self._memory.put(key, self._now, min(status.valid_until, self._now + self._settings.max_age), status)
        return status

    async def _fetch(self, url: str, question: bytes | None, max_bytes: int) -> bytes:
        async with self._gate:
            return await self._fetch_now(url, question, max_bytes)

    async def _find_list(self, url: str, issuer: x509.Certificate) -> RevocationList:
        """A list of megabytes is fetched and read once, however many people it is of."""
        key = issuer.fingerprint(SHA256()), url
        if key not in self._lists:
            self._lists[key] = asyncio.create_task(self._read_list(url, issuer))
        return await self._lists[key]

    async def _read_list(self, url: str, issuer: x509.Certificate) -> RevocationList:
        content = await self._fetch(url, None, MAX_CRL_BYTES)
        return await asyncio.to_thread(read_list, content, issuer, self._now)
