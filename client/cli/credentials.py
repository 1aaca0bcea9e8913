# SPDX-License-Identifier: MIT
"""The options that name one credential, and what they become: a credential of the library.

Where a command also takes recipients, whose options have the same names, these get a prefix:
``osak reencrypt --open-password`` opens, ``--password LABEL`` is somebody to encrypt for.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from osak.client.cli.identities import IDENTITY_NAMES, identity_options, open_identity
from osak.client.cli.options import FILE, CommandT
from osak.client.cli.terminal import Terminal, read_secret_text
from osak.client.credentials import PKCS12, PrivateKey
from osak.client.errors import UsageError
from osak.client.shared_secrets import Password, Secret

if TYPE_CHECKING:
    from osak.client.configuration import Configuration
    from osak.client.credential_keys import AnyCredential

_KEY_FILES: Final = (
    "p12",
    "p12_password_file",
    "private_key",
    "private_key_password_file",
    "certificate",
)
_NAMES: Final = frozenset(
    (
        *_KEY_FILES,
        *IDENTITY_NAMES,
        "open_password",
        "open_password_file",
        "open_secret",
        "open_label",
    )
)


def credential_options(prefix: str = "") -> Callable[[CommandT], CommandT]:
    """Add the options whose values ``read_credential`` takes, and what every opening needs beside them."""
    options = (
        click.option(
            "--p12", type=FILE, help="Your key and certificate; opens records and signs for share servers."
        ),
        click.option("--p12-password-file", type=FILE, help="Read its password from this file's first line."),
        click.option("--private-key", type=FILE, help="An EC or RSA private key, PEM or DER."),
        click.option(
            "--private-key-password-file", type=FILE, help="Read its password from this file's first line."
        ),
        click.option(
            "--certificate", type=FILE, help="The certificate of --private-key, which servers want to see."
        ),
        *identity_options(),
        click.option(
            f"--{prefix}password",
            "open_password",
            is_flag=True,
            help="Open with a password; you are asked for it.",
        ),
        click.option(
            f"--{prefix}password-file",
            "open_password_file",
            type=FILE,
            help="Open with the password in this file's first line.",
        ),
        click.option(
            f"--{prefix}secret", "open_secret", type=FILE, help="Open with the symmetric key in this file."
        ),
        click.option(
            f"--{prefix}label",
            "open_label",
            metavar="LABEL",
            help="With a password or secret: the record to open, if there are several.",
        ),
        click.option(
            "--trust-container-servers",
            is_flag=True,
            help="Also ask share servers that only the container names. It may lead your ticket anywhere.",
        ),
    )

    def add(command: CommandT) -> CommandT:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def split_credential(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What ``read_credential`` takes of a command's options, and the rest."""
    rest = {name: value for name, value in options.items() if name not in _NAMES}
    return {name: value for name, value in options.items() if name in _NAMES}, rest


def read_credential(
    terminal: Terminal,
    config: "Configuration",
    container: Path,
    *,
    p12: Path | None,
    p12_password_file: Path | None,
    private_key: Path | None,
    private_key_password_file: Path | None,
    certificate: Path | None,
    open_password: bool,
    open_password_file: Path | None,
    open_secret: Path | None,
    open_label: str | None,
    **identity: Any,
) -> "AnyCredential":
    """Exactly one credential; whatever it holds open is let go when the command ends.

    A phone that is asked shows the container's name. Passwords are asked for when they are needed.

    Raises:
        UsageError: none or several were given, or a password file that cannot be read.
        CredentialError: a card that cannot be used.
    """
    identities = open_identity(terminal, config, container, **identity)
    given = [p12, private_key, open_password or open_password_file, open_secret, *identities]
    if sum(one not in (None, False) for one in given) != 1:
        raise UsageError(
            "give one credential to open with: --id-card, --smart-id, --mobile-id, --p12, --private-key,"
            " a password or a secret (see --help)"
        )
    if open_label and not (open_password or open_password_file or open_secret):
        raise UsageError("a label to open belongs to a password or a secret")
    if certificate and private_key is None:
        raise UsageError("--certificate belongs to --private-key")
    if identities:
        return identities[0]()
    if p12 is not None:
        return PKCS12(p12, _password_of(p12, p12_password_file))
    if private_key is not None:
        return PrivateKey(private_key, _password_of(private_key, private_key_password_file), certificate)
    if open_secret is not None:
        return Secret(open_secret, open_label or "")
    return Password(lambda: read_secret_text(open_password_file, "Password"), open_label or "")


def _password_of(path: Path, password_file: Path | None) -> str | Callable[[], str]:
    """A key file's password; asked for only if the file has one, but a file that was named is always read."""
    if password_file is not None:
        return read_secret_text(password_file, "Password")
    return lambda: read_secret_text(None, f"Password of {path.name}")
