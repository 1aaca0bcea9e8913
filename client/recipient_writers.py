# SPDX-License-Identifier: MIT
"""From what was planned to what writes the records. Passwords are asked for here, and nowhere before."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from osak.client.configuration import Configuration
from osak.client.container import PasswordRecipient, PublicKeyRecipient, RecipientWriter, SymmetricRecipient
from osak.client.credential_keys import password_text
from osak.client.recipient_plan import KeySource, PlannedRecipient, Source
from osak.client.share_targets import ShareTarget
from osak.client.shared_secrets import Password, Secret

if TYPE_CHECKING:
    from osak.client.capsule_server.recipient import CapsuleServerRecipient


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
    _owners: dict[str, list[tuple[bytes, str | None]]] = field(default_factory=dict)

    def add(self, source: Source, config: Configuration, *, plain_label: bool) -> None:
        """Take in what one record is for."""
        match source:
            case ShareTarget():
                self.targets.append(source)
            case KeySource():
                self._add_key(source, config, plain_label=plain_label)
            case Secret():
                assert isinstance(source.key, bytes), "it was read when it was planned"
                self.writers.append(SymmetricRecipient(source.label, source.key, plain_label))
            case Password():
                text = password_text(source)
                self.writers.append(PasswordRecipient(source.label, text, plain_label))
            case _:
                assert_never(source)

    def _add_key(self, source: KeySource, config: Configuration, *, plain_label: bool) -> None:
        number = self._number(source) if plain_label else 1
        if source.server is None:
            self.writers.append(
                PublicKeyRecipient(
                    source.key, file_name=source.file_name, plain_label=plain_label, number=number
                )
            )
            return
        # Imported here: most recipients have no capsule server.
        from osak.client.capsule_server.recipient import CapsuleServerRecipient  # noqa: PLC0415 - see above

        self.served.append(
            CapsuleServerRecipient(
                source.key,
                source.server,
                config.capsule_server(source.server),
                config.timeouts,
                file_name=source.file_name,
                plain_label=plain_label,
                number=number,
            )
        )

    def _number(self, source: KeySource) -> int:
        """Which of one name's keys it is: the bare names of a person's cards are all the same."""
        name = PublicKeyRecipient(source.key, file_name=source.file_name, plain_label=True).key_label
        owners, owner = self._owners.setdefault(name, []), _identity(source)
        if owner not in owners:  # the same one twice keeps its number, and is refused as ever
            owners.append(owner)
        return owners.index(owner) + 1


def writers_for(planned: Iterable[PlannedRecipient], config: Configuration, *, plain_labels: bool) -> Writers:
    """All of them, ready, in the order planned.

    Raises:
        UsageError: a certificate that has ended, for a capsule server.
        InvalidInputError: a password, secret or label that cannot be used.
    """
    found = Writers()
    sources = [record.source for recipient in planned for record in recipient.records]
    named = {_identity(one) for one in sources if isinstance(one, KeySource) and one.number is None}
    for source in sources:
        # One record is enough for a card that the directory has and the sender named too.
        if not isinstance(source, KeySource) or source.number is None or _identity(source) not in named:
            found.add(source, config, plain_label=plain_labels)
    return found


def _identity(source: KeySource) -> tuple[bytes, str | None]:
    """Whose record it will be, and where: two that are equal are one."""
    key = source.key.public_key() if isinstance(source.key, x509.Certificate) else source.key
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return der, source.server
