# SPDX-License-Identifier: MIT
"""``--p12`` of somebody who is no person of the eID: a company opens what is encrypted to it."""

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID
from factories.shell import Shell


def company_files(folder: Path) -> tuple[Path, Path]:
    """A certificate without a serialNumber in its subject, and the PKCS#12 file with its key."""
    key, now = ec.generate_private_key(ec.SECP384R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Aktsiaselts Näidis")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    )
    public, p12 = folder / "company.pem", folder / "company.p12"
    public.write_bytes(certificate.public_bytes(Encoding.PEM))
    protection = BestAvailableEncryption((folder / "password").read_bytes().strip())
    p12.write_bytes(pkcs12.serialize_key_and_certificates(b"company", key, certificate, None, protection))
    return public, p12


def test_a_company_opens_its_record(shell: Shell) -> None:
    """The certificate names nobody who could fetch shares; its key is a key all the same."""
    folder = shell.folder
    public, p12 = company_files(folder)
    box = folder / "a.cdoc2"
    assert shell("encrypt", folder / "a.txt", "-o", box, "--cert", public)[0] == 0
    opening = ("--p12", p12, "--p12-password-file", folder / "password")
    code, _, errors = shell("decrypt", box, "-o", folder / "out", *opening)
    assert code == 0, errors
    assert (folder / "out" / "a.txt").read_bytes() == (folder / "a.txt").read_bytes()


def test_a_wrong_password_of_the_file(shell: Shell) -> None:
    """Told as such, exit code 3, nothing written."""
    folder = shell.folder
    public, p12 = company_files(folder)
    box = folder / "a.cdoc2"
    assert shell("encrypt", folder / "a.txt", "-o", box, "--cert", public)[0] == 0
    opening = ("--p12", p12, "--p12-password-file", folder / "wrong")
    code, _, errors = shell("decrypt", box, "-o", folder / "out", *opening)
    assert code == 3
    assert "password" in errors
    assert not (folder / "out").exists()
