# SPDX-License-Identifier: MIT
"""OCSP answers: what counts as an authority's word, and everything that does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from factories.authorities import Answer, delegate_of
from factories.people import Person, TestCA

from osak.shares.certificates.ocsp import ask, read_answer
from osak.shares.certificates.status import MAX_LIFE, SKEW, UNSTATED_LIFE, Status
from osak.shares.errors import StatusError

NOW = datetime.now(UTC).replace(microsecond=0)
NONCE = b"n" * 32
CA = TestCA()
STRANGER = TestCA()
SAME_NAME = TestCA()
PERSON = CA.issue()
OTHER = CA.issue()
DELEGATE = delegate_of(CA)


def read(**changes: Any) -> Status:
    answer = Answer(**{"about": PERSON.certificate, "issuer": CA, "this_update": NOW, **changes})
    return read_answer(answer.der(), PERSON.certificate, CA.certificate, NONCE, NOW)


def test_the_question() -> None:
    """It names one certificate and carries the nonce, and says nothing else."""
    question = ocsp.load_der_ocsp_request(ask(PERSON.certificate, CA.certificate, NONCE))
    assert question.serial_number == PERSON.certificate.serial_number
    assert [extension.value.public_bytes()[-32:] for extension in question.extensions] == [NONCE]


def test_the_authority_itself() -> None:
    """Its own signature is enough, whether it is named by name or by key, with our nonce or none."""
    for changes in ({}, {"by_key": True}, {"nonce": NONCE}):
        assert not read(**changes).is_revoked


def test_a_delegate() -> None:
    """Whom the authority made its responder speaks for it."""
    assert not read(signer=DELEGATE).is_revoked
    assert not read(signer=DELEGATE, by_key=True).is_revoked
    assert not read(signer=delegate_of(CA, usages=None)).is_revoked
    with_others = [OTHER.certificate, DELEGATE.certificate]
    assert not read(signer=DELEGATE, certificates=with_others).is_revoked


@pytest.mark.parametrize("status", [ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN])
def test_revoked(status: ocsp.OCSPCertStatus) -> None:
    """Revoked is revoked, and so is what the authority does not know that it issued."""
    assert read(status=status).is_revoked
    assert read(status=status, signer=DELEGATE).is_revoked


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": Person(SAME_NAME.certificate, SAME_NAME.key)},
        {"signer": STRANGER.issue()},
        {"signer": delegate_of(STRANGER)},
        {"signer": delegate_of(CA, oids=())},
        {"signer": delegate_of(CA, oids=["1.3.6.1.5.5.7.3.2"])},
        {"signer": delegate_of(CA, usages=["key_agreement"])},
        {"signer": OTHER},
        {"signer": delegate_of(CA, not_after=NOW - timedelta(seconds=1))},
        {"signer": delegate_of(CA, not_before=NOW + timedelta(hours=1))},
        {"signer": delegate_of(STRANGER), "certificates": [DELEGATE.certificate]},
        {"signer": DELEGATE, "certificates": [OTHER.certificate]},
        {"signer": DELEGATE, "certificates": [OTHER.certificate] * 4 + [DELEGATE.certificate]},
        {"hash_algorithm": hashes.SHA224()},
        {"nonce": b"o" * 32},
        {"extensions": [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]},
        {"about": OTHER.certificate},
        {"issuer": SAME_NAME},
        {"this_update": NOW + SKEW + timedelta(seconds=1)},
        {"this_update": NOW - UNSTATED_LIFE - SKEW - timedelta(seconds=1)},
        {"this_update": NOW - timedelta(days=1), "next_update": NOW - SKEW - timedelta(seconds=1)},
        {
            "this_update": NOW - MAX_LIFE - SKEW - timedelta(seconds=1),
            "next_update": NOW + timedelta(days=300),
        },
    ],
    ids=[
        "another key",
        "no delegate",
        "another's delegate",
        "no purpose",
        "another purpose",
        "another use",
        "a person",
        "ended delegate",
        "early delegate",
        "delegate's name, another key",
        "certificate not sent",
        "too many certificates",
        "weak hash",
        "another nonce",
        "critical unknown",
        "another certificate",
        "namesake of the authority",
        "from the future",
        "old, no end",
        "ended",
        "far too old",
    ],
)
def test_what_proves_nothing(changes: dict[str, Any]) -> None:
    """Forged, foreign, stale: none of it says anything about the certificate."""
    with pytest.raises(StatusError):
        read(**changes)


@pytest.mark.parametrize("life", [timedelta(minutes=1), timedelta(days=7)])
def test_until_when(life: timedelta) -> None:
    """An answer is good until its next update; one that names none, for a short while."""
    assert read(next_update=NOW + life).valid_until == NOW + life
    assert read().valid_until == NOW + UNSTATED_LIFE
    assert read(next_update=NOW + timedelta(days=300)).valid_until == NOW + MAX_LIFE


@pytest.mark.parametrize("status", [one for one in ocsp.OCSPResponseStatus if one.value])
def test_no_answer(status: ocsp.OCSPResponseStatus) -> None:
    """A responder that says that it cannot answer has not answered."""
    der = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
    with pytest.raises(StatusError, match="the OCSP server answers"):
        read_answer(der, PERSON.certificate, CA.certificate, NONCE, NOW)


def test_damaged_answers() -> None:
    """However an answer is cut or a bit of it turned, it never says that a revoked certificate is good."""
    whole = Answer(PERSON.certificate, CA, this_update=NOW, status=ocsp.OCSPCertStatus.REVOKED).der()
    for position in range(len(whole)):
        turned = bytearray(whole)
        turned[position] ^= 0x01
        for damaged in (bytes(turned), whole[:position]):
            try:
                status = read_answer(damaged, PERSON.certificate, CA.certificate, NONCE, NOW)
            except StatusError:
                continue
            assert status.is_revoked, position
