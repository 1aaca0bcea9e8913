# SPDX-License-Identifier: MIT
"""From what a caller opens with to keys that are ready: reads files, asks for passwords it needs."""

from collections.abc import Callable
from contextlib import suppress
from os import PathLike
from pathlib import Path
from typing import TypeAlias, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from osak.client.container import PasswordUnlocker, PrivateKeyUnlocker, SymmetricUnlocker
from osak.client.credentials import PKCS12, PrivateKey
from osak.client.identity import files
from osak.client.identity.files import PersonalKey
from osak.client.key_files import named, read_small_file
from osak.client.keys import Keys
from osak.client.shared_secrets import Password, Secret

AnyCredential: TypeAlias = PKCS12 | PrivateKey | Password | Secret | Keys
"""What to open with; ``Keys`` are ready, from a card or a phone for example."""

LoadedT = TypeVar("LoadedT")


def keys_of(credential: AnyCredential) -> Keys:
    """Read and ready.

    Raises:
        UsageError: a file that cannot be read.
        CredentialFileError: a key file that cannot be used.
    """
    match credential:
        case PKCS12():
            return _personal_keys(_loaded(files.load_pkcs12, credential.source, credential.password))
        case PrivateKey():
            return _private_keys(credential)
        case Secret():
            key = credential.key
            with named(key):
                secret = key if isinstance(key, bytes) else files.load_secret(read_small_file(Path(key)))
            return Keys(SymmetricUnlocker(secret, credential.label or None))
        case Password():
            return Keys(PasswordUnlocker(password_text(credential), credential.label or None))
        case Keys():
            return credential


def password_text(password: Password) -> str:
    """The password, asked for if need be."""
    return password.text if isinstance(password.text, str) else password.text()


def _private_keys(credential: PrivateKey) -> Keys:
    source = credential.source
    key = (
        _loaded(files.load_private_key, source, credential.password)
        if isinstance(source, str | PathLike | bytes)
        else source
    )
    certificate = credential.certificate
    if certificate is None:
        return Keys(PrivateKeyUnlocker(key), private_key=key)
    if isinstance(certificate, x509.Certificate):
        certificate = certificate.public_bytes(Encoding.DER)
    with named(certificate):
        person = files.load_personal_key(key, _content(certificate))
    return _personal_keys(person)


def _personal_keys(person: PersonalKey) -> Keys:
    """All that a key with its certificate can do; not every certificate names a person who has shares."""
    # Imported here: bare keys, passwords and secrets need nothing of servers.
    from osak.coordinator import CredentialError, KeyCredential  # noqa: PLC0415 - see the line above

    credential = None
    with suppress(CredentialError):
        credential = KeyCredential(person.private_key, person.certificate)
    return Keys(PrivateKeyUnlocker(person.private_key), credential, person.private_key, person.certificate)


def _loaded(
    load: Callable[[bytes, str | None], LoadedT],
    source: str | PathLike[str] | bytes,
    password: str | Callable[[], str] | None,
) -> LoadedT:
    """Load a key file; ask for its password only if it has one."""
    data = _content(source)
    with named(source):
        if password is None or isinstance(password, str):
            return load(data, password)
        try:
            return load(data, None)
        except files.PasswordNeededError:
            return load(data, password())


def _content(source: str | PathLike[str] | bytes) -> bytes:
    return source if isinstance(source, bytes) else read_small_file(Path(source))
