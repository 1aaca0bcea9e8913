# SPDX-License-Identifier: MIT
"""What owners of keys get, named by the sender or found in the directory, and who shares a secret.

Certificates and keys are read here; passwords are not asked for before they are needed.
"""

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from osak.client.configuration import Configuration
from osak.client.container import PublicKeyRecipient, key_label
from osak.client.errors import RecipientFileError
from osak.client.identity.files import PublicKey as LoadedKey
from osak.client.identity.files import load_recipient_key, load_secret
from osak.client.key_files import named, read_small_file
from osak.client.recipient_plan import KeySource, PlannedRecipient, PlannedRecord, Scheme
from osak.client.recipients import Certificate, PublicKey
from osak.client.record_words import printable
from osak.client.shared_secrets import Password, Secret

if TYPE_CHECKING:
    from osak.client.directory.means import Means

_NAMED: Final = "named by the sender"


def plan_key(recipient: PublicKey | Certificate, config: Configuration) -> PlannedRecipient:
    """The owner of a key that the sender named.

    Raises:
        UsageError: a file that cannot be read, or no such capsule server.
        RecipientFileError: a certificate or key that cannot be used.
        InvalidInputError: a key that cannot receive CDOC2 files.
    """
    source = _loaded(recipient)
    label = PublicKeyRecipient(source.key, file_name=source.file_name).key_label
    if recipient.server is not None:
        config.capsule_server(recipient.server)  # raises where there is none of that name
    opens_with = "RSA key" if _is_rsa(source.key) else "EC key"
    record = _record(source, opens_with, _NAMED)
    return PlannedRecipient(printable(key_label.display(label)), (record,))


def plan_secret(recipient: Password | Secret) -> PlannedRecipient:
    """Somebody who shares a password or a key with the sender; the key is read.

    Raises:
        UsageError: a file that cannot be read.
        RecipientFileError: a file that has no such key in it.
    """
    if isinstance(recipient, Password):
        return _secret_plan("SC06", "password", recipient)
    key = recipient.key
    with named(key, RecipientFileError):
        secret = key if isinstance(key, bytes) else load_secret(read_small_file(Path(key)))
    return _secret_plan("SC05", "symmetric key", Secret(secret, recipient.label))


def _secret_plan(scheme: Scheme, kind: str, source: Password | Secret) -> PlannedRecipient:
    record = PlannedRecord(scheme, kind, "in the container", _NAMED, source)
    return PlannedRecipient(f"{kind} {printable(source.label)}".rstrip(), (record,))


def card_record(card: "Means", server: str | None, number: int) -> PlannedRecord:
    """A record for a card that the directory has.

    Args:
        card: the card.
        server: the id of a capsule server; None for the container itself.
        number: which of one person's it is.
    """
    why = (
        "the card alone opens it, without any server"
        if server is None
        else "the card opens it for as long as that server keeps its part"
    )
    record = _record(KeySource(card.certificate, server=server, number=number), card.kind, why)
    return replace(record, doubt=card.doubt)


def _record(source: KeySource, opens_with: str, why: str) -> PlannedRecord:
    schemes: tuple[Scheme, Scheme] = ("SC01", "SC02") if source.server is None else ("SC03", "SC04")
    where = "in the container" if source.server is None else f"at the capsule server {source.server}"
    scheme = schemes[1] if _is_rsa(source.key) else schemes[0]
    return PlannedRecord(scheme, opens_with, where, why, source, server=source.server)


def _is_rsa(key: x509.Certificate | LoadedKey) -> bool:
    public = key.public_key() if isinstance(key, x509.Certificate) else key
    return isinstance(public, rsa.RSAPublicKey)


def _loaded(recipient: PublicKey | Certificate) -> KeySource:
    source = recipient.source
    file_name = Path(source).name if isinstance(source, str | PathLike) else None
    if isinstance(source, str | PathLike):
        source = read_small_file(Path(source))
    with named(recipient.source, RecipientFileError):
        key = load_recipient_key(source) if isinstance(source, bytes) else source
        if isinstance(recipient, Certificate) and not isinstance(key, x509.Certificate):
            raise RecipientFileError("a certificate is needed, not a bare public key")
    return KeySource(key, file_name, recipient.server)
