# SPDX-License-Identifier: MIT
"""Node keys sealed by a hardware security module, or any other token behind PKCS#11 (OASIS PKCS #11, 2.40).

With ``sealing.token`` in the YAML a key file is useless by itself: it opens only with a secret in the token,
which never leaves that. The token is asked for one HMAC (CKM_SHA256_HMAC, which every HSM has), whose result
opens the file here:

    version 1 (1 byte) || salt (16 bytes) || nonce (12 bytes) || AES-256-GCM of the node key, with its tag
    AES key = HMAC-SHA256(secret in the token, "osak-token-key-v1" || 0 || salt)

While a node runs, its keys are in its memory, as without a token: what a token protects is the file, its
backups and the disk. The only file of the node that knows ``python-pkcs11``, which the extra ``hsm`` brings.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from osak.node.sealing_settings import TokenSettings
from osak.node.secret_line import read_secret_line
from osak.shares.errors import ConfigurationError

MAX_SEALED_BYTES: Final = 1 + 16 + 12 + 64 + 16
_VERSION: Final = b"\x01"
_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_SECRET_BITS: Final = 256
_PURPOSE: Final = b"osak-token-key-v1"
_PLACE: Final = "sealing.token"


class TokenKey:
    """The secret of one token that seals node keys; the token is asked anew each time."""

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings

    def make_secret(self) -> None:
        """Let the token make the secret: for HMAC alone, and never to be taken out.

        Raises:
            ConfigurationError: it has one of that name already, or the token cannot be used.
            OSError: the file with the PIN cannot be read.
        """
        with self._session(write=True) as (session, pkcs11):
            if self._secrets(session, pkcs11):
                problem = f"{self._settings.label} has a secret key {self._settings.key} already"
                raise ConfigurationError(_PLACE, [problem])
            session.generate_key(
                pkcs11.KeyType.GENERIC_SECRET,
                _SECRET_BITS,
                label=self._settings.key,
                store=True,
                capabilities=pkcs11.MechanismFlag.SIGN,
                template={pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True},
            )

    def seal(self, master: bytes, random_bytes: Callable[[int], bytes]) -> bytes:
        """Seal a node key for a file.

        Raises:
            ConfigurationError: the token cannot be used; its text says why.
            OSError: the file with the PIN cannot be read.
        """
        salt, nonce = random_bytes(_SALT_BYTES), random_bytes(_NONCE_BYTES)
        return _VERSION + salt + nonce + AESGCM(self._ask(salt)).encrypt(nonce, master, _PURPOSE)

    def open(self, sealed: bytes, place: str) -> bytes:
        """Open what ``seal`` made.

        Args:
            sealed: the file's content.
            place: how errors call the file.

        Raises:
            ConfigurationError: it is no such file, another secret sealed it, or the token cannot be used.
            OSError: the file with the PIN cannot be read.
        """
        head, end = 1 + _SALT_BYTES, 1 + _SALT_BYTES + _NONCE_BYTES
        salt, nonce, ciphertext = sealed[1:head], sealed[head:end], sealed[end:]
        if sealed[:1] != _VERSION or not ciphertext or len(sealed) > MAX_SEALED_BYTES:
            problem = "is no key that a token sealed: `osak node key seal` makes one of a plain key file"
            raise ConfigurationError(place, [problem])
        try:
            return AESGCM(self._ask(salt)).decrypt(nonce, ciphertext, _PURPOSE)
        except InvalidTag as error:
            problem = f"does not open with the token's {self._settings.key}: another secret sealed it"
            raise ConfigurationError(place, [problem]) from error

    def _ask(self, salt: bytes) -> bytes:
        with self._session() as (session, pkcs11):
            hmac, message = pkcs11.Mechanism.SHA256_HMAC, _PURPOSE + b"\0" + salt
            answers = [bytes(key.sign(message, mechanism=hmac)) for key in self._secrets(session, pkcs11)[:2]]
        if len(answers) != 1:
            problem = (
                f"{self._settings.label} has not one secret key {self._settings.key}: "
                "`osak node key secret` makes it"
            )
            raise ConfigurationError(_PLACE, [problem])
        return answers[0]

    def _secrets(self, session: Any, pkcs11: Any) -> list[Any]:
        wanted = {
            pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
            pkcs11.Attribute.LABEL: self._settings.key,
        }
        return list(session.get_objects(wanted))

    @contextlib.contextmanager
    def _session(self, *, write: bool = False) -> Iterator[tuple[Any, Any]]:
        """A session with the token, and the library's names."""
        pin = read_secret_line(self._settings.pin_file, "PIN")  # nothing else is sent: a wrong one counts
        with _translated(self._settings) as pkcs11:
            library = pkcs11.lib(str(self._settings.module))
            try:
                token = library.get_token(token_label=self._settings.label)
                with token.open(rw=write, user_pin=pin) as session:
                    yield session, pkcs11
            finally:
                library.finalize()


@contextlib.contextmanager
def _translated(settings: TokenSettings) -> Iterator[Any]:
    """Load the library; let its errors out as ours, without what it was given."""
    try:
        import pkcs11  # noqa: PLC0415 - loaded only when chosen
        from pkcs11 import exceptions as failures  # noqa: PLC0415 - loaded only when chosen
    except ImportError as error:
        raise ConfigurationError(
            _PLACE, ["a token needs the extra hsm: pip install 'osak[node,hsm]'"]
        ) from error
    try:
        yield pkcs11
    except (failures.PinIncorrect, failures.PinInvalid, failures.PinLenRange) as error:
        problem = f"{settings.label} does not take the PIN in pin_file; each wrong one may be counted"
        raise ConfigurationError(_PLACE, [problem]) from error
    except failures.PinLocked as error:
        raise ConfigurationError(_PLACE, [f"the PIN of {settings.label} is locked"]) from error
    except failures.NoSuchToken as error:
        problem = f"the module has no token {settings.label}, or it is not plugged in"
        raise ConfigurationError(_PLACE, [problem]) from error
    except (failures.PKCS11Error, RuntimeError) as error:
        problem = f"{settings.label} cannot be used for HMAC-SHA256: {type(error).__name__}"
        raise ConfigurationError(_PLACE, [problem]) from error
