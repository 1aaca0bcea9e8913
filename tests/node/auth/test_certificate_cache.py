# SPDX-License-Identifier: MIT
"""What a node remembers of the certificates that it verified, and what it never does."""

from datetime import UTC, datetime, timedelta

import pytest
from factories.people import TestCA, of_version

from osak.node.auth.certificates import CACHE_ENTRIES, CACHE_SECONDS, CertificateVerifier
from osak.node.auth.observer import TrustObserver
from osak.node.errors import CertificateRefusedError
from osak.shares.protocol.strict_json import encode_base64url

NOW = datetime.now(UTC)


class Counter(TrustObserver):
    """Counts what was known and what was not."""

    def __init__(self) -> None:
        self.counts = {True: 0, False: 0}

    def verified(self, *, was_known: bool) -> None:
        self.counts[was_known] += 1


def test_a_certificate_is_verified_once() -> None:
    """The same bytes again are known, for as long as the cache says and no longer."""
    authority = TestCA()
    person = authority.issue()
    counter = Counter()
    verifier = CertificateVerifier([authority.certificate], observer=counter)
    first = verifier.verify(person.x5c, NOW)
    assert verifier.verify(person.x5c_base64url, NOW + timedelta(seconds=CACHE_SECONDS - 1)) is first
    assert counter.counts == {True: 1, False: 1}
    verifier.verify(person.x5c, NOW + timedelta(seconds=CACHE_SECONDS))
    assert counter.counts == {True: 1, False: 2}


def test_what_was_refused_is_not_remembered() -> None:
    """A stranger's certificate is verified each time, and refused each time."""
    stranger = TestCA().issue()
    counter = Counter()
    verifier = CertificateVerifier([TestCA().certificate], observer=counter)
    for _ in range(2):
        with pytest.raises(CertificateRefusedError):
            verifier.verify(stranger.x5c, NOW)
    assert counter.counts == {True: 0, False: 2}


def test_the_cache_is_bounded() -> None:
    """More certificates than there is room for push the oldest out."""
    authority = TestCA()
    key = authority.issue().key
    people = [authority.issue(key=key) for _ in range(CACHE_ENTRIES + 1)]
    counter = Counter()
    verifier = CertificateVerifier([authority.certificate], observer=counter)
    for person in people:
        verifier.verify(person.x5c, NOW)
    verifier.verify(people[-1].x5c, NOW)
    verifier.verify(people[0].x5c, NOW)
    assert counter.counts == {True: 1, False: CACHE_ENTRIES + 2}


def test_validity_of_issuers_is_remembered_too() -> None:
    """A chain that was good a moment ago is refused when the authority above has expired since."""
    now = NOW + timedelta(days=3649, hours=23, minutes=59)
    authority = TestCA(now=NOW)
    person = authority.issue(not_after=NOW + timedelta(days=5000))
    counter = Counter()
    verifier = CertificateVerifier([authority.certificate], observer=counter)
    verifier.verify(person.x5c, now)
    with pytest.raises(CertificateRefusedError):
        verifier.verify(person.x5c, now + timedelta(minutes=2))


def test_a_version_that_does_not_exist() -> None:
    """A certificate of version 39 is malformed like any other, no fault of the node."""
    authority = TestCA()
    header = encode_base64url(of_version(authority.issue().der, 38))
    with pytest.raises(CertificateRefusedError, match="malformed"):
        CertificateVerifier([authority.certificate]).verify(header, NOW)
