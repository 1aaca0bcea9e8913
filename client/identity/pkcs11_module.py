# SPDX-License-Identifier: MIT
"""Tokens behind a PKCS#11 module (OASIS PKCS #11, 2.40): the library that came with the card.

The only file that knows ``python-pkcs11``, which the extra ``card`` brings; its errors never leave it.
One public session per token reads certificates; logging in opens a second one, and with it the token's
keys for the whole module.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pkcs11
from cryptography import x509
from pkcs11 import exceptions as failures

from osak.client.identity.errors import CardError, NoCardError, PINError
from osak.client.identity.token import UNBLOCK, TokenCertificate, Tries, WrongPINError

# Where OpenSC, which knows Estonian ID-cards, puts its module.
_USUAL_PLACES: Final = {
    "linux": (
        "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
        "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
        "/usr/lib64/opensc-pkcs11.so",
        "/usr/lib/opensc-pkcs11.so",
        "/usr/lib/pkcs11/opensc-pkcs11.so",
    ),
    "darwin": ("/Library/OpenSC/lib/opensc-pkcs11.so", "/opt/homebrew/lib/opensc-pkcs11.so"),
    "win32": (r"C:\Windows\System32\opensc-pkcs11.dll",),
}
_PIN_NOT_TAKEN: Final = (failures.PinIncorrect, failures.PinInvalid, failures.PinLenRange)
_CARD_GONE: Final = (
    failures.DeviceRemoved,
    failures.TokenNotPresent,
    failures.SessionHandleInvalid,
    failures.SlotIDInvalid,
)
# What modules say of an algorithm, or of its parameters, that they do not have.
_CANNOT: Final = (
    failures.MechanismInvalid,
    failures.MechanismParamInvalid,
    failures.ArgumentsBad,
    failures.FunctionNotSupported,
)
_USES: Final = {"derive_key": "be used for ECDH", "decrypt": "decrypt", "sign": "sign"}
_NOT_FOR_THIS_KEY: Final = (
    failures.EncryptedDataInvalid,
    failures.EncryptedDataLenRange,
    failures.DataInvalid,
    failures.DataLenRange,
)


def usual_module() -> Path:
    """OpenSC's module, where its installers put it.

    Raises:
        NoCardError: it is at none of those places.
    """
    for place in _USUAL_PLACES.get(sys.platform, ()):
        if Path(place).is_file():
            return Path(place)
    raise NoCardError(
        "no PKCS#11 module was found",
        hint="install OpenSC, or name your card's module with --pkcs11-module or credentials.pkcs11.module",
    )


class PKCS11Module:
    """A loaded module and the tokens it has; a context manager that lets all of them go."""

    def __init__(self, path: Path) -> None:
        """Load the module: code of somebody else, so only where the user or the administrator says so.

        Raises:
            CardError: it cannot be loaded, or finds no working reader.
        """
        # A bare name would be looked for in the system's folders, and a relative one in any.
        self._name = str(path.resolve())
        if not path.is_file():
            raise CardError(f"there is no PKCS#11 module {path}")
        try:
            self._library = pkcs11.lib(self._name)
        except failures.PKCS11Error as error:
            raise CardError(f"{path} is no PKCS#11 module that works here") from error
        self._tokens: list[PKCS11Token] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for token in self._tokens:
            token.close()
        with suppress(failures.PKCS11Error):
            self._library.finalize()

    def tokens(self) -> Sequence["PKCS11Token"]:
        """Every initialised token that can be read now.

        Raises:
            CardError: the module cannot tell.
        """
        with _translated("the card readers could not be asked"):
            slots = self._library.get_slots(token_present=True)
        for slot in slots:
            # A card that cannot be read (put in the wrong way, say) hides no other.
            with suppress(failures.PKCS11Error):
                token = slot.get_token()
                if token.flags & pkcs11.TokenFlag.TOKEN_INITIALIZED:
                    self._tokens.append(PKCS11Token(slot, token))
        return tuple(self._tokens)


class PKCS11Token:
    """One token: a card in a reader, or a part of one (an ID-card shows one for each PIN)."""

    def __init__(self, slot: pkcs11.Slot, token: pkcs11.Token) -> None:
        self._slot = slot
        self._token = token
        self._sessions: list[pkcs11.Session] = []

    @property
    def slot(self) -> int:
        """The slot's number."""
        return self._slot.slot_id

    @property
    def label(self) -> str:
        """The token's name, safe to show."""
        return "".join(letter if letter.isprintable() else "?" for letter in self._token.label)

    @property
    def has_pin_pad(self) -> bool:
        """Whether the PIN is typed on the reader."""
        return bool(self._token.flags & pkcs11.TokenFlag.PROTECTED_AUTHENTICATION_PATH)

    @property
    def has_pkcs1(self) -> bool:
        """Whether RSA keys sign by CKM_SHA256_RSA_PKCS."""
        with _translated("the card could not be read"):
            return pkcs11.Mechanism.SHA256_RSA_PKCS in self._slot.get_mechanisms()

    def tries(self) -> Tries:
        """How many wrong PINs it still forgives, as of now."""
        with _translated("the card could not be read"):
            # ``flags`` are those of the moment when the token was got.
            flags = self._slot.get_token().flags
        for flag, tries in (
            (pkcs11.TokenFlag.USER_PIN_LOCKED, Tries.NONE),
            (pkcs11.TokenFlag.USER_PIN_FINAL_TRY, Tries.ONE),
            (pkcs11.TokenFlag.USER_PIN_COUNT_LOW, Tries.FEWER),
        ):
            if flags & flag:
                return tries
        return Tries.ALL

    def certificates(self) -> Sequence[TokenCertificate]:
        """Every certificate of a key; what cannot be read as one is passed over."""
        found = []
        wanted = {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}
        with _translated("the certificates of the card could not be read"):
            for thing in self._public_session().get_objects(wanted):
                # Keys are found by the certificate's id (PKCS #11, 4.6.3).
                with suppress(failures.AttributeTypeInvalid, ValueError, x509.InvalidVersion):
                    certificate = x509.load_der_x509_certificate(bytes(thing[pkcs11.Attribute.VALUE]))
                    found.append(TokenCertificate(bytes(thing[pkcs11.Attribute.ID]), certificate))
        return found

    def log_in(self, pin: str | None) -> None:
        """Open the token's keys."""
        secret: Any = pkcs11.PROTECTED_AUTH if pin is None else pin
        try:
            with _translated("the card did not take the PIN"):
                self._sessions.append(self._token.open(user_pin=secret))
        except CardError as error:
            cause = error.__cause__
            if isinstance(cause, _PIN_NOT_TAKEN):
                raise WrongPINError("the card did not take the PIN") from cause
            if isinstance(cause, failures.PinLocked):
                raise PINError("the PIN of the card is locked", hint=UNBLOCK) from cause
            raise

    def agree(self, key_id: bytes, point: bytes) -> bytes:
        """ECDH: CKM_ECDH1_DERIVE without a key derivation function (CDOC2 specification, chapter 5)."""
        template = {
            pkcs11.Attribute.TOKEN: False,
            pkcs11.Attribute.SENSITIVE: False,
            pkcs11.Attribute.EXTRACTABLE: True,
        }
        coordinate_bytes = (len(point) - 1) // 2
        with _translated("the card's key could not be used to open the file"):
            secret = self._key_that("derive_key", key_id)(
                pkcs11.KeyType.GENERIC_SECRET,
                8 * coordinate_bytes,
                mechanism_param=(pkcs11.KDF.NULL, None, point),
                template=template,
            )
            return bytes(secret[pkcs11.Attribute.VALUE])

    def decrypt(self, key_id: bytes, ciphertext: bytes) -> bytes:
        """RSAES-OAEP with SHA-256."""
        parameters = (pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, None)
        with _translated("the card's key could not be used to open the file"):
            try:
                plain = self._key_that("decrypt", key_id)(
                    ciphertext, mechanism=pkcs11.Mechanism.RSA_PKCS_OAEP, mechanism_param=parameters
                )
            except _NOT_FOR_THIS_KEY as error:
                raise ValueError("the ciphertext is not for this key") from error
            except _CANNOT as error:
                raise CardError("this card cannot decrypt RSA-OAEP with SHA-256, which CDOC2 uses") from error
            return bytes(plain)

    def sign(self, key_id: bytes, data: bytes, *, rsa: bool) -> bytes:
        """RS256 over the data, or ECDSA over a digest."""
        mechanism = pkcs11.Mechanism.SHA256_RSA_PKCS if rsa else pkcs11.Mechanism.ECDSA
        with _translated("the card could not sign"):
            return bytes(self._key_that("sign", key_id)(data, mechanism=mechanism))

    def sign_pss(self, key_id: bytes, digest: bytes) -> bytes:
        """RSASSA-PSS with SHA-256 over a digest: CKM_RSA_PKCS_PSS."""
        parameters = (pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, len(digest))
        with _translated("the card could not sign"):
            try:
                signature = self._key_that("sign", key_id)(
                    digest, mechanism=pkcs11.Mechanism.RSA_PKCS_PSS, mechanism_param=parameters
                )
            except _CANNOT as error:
                raise CardError("this card cannot sign with RSA-PSS, which TLS 1.3 needs") from error
            return bytes(signature)

    def close(self) -> None:
        """Log out."""
        for session in self._sessions:
            with suppress(failures.PKCS11Error):
                session.close()
        self._sessions.clear()

    def _public_session(self) -> pkcs11.Session:
        if not self._sessions:
            self._sessions.append(self._token.open())
        return self._sessions[0]

    def _key_that(self, does: str, key_id: bytes) -> Any:
        """A method of the private key with this id.

        Raises:
            CardError: there is none, as for whoever has no login; or it was put on the card for other uses.
        """
        wanted = {
            pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
            pkcs11.Attribute.ID: key_id,
        }
        found = list(self._public_session().get_objects(wanted))
        if not found:
            raise CardError("the card has no private key for its certificate")
        # Keys have only those methods that their CKA_DERIVE, CKA_DECRYPT and CKA_SIGN allow.
        method = getattr(found[0], does, None)
        if method is None:
            raise CardError(f"the card does not let its key {_USES[does]}")
        return method


@contextmanager
def _translated(what_failed: str) -> Iterator[None]:
    """Let only ``CardError`` (and ``ValueError``) out."""
    try:
        yield
    except _CARD_GONE as error:
        raise CardError(f"{what_failed}: it was taken out of the reader") from error
    except failures.FunctionCancelled as error:
        raise PINError(f"{what_failed}: cancelled on the card reader") from error
    except failures.PKCS11Error as error:
        raise CardError(f"{what_failed} ({str(error) or type(error).__name__})") from error
