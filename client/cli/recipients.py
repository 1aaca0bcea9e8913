# SPDX-License-Identifier: MIT
"""The options that name recipients, and what they become: people to encrypt for, in any mix."""

from dataclasses import dataclass, replace
from pathlib import Path

import click

from osak.client.capsule_server.recipient import CapsuleServerRecipient
from osak.client.cli.options import FILE, CommandT
from osak.client.cli.terminal import read_secret_text, read_small_file
from osak.client.config import ClientConfig
from osak.client.container import PasswordRecipient, PublicKeyRecipient, RecipientWriter, SymmetricRecipient
from osak.client.errors import UsageError
from osak.client.identity.files import load_recipient_key, load_secret
from osak.client.share_targets import ShareTarget
from osak.coordinator import Group, Scheme
from osak.coordinator.group import MAX_THRESHOLD
from osak.shares.protocol.recipient import recipient_id_from_person
from osak.shares.protocol.times import time_text

_OPTIONS = (
    click.option(
        "--to", "people", multiple=True, metavar="ID", help="A person by code; keeps key shares on servers."
    ),
    click.option("--group", "group_name", help="Servers to use for --to (else the configuration's default)."),
    click.option(
        "--threshold", type=click.IntRange(2, MAX_THRESHOLD), help="How many servers open the file, for --to."
    ),
    click.option(
        "--n-of-n", is_flag=True, help="For --to: the official scheme; every server is needed to open it."
    ),
    click.option(
        "--cert", "certificates", multiple=True, type=FILE, help="A certificate or public key (EC or RSA)."
    ),
    click.option(
        "--server",
        "server_id",
        metavar="ID",
        help="For --cert: keep the key at this capsule server of the configuration.",
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


@dataclass(frozen=True, slots=True)
class Recipients:
    """Who shall be able to open the file.

    Attributes:
        writers: those whose records need no share servers.
        targets: those whose KEKs are shared among servers.
    """

    writers: list[RecipientWriter]
    targets: list[ShareTarget]

    def capsule_facts(self) -> list[dict[str, str | None]]:
        """What capsule servers took, as JSON members, once the container is written."""
        found = [writer.uploaded for writer in self.writers if isinstance(writer, CapsuleServerRecipient)]
        return [
            {
                "server": uploaded.server_id,
                "transaction_id": uploaded.transaction_id,
                "expires_at": None if uploaded.expires_at is None else time_text(uploaded.expires_at),
            }
            for uploaded in found
            if uploaded is not None
        ]


def recipient_options(command: CommandT) -> CommandT:
    """Add the options whose values ``read_recipients`` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_recipients(
    config: ClientConfig,
    *,
    people: tuple[str, ...],
    group_name: str | None,
    threshold: int | None,
    n_of_n: bool,
    certificates: tuple[Path, ...],
    server_id: str | None,
    passwords: tuple[str, ...],
    password_file: Path | None,
    secrets: tuple[str, ...],
    plain_labels: bool,
) -> Recipients:
    """All recipients, read and ready; passwords are asked for last.

    Raises:
        UsageError: options that do not go together, or a file that cannot be read.
        CredentialFileError: a certificate or key that cannot be used.
        InvalidInputError: a password, secret or label that cannot be used.
    """
    if not people and (group_name or threshold or n_of_n):
        raise UsageError("--group, --threshold and --n-of-n belong to --to: name a person")
    if server_id is not None and not certificates:
        raise UsageError("--server belongs to --cert: name a certificate or public key")
    targets = [
        replace(target, plain_label=plain_labels)
        for target in _share_targets(people, config, group_name, threshold, n_of_n=n_of_n)
    ]
    writers = [
        *(_key_recipient(path, config, server_id, plain_label=plain_labels) for path in certificates),
        *(_secret_recipient(text, plain_label=plain_labels) for text in secrets),
        *_password_recipients(passwords, password_file, plain_label=plain_labels),
    ]
    return Recipients(writers, targets)


def _share_targets(
    people: tuple[str, ...],
    config: ClientConfig,
    group_name: str | None,
    threshold: int | None,
    *,
    n_of_n: bool,
) -> list[ShareTarget]:
    if not people:
        return []
    if n_of_n and threshold:
        raise UsageError("--n-of-n needs every server: leave --threshold out")
    name, group = config.group(group_name)
    if threshold:
        if threshold > len(group.servers):
            raise UsageError(
                f"--threshold {threshold} is more than the {len(group.servers)} servers of {name}"
            )
        quorum = None if group.write_quorum is None else max(group.write_quorum, threshold)
        group = Group(**{**dict(group), "threshold": threshold, "write_quorum": quorum})
    scheme: Scheme = "n-of-n" if n_of_n else "t-of-n"
    return [ShareTarget(recipient_id_from_person(person), name, group, scheme) for person in people]


def _key_recipient(
    path: Path, config: ClientConfig, server_id: str | None, *, plain_label: bool
) -> RecipientWriter:
    key = load_recipient_key(read_small_file(path))
    if server_id is None:
        return PublicKeyRecipient(key, file_name=path.name, plain_label=plain_label)
    return CapsuleServerRecipient(
        key,
        server_id,
        config.capsule_server(server_id),
        config.timeouts,
        file_name=path.name,
        plain_label=plain_label,
    )


def _secret_recipient(text: str, *, plain_label: bool) -> RecipientWriter:
    label, equals, path = text.partition("=")
    if not label or not equals or not path:
        raise UsageError("--secret takes LABEL=PATH, for example --secret office=office.key")
    return SymmetricRecipient(label, load_secret(read_small_file(Path(path))), plain_label)


def _password_recipients(
    labels: tuple[str, ...], file: Path | None, *, plain_label: bool
) -> list[RecipientWriter]:
    if file is not None and len(labels) != 1:
        raise UsageError("--password-file goes with exactly one --password LABEL")
    return [
        PasswordRecipient(label, read_secret_text(file, f"Password for {label}", confirm=True), plain_label)
        for label in labels
    ]
