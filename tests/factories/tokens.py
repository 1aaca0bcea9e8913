# SPDX-License-Identifier: MIT
"""Cards for tests: SoftHSM's tokens and NSS's in a folder, with people's keys and certificates on them.

They are real parts (Debian's ``softhsm2``; ``libnss3`` and a C compiler): without them tests are skipped,
but with ``OSAK_TEST_ALL=1`` they fail. Neither ever locks a PIN by itself: ``locking_module`` lets SoftHSM
count as a card does. SoftHSM 2.6.1 has no RSA-OAEP with SHA-256; NSS has.
"""

import ctypes.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from factories.people import Person
from pkcs11.util.ec import encode_named_curve_parameters

PIN = "4821"
_PLACES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


def softhsm_module() -> Path:
    """SoftHSM's PKCS#11 module; a test that asks for it is skipped without it."""
    found = next((Path(place) for place in _PLACES if Path(place).is_file()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        _do_without("softhsm2 is not installed")
    return found


def nss_card(folder: Path, monkeypatch: pytest.MonkeyPatch, label: str, person: Person) -> Path:
    """Make NSS's token a card with this person's RSA key on it; return its PKCS#11 module."""
    if ctypes.util.find_library("softokn3") is None:
        _do_without("libnss3 is not installed")
    module = _compiled("nss_shim.c", folder)
    database = folder / "nss"
    database.mkdir()
    monkeypatch.setenv(
        "NSS_TOKEN_PARAMETERS", f"configdir='sql:{database}' flags= dbTokenDescription='{label}'"
    )
    library = pkcs11.lib(str(module))
    try:
        token = next(slot.get_token() for slot in library.get_slots() if slot.get_token().label == label)
        with token.open(rw=True, so_pin="") as session:
            session.init_pin(PIN)
        with token.open(rw=True, user_pin=PIN) as session:
            _store(session, person, b"\x01")
    finally:
        library.finalize()
    return module


def locking_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SoftHSM's module, but three wrong PINs in a row lock every token."""
    monkeypatch.setenv("LOCKING_MODULE", str(softhsm_module()))
    monkeypatch.setenv("LOCKING_COUNT", str(folder / "wrong-pins"))
    return _compiled("locking_shim.c", folder)


def _compiled(source: str, folder: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        _do_without("a C compiler is not installed")
    module = folder / f"{source}.so"
    sources = str(Path(__file__).parent / source)
    options = ["-Wall", "-Werror", "-shared", "-fPIC", "-o", str(module)]
    subprocess.run([compiler, *options, sources], check=True)
    return module


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("OSAK_TEST_ALL"):
        pytest.fail(f"OSAK_TEST_ALL asks for it: {reason}")
    pytest.skip(reason)


@dataclass(frozen=True)
class CardBox:
    """A folder of SoftHSM tokens; one at a time is in force in a process, through the environment."""

    folder: Path
    module: Path

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Make it the one that SoftHSM sees when it is loaded next."""
        tokens = self.folder / "tokens"
        tokens.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        monkeypatch.setenv("SOFTHSM2_CONF", str(conf))

    def add(self, label: str, *people: Person, without: Sequence[pkcs11.Attribute] = ()) -> int:
        """Put a new card with these people's keys, ``without`` some uses, into the box; return its slot."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", label]
        done = subprocess.run(
            [*command, "--pin", PIN, "--so-pin", "12345678"], check=True, capture_output=True, text=True
        )
        found = re.search(r"slot (\d+)\s*$", done.stdout)
        assert found, done.stdout
        library = pkcs11.lib(str(self.module))
        try:
            token = next(slot for slot in library.get_slots() if slot.slot_id == int(found[1])).get_token()
            with token.open(rw=True, user_pin=PIN) as session:
                for number, person in enumerate(people):
                    _store(session, person, bytes([number + 1]), without)
        finally:
            library.finalize()
        return int(found[1])


def _store(
    session: pkcs11.Session, person: Person, key_id: bytes, without: Sequence[pkcs11.Attribute] = ()
) -> None:
    """Write a key and its certificate."""
    common: dict[pkcs11.Attribute, Any] = {pkcs11.Attribute.TOKEN: True, pkcs11.Attribute.ID: key_id}
    certificate = person.certificate
    session.create_object(
        {
            **common,
            pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
            pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
            pkcs11.Attribute.PRIVATE: False,
            pkcs11.Attribute.SUBJECT: certificate.subject.public_bytes(),
            pkcs11.Attribute.ISSUER: certificate.issuer.public_bytes(),
            pkcs11.Attribute.SERIAL_NUMBER: _der_integer(certificate.serial_number),
            pkcs11.Attribute.VALUE: person.der,
        }
    )
    session.create_object(
        {
            **common,
            **_key_material(person),
            pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
            pkcs11.Attribute.PRIVATE: True,
            pkcs11.Attribute.SENSITIVE: True,
            pkcs11.Attribute.SIGN: True,
            **dict.fromkeys(without, False),
        }
    )


def _der_integer(number: int) -> bytes:
    """DER of a positive INTEGER of less than 128 bytes (X.690, 8.3)."""
    content = number.to_bytes(number.bit_length() // 8 + 1)
    return bytes([2, len(content)]) + content


def _key_material(person: Person) -> dict[pkcs11.Attribute, Any]:
    if isinstance(person.key, ec.EllipticCurvePrivateKey):
        size = (person.key.key_size + 7) // 8
        return {
            pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.EC,
            pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(person.key.curve.name),
            pkcs11.Attribute.VALUE: person.key.private_numbers().private_value.to_bytes(size),
            pkcs11.Attribute.DERIVE: True,
        }
    numbers = person.key.private_numbers()
    parts = {
        pkcs11.Attribute.MODULUS: numbers.public_numbers.n,
        pkcs11.Attribute.PUBLIC_EXPONENT: numbers.public_numbers.e,
        pkcs11.Attribute.PRIVATE_EXPONENT: numbers.d,
        pkcs11.Attribute.PRIME_1: numbers.p,
        pkcs11.Attribute.PRIME_2: numbers.q,
        pkcs11.Attribute.EXPONENT_1: numbers.dmp1,
        pkcs11.Attribute.EXPONENT_2: numbers.dmq1,
        pkcs11.Attribute.COEFFICIENT: numbers.iqmp,
    }
    encoded = {name: value.to_bytes((value.bit_length() + 7) // 8) for name, value in parts.items()}
    return {pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.RSA, pkcs11.Attribute.DECRYPT: True, **encoded}
