# SPDX-License-Identifier: MIT
"""From whom a caller encrypts for to what writes their records: reads certificates and keys, finds groups."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from cryptography import x509

from osak.client.configuration import Configuration
from osak.client.container import PasswordRecipient, PublicKeyRecipient, RecipientWriter, SymmetricRecipient
from osak.client.credential_keys import password_text
from osak.client.errors import CredentialFileError, UsageError
from osak.client.identity.files import PublicKey as LoadedKey
from osak.client.identity.files import load_recipient_key, load_secret
from osak.client.key_files import named, read_small_file
from osak.client.recipients import AnyRecipient, Certificate, Person, PublicKey
from osak.client.share_targets import ShareTarget
from osak.client.shared_secrets import Password, Secret

if TYPE_CHECKING:
    from osak.client.capsule_server.recipient import CapsuleServerRecipient
    from osak.coordinator import Group


@dataclass(slots=True)
class Writers:
    """Who shall be able to open one container.

    Attributes:
        writers: those whose records need no server.
        targets: those whose KEKs are shared among servers.
        served: those whose capsules are kept by capsule servers.
    """

    writers: list[RecipientWriter] = field(default_factory=list)
    targets: list[ShareTarget] = field(default_factory=list)
    served: "list[CapsuleServerRecipient]" = field(default_factory=list)

    def add(self, recipient: AnyRecipient, config: Configuration, *, plain_label: bool) -> None:
        """Read one recipient."""
        match recipient:
            case str():
                self.targets.append(_share_target(Person(recipient), config, plain_label=plain_label))
            case Person():
                self.targets.append(_share_target(recipient, config, plain_label=plain_label))
            case PublicKey() | Certificate():
                self._add_key(recipient, config, plain_label=plain_label)
            case Secret():
                key = recipient.key
                with named(key):
                    secret = key if isinstance(key, bytes) else load_secret(read_small_file(Path(key)))
                self.writers.append(SymmetricRecipient(recipient.label, secret, plain_label))
            case Password():
                text = password_text(recipient)
                self.writers.append(PasswordRecipient(recipient.label, text, plain_label))
            case _:
                assert_never(recipient)

    def _add_key(
        self, recipient: PublicKey | Certificate, config: Configuration, *, plain_label: bool
    ) -> None:
        key, file_name = _loaded(recipient)
        if recipient.server is None:
            self.writers.append(PublicKeyRecipient(key, file_name=file_name, plain_label=plain_label))
            return
        # Imported here: most recipients have no capsule server.
        from osak.client.capsule_server.recipient import CapsuleServerRecipient  # noqa: PLC0415 - see above

        served = CapsuleServerRecipient(
            key,
            recipient.server,
            config.capsule_server(recipient.server),
            config.timeouts,
            file_name=file_name,
            plain_label=plain_label,
        )
        self.served.append(served)


def writers_for(
    recipients: AnyRecipient | Iterable[AnyRecipient], config: Configuration, *, plain_labels: bool
) -> Writers:
    """All recipients, read and ready, in the order given: put last what asks somebody for a password.

    Raises:
        UsageError: a recipient that cannot be, or a file that cannot be read.
        MessageError: a code that nobody can have.
        CredentialFileError: a certificate or key that cannot be used.
        InvalidInputError: a password, secret or label that cannot be used.
    """
    found = Writers()
    if isinstance(recipients, str | Person | PublicKey | Certificate | Password | Secret):
        recipients = [recipients]
    for recipient in recipients:
        found.add(recipient, config, plain_label=plain_labels)
    return found


def _loaded(recipient: PublicKey | Certificate) -> tuple[x509.Certificate | LoadedKey, str | None]:
    """The key, and the name of the file that it came from."""
    source = recipient.source
    file_name = Path(source).name if isinstance(source, str | PathLike) else None
    if isinstance(source, str | PathLike):
        source = read_small_file(Path(source))
    with named(recipient.source):
        key = load_recipient_key(source) if isinstance(source, bytes) else source
        if isinstance(recipient, Certificate) and not isinstance(key, x509.Certificate):
            raise CredentialFileError("a certificate is needed, not a bare public key")
    return key, file_name


def _share_target(person: Person, config: Configuration, *, plain_label: bool) -> ShareTarget:
    # Imported here: who encrypts for nobody's code needs nothing of shares.
    from osak.shares.protocol.recipient import recipient_id_from_person  # noqa: PLC0415 - see the line above

    if person.n_of_n and person.threshold is not None:
        raise UsageError("n-of-n needs every server: leave the threshold out")
    name, group = config.group(person.group)
    if person.threshold is not None:
        group = _with_threshold(group, name, person.threshold)
    recipient_id = recipient_id_from_person(person.code)
    return ShareTarget(recipient_id, name, group, "n-of-n" if person.n_of_n else "t-of-n", plain_label)


def _with_threshold(group: "Group", name: str, threshold: int) -> "Group":
    # Imported here: without a group nothing of servers is loaded.
    from osak.coordinator.group import MAX_THRESHOLD, Group  # noqa: PLC0415 - see the line above

    if threshold > len(group.servers):
        raise UsageError(f"threshold {threshold} is more than the {len(group.servers)} servers of {name}")
    if not 2 <= threshold <= MAX_THRESHOLD:
        raise UsageError(f"a threshold is 2 to {MAX_THRESHOLD} servers, not {threshold}")
    quorum = None if group.write_quorum is None else max(group.write_quorum, threshold)
    return Group(**{**dict(group), "threshold": threshold, "write_quorum": quorum})
