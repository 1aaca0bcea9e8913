# SPDX-License-Identifier: MIT
"""``osak decrypt``: one container and one credential in, files out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from osak.client.cli.failures import outcome_facts
from osak.client.cli.options import FILE, common_options
from osak.client.cli.terminal import Terminal, read_secret_text, read_small_file
from osak.client.config import load_client_config
from osak.client.container import PasswordUnlocker, PrivateKeyUnlocker, SymmetricUnlocker
from osak.client.decrypt import Decrypted, decrypt_file
from osak.client.errors import UsageError
from osak.client.identity.files import PasswordNeededError, load_pkcs12, load_private_key, load_secret
from osak.client.opening import Keys
from osak.coordinator import KeyCredential, Status

LoadedT = TypeVar("LoadedT")


@click.command(short_help="Open a container and write its files.")
@click.argument("container", type=FILE)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The folder for the files."
)
@click.option("--p12", type=FILE, help="Your key and certificate; opens records and signs for share servers.")
@click.option("--p12-password-file", type=FILE, help="Read its password from this file's first line.")
@click.option("--private-key", type=FILE, help="An EC or RSA private key, PEM or DER.")
@click.option("--private-key-password-file", type=FILE, help="Read its password from this file's first line.")
@click.option("--password", is_flag=True, help="Open with a password; you are asked for it.")
@click.option("--password-file", type=FILE, help="Open with the password in this file's first line.")
@click.option("--secret", type=FILE, help="Open with the symmetric key in this file.")
@click.option("--label", help="With a password or secret: the record to open, if there are several.")
@click.option(
    "--trust-container-servers",
    is_flag=True,
    help="Also ask share servers that only the container names. It may lead your ticket anywhere.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@common_options
def decrypt(
    terminal: Terminal,
    container: Path,
    *,
    output: Path,
    trust_container_servers: bool,
    overwrite: bool,
    **credential: Any,
) -> None:
    r"""Open CONTAINER with one credential and write its files into the output folder.

    Nothing appears in the folder before the whole container was checked.

    \b
    osak decrypt letter.cdoc2 -o letter --p12 me.p12
    osak decrypt both.cdoc2 -o both --password
    """
    keys = _read_keys(**credential)
    config = load_client_config(terminal.config)
    total = container.stat().st_size if container.is_file() else 0
    with terminal.progress("decrypting", total) as progress:
        done = decrypt_file(
            container,
            output,
            keys,
            config=config,
            trust_container_servers=trust_container_servers,
            overwrite=overwrite,
            progress=progress,
        )
    for outcome in done.outcomes:
        if outcome.status not in {Status.OK, Status.SPARE}:
            terminal.note(f"warning: {outcome}")
    names = "".join(f"\n  {file.name}  ({file.size:,} bytes)" for file in done.files)
    terminal.result(_facts(done), f"wrote {len(done.files)} files to {output}:{names}")


def _read_keys(
    *,
    p12: Path | None,
    p12_password_file: Path | None,
    private_key: Path | None,
    private_key_password_file: Path | None,
    password: bool,
    password_file: Path | None,
    secret: Path | None,
    label: str | None,
) -> Keys:
    """Exactly one credential, read and ready."""
    given = [p12, private_key, password or password_file, secret]
    if sum(one not in (None, False) for one in given) != 1:
        raise UsageError("give one credential: --p12, --private-key, --password, --password-file or --secret")
    if label and not (password or password_file or secret):
        raise UsageError("--label belongs to a password or a secret")
    if p12 is not None:
        person = _with_password(load_pkcs12, p12, p12_password_file)
        return Keys(
            PrivateKeyUnlocker(person.private_key), KeyCredential(person.private_key, person.certificate)
        )
    if private_key is not None:
        return Keys(
            PrivateKeyUnlocker(_with_password(load_private_key, private_key, private_key_password_file))
        )
    if secret is not None:
        return Keys(SymmetricUnlocker(load_secret(read_small_file(secret)), label))
    return Keys(PasswordUnlocker(read_secret_text(password_file, "Password"), label))


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


def _facts(done: Decrypted) -> dict[str, Any]:
    return {
        "folder": str(done.folder),
        "files": [{"name": file.name, "bytes": file.size} for file in done.files],
        "outcomes": [outcome_facts(outcome) for outcome in done.outcomes],
    }
