# SPDX-License-Identifier: MIT
"""Fuzz target: what comes over plain HTTP in an authority's name, OCSP answers and lists.

The first byte says which; keys are new in every process, so a signature never fits by chance.
Promised: nothing but ``StatusError`` comes out, and no change to a word of revocation makes it "good".
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp as x509_ocsp
from factories.authorities import Answer, delegate_of, revocation_list
from factories.people import TestCA

from osak.shares.certificates.crl import read_list
from osak.shares.certificates.ocsp import read_answer
from osak.shares.errors import StatusError

_NOW = datetime.now(UTC)
_NONCE = b"n" * 32
_AUTHORITY = TestCA()
_REVOKED = _AUTHORITY.issue().certificate
_STATUS = x509_ocsp.OCSPCertStatus.REVOKED


def seeds() -> Iterable[bytes]:
    """Words of revocation by the authority and by its delegate, with and without our nonce, and a list."""
    plain = {"about": _REVOKED, "issuer": _AUTHORITY, "status": _STATUS}
    delegate = delegate_of(_AUTHORITY)
    for changes in ({}, {"nonce": _NONCE}, {"signer": delegate}, {"signer": delegate, "by_key": True}):
        yield b"o" + Answer(**plain, **changes).der()  # type: ignore[arg-type]  # parts of several types
    yield b"o" + x509_ocsp.OCSPResponseBuilder.build_unsuccessful(
        x509_ocsp.OCSPResponseStatus.TRY_LATER
    ).public_bytes(Encoding.DER)
    yield b"c" + revocation_list(_AUTHORITY, _REVOKED)
    yield b"c" + revocation_list(_AUTHORITY)[:-1]


def check(data: bytes) -> None:
    """Read it as what it says it is."""
    kind, content = data[:1], data[1:]
    try:
        if kind == b"c":
            status = read_list(content, _AUTHORITY.certificate, _NOW).status_of(_REVOKED)
        else:
            status = read_answer(content, _REVOKED, _AUTHORITY.certificate, _NONCE, _NOW)
    except StatusError:
        return
    assert status.is_revoked, "a word of revocation was turned round"
