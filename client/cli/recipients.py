# SPDX-License-Identifier: MIT
"""The options that name recipients, and what they become: recipients of the library, in any mix."""

from pathlib import Path

import click

from osak.client.cli.options import FILE, THRESHOLD, CommandT
from osak.client.cli.terminal import read_secret_text
from osak.client.errors import UsageError
from osak.client.recipients import AnyRecipient, CardPlace, Person, PublicKey, SharesRule
from osak.client.shared_secrets import Password, Secret

_OPTIONS = (
    click.option(
        "--to",
        "people",
        multiple=True,
        metavar="ID",
        help="A person by code: cards are looked up, key shares kept on servers.",
    ),
    click.option(
        "--group",
        "group_name",
        metavar="NAME",
        help="Servers to use for --to (else the configuration's default).",
    ),
    click.option(
        "--threshold",
        metavar="T",
        type=THRESHOLD,
        help="How many servers open the file, for --to.",
    ),
    click.option(
        "--n-of-n", is_flag=True, help="For --to: the official scheme; every server is needed to open it."
    ),
    click.option(
        "--cards",
        type=click.Choice(["container", "server", "both", "none"]),
        help="For --to: where the key goes for a card that the directory has (else as the policy says).",
    ),
    click.option(
        "--shares",
        type=click.Choice(["always", "without-card", "never"]),
        help="For --to: when shares are kept on servers (else as the policy says).",
    ),
    click.option(
        "--cert", "certificates", multiple=True, type=FILE, help="A certificate or public key (EC or RSA)."
    ),
    click.option(
        "--server",
        "server_id",
        metavar="ID",
        help="For --cert and --cards: keep the key at this capsule server of the configuration.",
    ),
    click.option(
        "--password", "passwords", multiple=True, metavar="LABEL", help="A password; you are asked for it."
    ),
    click.option("--password-file", type=FILE, help="Read the one --password from this file's first line."),
    click.option(
        "--secret",
        "secrets",
        multiple=True,
        metavar="LABEL=PATH",
        help="A symmetric key of 32 bytes or more.",
    ),
    click.option(
        "--plain-labels",
        is_flag=True,
        help="Label recipients by bare names, without machine-readable fields.",
    ),
)


def recipient_options(command: CommandT) -> CommandT:
    """Add the options whose values ``read_recipients`` takes, and how records are labelled."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_recipients(
    *,
    people: tuple[str, ...],
    group_name: str | None,
    threshold: int | None,
    n_of_n: bool,
    cards: CardPlace | None,
    shares: SharesRule | None,
    certificates: tuple[Path, ...],
    server_id: str | None,
    passwords: tuple[str, ...],
    password_file: Path | None,
    secrets: tuple[str, ...],
) -> list[AnyRecipient]:
    """All recipients that were named; passwords stand last, to be asked for when all else is in order.

    Raises:
        UsageError: nobody was named, or options do not go together.
    """
    if not (people or certificates or passwords or secrets):
        raise UsageError(
            "nobody could open this file: name a recipient with --to, --cert, --password or --secret"
        )
    if not people and (group_name or threshold or n_of_n or cards or shares):
        raise UsageError("--group, --threshold, --n-of-n, --cards and --shares belong to --to: name a person")
    if n_of_n and threshold:
        raise UsageError("--n-of-n needs every server: leave --threshold out")
    if server_id is not None and not certificates and not people:
        raise UsageError("--server belongs to --cert or --to: name a certificate, public key or person")
    if password_file is not None and len(passwords) != 1:
        raise UsageError("--password-file goes with exactly one --password LABEL")
    # Beside --cert it is for the certificate, unless cards are to go there too.
    card_server = server_id if cards in ("server", "both") or not certificates else None
    return [
        *(Person(code, group_name, threshold, n_of_n or None, cards, shares, card_server) for code in people),
        *(PublicKey(path, server_id) for path in certificates),
        *(_secret(text) for text in secrets),
        *(_password(label, password_file) for label in passwords),
    ]


def _secret(text: str) -> Secret:
    label, equals, path = text.partition("=")
    if not label or not equals or not path:
        raise UsageError("--secret takes LABEL=PATH, for example --secret office=office.key")
    return Secret(Path(path), label)


def _password(label: str, file: Path | None) -> Password:
    return Password(lambda: read_secret_text(file, f"Password for {label}", confirm=True), label)
