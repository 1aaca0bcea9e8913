# SPDX-License-Identifier: MIT
"""Containers that the official tools wrote: the good ones open with the right content, the bad one does not.

The vectors stand beside the repository, in ``../shared/vectors``; where that folder is absent the
tests are skipped. Java's own are known to be good or bad one by one; libcdoc's come with a manifest.
"""

import base64
import hashlib
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from osak.client.container import (
    ContainerHeader,
    KeyServerCapsule,
    MemorySink,
    PasswordUnlocker,
    PrivateKeyUnlocker,
    SymmetricUnlocker,
    Unlocker,
    extract,
    key_label,
    read_header,
    unlock,
)
from osak.client.container.errors import NoRecipientError, WrongKeyError

VECTORS = Path(__file__).resolve().parents[3].parent / "shared" / "vectors"

pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="the official vectors are not beside the repository"
)

SECRET = base64.b64decode("HHeUrHfo+bCZd//gGmEOU2nA5cgQolQ/m18UO/dN1tE=")
# What a broken release of the Java tool took as the secret: the text of a list of signed bytes.
MANGLED_SECRET = str([byte - 256 if byte > 127 else byte for byte in SECRET]).encode()

README_1 = "d17970a5f4be8c4f68c5ba65783e8cae6db138dfa0be3b90fb43778638cdfc0b"
README_2 = "e9aaede5d8876c1506fafa9ec9aaac80a46ffe541dd0027844224f4aa1f8359d"
README_3 = "6dc0aaff43fda4d51d489bfad7af1ebe3bb140abfc4aa3c940eabdac728f0e10"
README_4 = "e13f295c28b7730416937b6a005eb2b160fafaa91ae5a1dcda9b461e3960044f"
HELLO = "ac040771fe63305abc04a0eee371c7707380016786b43503ca5aa7d0b6b5f2ef"


def private_key(name: str) -> PrivateKeyUnlocker:
    """The key in a PEM or PKCS#12 file of the vectors."""
    data = (VECTORS / name).read_bytes()
    if name.endswith(".p12"):
        key = pkcs12.load_key_and_certificates(data, b"passwd")[0]
    else:
        key = load_pem_private_key(data, None)
    assert isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey)
    return PrivateKeyUnlocker(key)


def unlocker(credential: str) -> Unlocker:
    """An unlocker from the name of a key file, or from ``kind:value``."""
    kind, colon, value = credential.partition(":")
    if not colon:
        return private_key(credential)
    if kind == "password":
        return PasswordUnlocker(value)
    return SymmetricUnlocker(MANGLED_SECRET if value == "mangled" else SECRET)


def digests(container: Path, opener: Unlocker) -> dict[str, str]:
    """SHA-256 of every file of a container."""
    sink = MemorySink()
    with container.open("rb") as source:
        extract(source, unlock(read_header(source), opener), sink)
    return {name: hashlib.sha256(data).hexdigest() for name, data in sink.files.items()}


def header_of(container: Path) -> ContainerHeader:
    """The open part of a container."""
    return read_header(io.BytesIO(container.read_bytes()))


OLD_CLIENT = "keys/expired/cdoc2client_expired_priv.key"

JAVA_GOOD = [
    ("java-1.0/ec_simple.cdoc2", OLD_CLIENT, README_1),
    ("java-1.0/ec_simple.cdoc2", "keys/expired/cdoc2client.p12", README_1),
    ("java-1.0/ec_simple_old_version_DO_NOT_DELETE.cdoc2", OLD_CLIENT, README_1),
    ("java-1.0/rsa_simple.cdoc2", "keys/rsa_priv.pem", README_1),
    ("java-1.0/symmetric.cdoc2", "secret:", README_1),
    ("java-1.0/symmetric_v1.0.0.cdoc2", "secret:", README_1),
    ("java-1.0/symmetric_old_version_DO_NOT_DELETE.cdoc2", "secret:mangled", README_2),
    ("java-1.0/password_old_version_DO_NOT_DELETE.cdoc2", "password:myPlainTextPassword", README_2),
    ("java-1.2/ec_simple_with_formatted_key_label.cdoc", "keys/expired/cdoc2client.p12", README_3),
    ("java-1.2/password_with_formatted_key_label.cdoc", "password:myPlainTextPassword", README_3),
    ("java-1.2/rsa_simple_with_formatted_key_label.cdoc", "keys/rsa_priv.pem", README_3),
    ("java-1.4/symmetric_with_formatted_key_label.cdoc", "secret:", README_4),
]


@pytest.mark.parametrize(("file", "credential", "digest"), JAVA_GOOD)
def test_java_vectors(file: str, credential: str, digest: str) -> None:
    """Every good container of the Java tool opens and holds the README it was made of."""
    assert digests(VECTORS / file, unlocker(credential)) == {"README.md": digest}


def test_java_long_file_name() -> None:
    """A name in a pax header, with a sign outside of Latin, comes out whole."""
    ((name, digest),) = digests(
        VECTORS / "java-1.0/symmetric_longfilename.cdoc2", unlocker("secret:")
    ).items()
    assert "\u2620" in name
    assert digest == HELLO


def test_java_container_with_wrong_constants() -> None:
    """A container made with wrong key-schedule constants must not open, though its password is right."""
    password = "Kui-Arno-isaga-koolimajja-jõudis-olid-tunnid-juba-alanud"
    with pytest.raises(WrongKeyError):
        digests(VECTORS / "java-1.0/password.cdoc2", PasswordUnlocker(password))


def test_java_container_of_another_key() -> None:
    """The key of another person finds no record."""
    for name in ("keys/alice.pem", "keys/rsa_priv.pem"):
        with pytest.raises(NoRecipientError):
            digests(VECTORS / "java-1.0/ec_simple.cdoc2", private_key(name))


@pytest.mark.parametrize(
    ("file", "transactions"),
    [
        ("ec_server_ria_dev_pkcs12.cdoc2", ["KCd9c0c4fd0cc9922217644ed08e78009a"]),
        (
            "ec_server_ria_dev_id_card.cdoc2",
            ["KC2dd8d01f0347a72ecd371ed7da23e3f1", "KC268ecd0548c1e2c9559217cf708d17bf"],
        ),
        ("rsa_server_ria_dev_pkcs12.cdoc2", ["KC2cb1cb1fa715e7b3909047c0942b3a95"]),
    ],
)
def test_java_capsule_server_records(file: str, transactions: list[str]) -> None:
    """Records that a capsule server keeps are read: server, transaction and key."""
    capsules = [recipient.capsule for recipient in header_of(VECTORS / "java-1.0" / file).recipients]
    found = [capsule for capsule in capsules if isinstance(capsule, KeyServerCapsule)]
    assert [capsule.transaction_id for capsule in found] == transactions
    assert {capsule.keyserver_id for capsule in found} == {"ria-dev"}
    assert all((capsule.curve is None) == file.startswith("rsa") for capsule in found)


def test_java_formatted_labels() -> None:
    """Labels of all releases of the Java tool are taken apart."""
    shown = {
        "java-1.2/ec_simple_with_formatted_key_label.cdoc": "cdoc20-client",
        "java-1.2/password_with_formatted_key_label.cdoc": "passwordlabel",
        "java-1.2/rsa_simple_with_formatted_key_label.cdoc": "rsa_pub.pem",
        "java-1.4/symmetric_with_formatted_key_label.cdoc": "mylabel",
        "java-1.0/rsa_simple.cdoc2": "N/A",
    }
    for file, label in shown.items():
        (recipient,) = header_of(VECTORS / file).recipients
        assert key_label.display(recipient.key_label) == label


@cache
def manifest() -> dict[str, Any]:
    """What libcdoc's vectors hold and what opens them."""
    found: dict[str, Any] = json.loads((VECTORS / "libcdoc" / "manifest.json").read_text("utf-8"))
    return found


def libcdoc_cases() -> list[tuple[str, str]]:
    """Each container of the manifest with each of its credentials."""
    if not VECTORS.is_dir():
        return []
    return [(case["file"], key) for case in manifest()["containers"] for key in case["opens_with"]]


def libcdoc_unlocker(name: str) -> Unlocker:
    """An unlocker from a credential file of the manifest."""
    if name.endswith(".pem"):
        return private_key(f"libcdoc/{name}")
    text = (VECTORS / "libcdoc" / name).read_text("utf-8").strip()
    return SymmetricUnlocker(bytes.fromhex(text)) if name.endswith(".hex") else PasswordUnlocker(text)


@pytest.mark.parametrize(("file", "credential"), libcdoc_cases())
def test_libcdoc_vectors(file: str, credential: str) -> None:
    """Every container of libcdoc opens by each of its recipients, P-256 and P-521 among them."""
    (case,) = (case for case in manifest()["containers"] if case["file"] == file)
    expected = {name: manifest()["files"][name]["sha256"] for name in case["contains"]}
    assert digests(VECTORS / "libcdoc" / file, libcdoc_unlocker(credential)) == expected


def test_libcdoc_manifest_covers_the_folder() -> None:
    """No container lies there untested."""
    listed = {case["file"] for case in manifest()["containers"]}
    assert listed == {path.name for path in (VECTORS / "libcdoc").glob("*.cdoc2")}
