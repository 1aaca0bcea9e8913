# SPDX-License-Identifier: MIT
"""``--id-card`` with real soft tokens: records open, PINs come from where they should and fail clearly."""

import os
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from factories.people import Person, TestCA
from factories.shell import Shell
from factories.tokens import PIN, CardBox, nss_card, softhsm_module

from osak.client.container import ContainerWriter, Curve, KekRecipient, KeyServerCapsule, public_key_bytes

AUTHORITY = TestCA()
MARI = AUTHORITY.issue("PNOEE-60001019906", key=ec.generate_private_key(ec.SECP384R1()))
JAAN = AUTHORITY.issue("PNOEE-38001085718", key=ec.generate_private_key(ec.SECP384R1()))


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CardBox:
    """An empty reader, and SoftHSM's module in the configuration."""
    found = CardBox(tmp_path / "cards", softhsm_module())
    found.use(monkeypatch)
    return found


@pytest.fixture
def shell(shell: Shell, box: CardBox) -> Shell:
    configuration = f"credentials: {{pkcs11: {{module: {box.module}}}}}\n"
    (shell.folder / "osak.yaml").write_text(configuration)
    (shell.folder / "pin").write_text(f"{PIN}\n")
    (shell.folder / "wrong-pin").write_text("0000\n")
    return shell


def letter_for(shell: Shell, person: Person) -> Path:
    certificate, letter = shell.folder / "person.pem", shell.folder / "letter.cdoc2"
    certificate.write_bytes(person.certificate_pem)
    code, _, errors = shell("encrypt", shell.folder / "a.txt", "-o", letter, "--cert", certificate)
    assert code == 0, errors
    return letter


def decrypt(shell: Shell, letter: Path, *options: str | Path) -> tuple[int, str]:
    code, _, errors = shell("decrypt", letter, "-o", shell.folder / "out", "--id-card", *options)
    assert (shell.folder / "out").exists() == (code == 0)
    return code, errors


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_opens_with_a_card(shell: Shell, box: CardBox, curve: ec.EllipticCurve) -> None:
    """What is encrypted to the certificate on a card opens with the card and its PIN."""
    person = AUTHORITY.issue(key=ec.generate_private_key(curve))
    box.add("ID-card", person)
    code, errors = decrypt(shell, letter_for(shell, person), "--pin-file", shell.folder / "pin")
    assert code == 0, errors
    assert (shell.folder / "out" / "a.txt").read_bytes() == (shell.folder / "a.txt").read_bytes()


def test_opens_with_an_rsa_card(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RSA-OAEP with SHA-256 by a card that has it; the option goes before the configuration."""
    person = AUTHORITY.issue(key=rsa.generate_private_key(65537, 2048))
    module = nss_card(tmp_path, monkeypatch, "ID-card", person)
    pin = ("--pin-file", shell.folder / "pin")
    code, errors = decrypt(shell, letter_for(shell, person), "--pkcs11-module", module, *pin)
    assert code == 0, errors


def test_a_card_that_cannot(shell: Shell, box: CardBox) -> None:
    """A card without RSA-OAEP over SHA-256 is told as such, exit code 3."""
    person = AUTHORITY.issue(key=rsa.generate_private_key(65537, 2048))
    box.add("ID-card", person)
    code, errors = decrypt(shell, letter_for(shell, person), "--pin-file", shell.folder / "pin")
    assert code == 3
    assert "RSA-OAEP with SHA-256" in errors


def test_a_wrong_pin(shell: Shell, box: CardBox) -> None:
    """Exit code 3; a file with the wrong PIN is not sent again, and the right one typed clears it."""
    box.add("ID-card", MARI)
    letter = letter_for(shell, MARI)
    code, errors = decrypt(shell, letter, "--pin-file", shell.folder / "wrong-pin")
    assert code == 3
    assert "wrong PIN" in errors
    assert "0000" not in errors
    code, errors = decrypt(shell, letter, "--pin-file", shell.folder / "wrong-pin")
    assert code == 3
    assert "was not sent" in errors


def test_a_file_for_somebody_else_asks_nobody(shell: Shell, box: CardBox) -> None:
    """Without a record for the card the PIN is neither read nor sent: exit code 3."""
    box.add("ID-card", JAAN)
    code, errors = decrypt(shell, letter_for(shell, MARI), "--pin-file", shell.folder / "no such file")
    assert code == 3
    assert "fits none of the container" in errors


def test_two_cards(shell: Shell, box: CardBox) -> None:
    """Two cards are listed with their slots, and ``--slot`` chooses."""
    box.add("Jaani kaart", JAAN)
    slot = box.add("Mari kaart", MARI)
    letter, pin = letter_for(shell, MARI), ("--pin-file", shell.folder / "pin")
    code, errors = decrypt(shell, letter, *pin)
    assert code == 3
    assert f"slot {slot}" in errors
    assert "Jaani kaart" in errors
    code, errors = decrypt(shell, letter, "--slot", str(slot), *pin)
    assert code == 0, errors


def test_no_card(shell: Shell) -> None:
    """An empty reader is told as such, exit code 3."""
    code, errors = decrypt(shell, letter_for(shell, MARI))
    assert code == 3
    assert "there is no card" in errors


def test_no_terminal(shell: Shell, box: CardBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nobody to ask and no file the command says how to give the PIN, exit code 2."""
    box.add("ID-card", MARI)
    with Path("/dev/null").open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        code, errors = decrypt(shell, letter_for(shell, MARI))
    assert code == 2
    assert "--pin-file" in errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--slot", "0", "--password"), "belong to --id-card"),
        (("--id-card", "--password"), "one credential"),
        (("--id-card", "--pkcs11-module", "/no/such.so"), "no PKCS#11 module"),
        (("--id-card", "--pkcs11-module", "/etc/hostname"), "no PKCS#11 module that works"),
    ],
)
def test_refusals(shell: Shell, options: tuple[str, ...], said: str) -> None:
    """Options that make no sense and modules that are none are refused before anything is asked."""
    code, _, errors = shell("decrypt", shell.folder / "a.txt", "--list", *options)
    assert code in {2, 3}
    assert said in errors


def test_reencrypt(shell: Shell, box: CardBox) -> None:
    """A card opens for ``osak reencrypt`` as well."""
    box.add("ID-card", MARI)
    letter, new, password = letter_for(shell, MARI), shell.folder / "new.cdoc2", shell.folder / "password"
    opening = ("--id-card", "--pin-file", shell.folder / "pin")
    code, _, errors = shell(
        "reencrypt", letter, "-o", new, *opening, "--password", "kevad", "--password-file", password
    )
    assert code == 0, errors
    assert shell("decrypt", new, "--list", "--password-file", password)[0] == 0


def test_a_capsule_server_that_is_gone(shell: Shell, box: CardBox) -> None:
    """No PIN is asked for while the capsule server cannot be reached; exit code 6."""
    box.add("ID-card", MARI)
    assert isinstance(MARI.key, ec.EllipticCurvePrivateKey)
    capsule = KeyServerCapsule(Curve.P384, public_key_bytes(MARI.key.public_key()), "ria", "KC" + "0" * 32)
    letter = shell.folder / "letter.cdoc2"
    with letter.open("wb") as output, ContainerWriter(output, [KekRecipient(capsule, "Mari", bytes(32))]):
        pass
    servers = "capsule_servers: {ria: {url: 'https://127.0.0.1:1', fetch_url: 'https://127.0.0.1:1'}}\n"
    with (shell.folder / "osak.yaml").open("a") as configuration:
        configuration.write(servers)
    code, errors = decrypt(shell, letter, "--pin-file", shell.folder / "no such file")
    assert code == 6
    assert "capsule server ria could not be reached" in errors


def test_a_pin_from_a_descriptor(shell: Shell, box: CardBox) -> None:
    """``--pin-file`` takes an open descriptor, so that the PIN stands in no file."""
    box.add("ID-card", MARI)
    reading, writing = os.pipe()
    os.write(writing, f"{PIN}\n".encode())
    os.close(writing)
    code, errors = decrypt(shell, letter_for(shell, MARI), "--pin-file", f"/dev/fd/{reading}")
    os.close(reading)
    assert code == 0, errors


def test_without_the_extra(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library for cards is not installed the command says how to get it: exit code 2."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    monkeypatch.delitem(sys.modules, "osak.client.identity.pkcs11_module", raising=False)
    code, errors = decrypt(shell, letter_for(shell, MARI))
    assert code == 2
    assert "install osak[card]" in errors
