# SPDX-License-Identifier: MIT
"""Containers written in this run by ``pycdoc``, the C++ implementation's wheel: all of them open here.

Version 0.1.2 writes for certificates with P-384 and RSA keys and nothing else; what its source writes
for other curves is covered by the vectors beside the repository. Where it cannot be installed these
tests are skipped, unless ``OSAK_TEST_ALL=1`` says that nothing may be.
"""

import datetime as dt
import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from osak.client.container import (
    ECCapsule,
    MemorySink,
    PrivateKeyUnlocker,
    RSACapsule,
    extract,
    read_header,
    unlock,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pycdoc") is None and os.environ.get("OSAK_TEST_ALL") != "1",
    reason="pycdoc is not installed",
)

FILES = {"tere.txt": b"Tere, maailm!\n", "õäöü 文件.bin": bytes(range(256)) * 300, "tyhi": b""}


@pytest.fixture
def peer() -> Any:
    """The peer; an ImportError when it may not be missing but is."""
    return importlib.import_module("pycdoc")


def certificate(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A self-signed certificate in DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "peer")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2099, 1, 1, tzinfo=dt.UTC))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def written(peer: Any, path: Path, certificates: dict[str, bytes]) -> None:
    """Let the peer write a container for these certificates, by label."""
    writer = peer.CDocWriter.create_writer(2, str(path), None, None, None)
    results = [
        writer.add_recipient(peer.Recipient.make_certificate(label, der))
        for label, der in certificates.items()
    ]
    results.append(writer.begin_encryption())
    for name, data in FILES.items():
        results.append(writer.add_file(name, len(data)))
        if data:
            results.append(writer.write_data(data))
    results.append(writer.finish_encryption())
    assert [result for result in results if result < 0] == []


def opened(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> dict[str, bytes]:
    """Open it with a private key."""
    sink = MemorySink()
    with path.open("rb") as source:
        extract(source, unlock(read_header(source), PrivateKeyUnlocker(key)), sink)
    return sink.files


def test_peer_writes_for_ec(peer: Any, tmp_path: Path) -> None:
    """A container that the peer wrote for an EC certificate opens with every file."""
    key = ec.generate_private_key(ec.SECP384R1())
    path = tmp_path / "peer.cdoc2"
    written(peer, path, {"peer": certificate(key)})
    assert opened(path, key) == FILES


def test_peer_writes_for_rsa(peer: Any, tmp_path: Path) -> None:
    """A container that the peer wrote for an RSA certificate opens with every file."""
    key = rsa.generate_private_key(65537, 3072)
    path = tmp_path / "peer.cdoc2"
    written(peer, path, {"peer": certificate(key)})
    assert opened(path, key) == FILES


def test_peer_writes_for_all(peer: Any, tmp_path: Path) -> None:
    """In a container of the peer for three keys each of them finds its own record."""
    keys: list[ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey] = [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
    ]
    path = tmp_path / "peer.cdoc2"
    written(peer, path, {f"label {number}": certificate(key) for number, key in enumerate(keys)})
    with path.open("rb") as source:
        recipients = read_header(source).recipients
    assert [recipient.key_label for recipient in recipients] == [f"label {number}" for number in range(3)]
    assert [type(recipient.capsule) for recipient in recipients] == [ECCapsule, ECCapsule, RSACapsule]
    for key in keys:
        assert opened(path, key) == FILES
