# SPDX-License-Identifier: MIT
"""The options that name one credential, and what they become: keys to open a container with.

Where a command also takes recipients, whose options have the same names, these get a prefix:
``osak reencrypt --open-password`` opens, ``--password LABEL`` is somebody to encrypt for.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from osak.client.cli.identities import IDENTITY_NAMES, identity_options, open_identity
from osak.client.cli.options import FILE, CommandT
from osak.client.cli.terminal import Terminal, read_secret_text, read_small_file
from osak.client.configuration import Configuration
from osak.client.container import PasswordUnlocker, PrivateKeyUnlocker, SymmetricUnlocker
from osak.client.errors import UsageError
from osak.client.identity.files import (
    PasswordNeededError,
    PersonalKey,
    load_personal_key,
    load_pkcs12,
    load_private_key,
    load_secret,
)
from osak.client.opening import Keys
from osak.coordinator import CredentialError, KeyCredential

LoadedT = TypeVar("LoadedT")

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
    """Add the options whose values ``read_keys`` takes, and what every opening needs beside them."""
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
    """What ``read_keys`` takes of a command's options, and the rest."""
    rest = {name: value for name, value in options.items() if name not in _NAMES}
    return {name: value for name, value in options.items() if name in _NAMES}, rest


def read_keys(
    terminal: Terminal,
    config: Configuration,
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
) -> Keys:
    """Exactly one credential, read and ready; whatever it holds open is let go when the command ends.

    A phone that is asked shows the container's name.

    Raises:
        UsageError: none or several were given, or one that cannot be read.
        CredentialFileError: a key file that cannot be used.
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
        return _personal_keys(_with_password(load_pkcs12, p12, p12_password_file))
    if private_key is not None:
        key = _with_password(load_private_key, private_key, private_key_password_file)
        if certificate is not None:
            return _personal_keys(load_personal_key(key, read_small_file(certificate)))
        return Keys(PrivateKeyUnlocker(key), private_key=key)
    if open_secret is not None:
        return Keys(SymmetricUnlocker(load_secret(read_small_file(open_secret)), open_label))
    return Keys(PasswordUnlocker(read_secret_text(open_password_file, "Password"), open_label))


def _personal_keys(person: PersonalKey) -> Keys:
    """All that a key with its certificate can do; not every certificate names a person who has shares."""
    credential = None
    with suppress(CredentialError):
        credential = KeyCredential(person.private_key, person.certificate)
    return Keys(PrivateKeyUnlocker(person.private_key), credential, person.private_key, person.certificate)


def _with_password(
    load: Callable[[bytes, str | None], LoadedT], path: Path, password_file: Path | None
) -> LoadedT:
    """Load a key file; ask for its password only if it has one."""
    data = read_small_file(path)
    if password_file is not None:
        return load(data, read_secret_text(password_file, "Password"))
    try:
        return load(data, None)
    except PasswordNeededError:
        return load(data, read_secret_text(None, f"Password of {path.name}"))
