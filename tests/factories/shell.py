# SPDX-License-Identifier: MIT
"""Command lines run in this process, in one folder, with what they need lying there."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from osak.client.cli.main import main

PASSWORD = "Kui-Arno-isaga"


class Shell:
    """Runs command lines with ``--json`` in one folder that it fills."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self.folder = folder
        self._capsys = capsys
        (folder / "osak.yaml").write_text("groups: {}\n")
        (folder / "password").write_text(PASSWORD + "\n")
        (folder / "wrong").write_text("Midagi-Muud\n")
        (folder / "secret").write_bytes(os.urandom(32))
        (folder / "a.txt").write_bytes(b"tere\n" * 500)
        (folder / "tühi").write_bytes(b"")

    def __call__(self, *arguments: str | Path) -> tuple[int, dict[str, Any], str]:
        self._capsys.readouterr()
        code = main([*map(str, arguments), "--json", "--config", str(self.folder / "osak.yaml")])
        out, err = self._capsys.readouterr()
        return code, json.loads(out) if out else {}, err


def key_files(folder: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> tuple[Path, Path]:
    """A public and a private key file."""
    public, private = folder / "key.pub.pem", folder / "key.pem"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public, private
