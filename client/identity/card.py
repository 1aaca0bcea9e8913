# SPDX-License-Identifier: MIT
"""A person's card: which one, which certificate on it, and when its PIN is asked for and sent.

The rules of PINs are:

- Asked for once a run, and only when a key of the card is needed; a file for somebody else asks nobody.
- A PIN is sent once. A wrong one ends the run: nothing here tries again on its own.
- A PIN from a file is not sent when a wrong one came before: a script that runs again with an old PIN
  would lock the card. A person at the terminal is told first how few tries are left.
- What cannot be a PIN is not sent at all.

Which card: the one whose certificate is not for signing documents (keyUsage without contentCommitment) and,
if there are several, names a person. Whether a certificate is valid is for those to check whom it is shown.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from osak.client.identity.errors import NoCardError, PINError
from osak.client.identity.token import UNBLOCK, Token, TokenCertificate, Tries, WrongPINError

MIN_PIN_CHARACTERS: Final = 4


@dataclass(frozen=True, slots=True)
class PINSource:
    """Where a PIN comes from.

    Attributes:
        read: given a question to show, returns the PIN.
        attended: whether a person answers who can see the question; False for a file.
    """

    read: Callable[[str], str] = field(repr=False)
    attended: bool = True


class Card:
    """One certificate of one token, and the PIN that opens its key when that is needed."""

    def __init__(
        self,
        token: Token,
        chosen: TokenCertificate,
        pin: PINSource,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Take what ``choose_certificate`` chose.

        Args:
            token: the card.
            chosen: the certificate and the name of its key.
            pin: where its PIN comes from, unless the reader has a pin pad.
            tell: shows one line to the person.
        """
        self._token = token
        self._chosen = chosen
        self._pin = pin
        self._tell = tell
        self._is_open = False

    @property
    def certificate(self) -> x509.Certificate:
        """The chosen certificate."""
        return self._chosen.certificate

    def agree(self, point: bytes) -> bytes:
        """ECDH with the card's key; see ``Token.agree``."""
        self.open()
        return self._token.agree(self._chosen.key_id, point)

    def decrypt(self, ciphertext: bytes) -> bytes:
        """RSA decryption with the card's key; see ``Token.decrypt``."""
        self.open()
        return self._token.decrypt(self._chosen.key_id, ciphertext)

    def sign(self, data: bytes, *, rsa: bool) -> bytes:
        """A signature by the card's key; see ``Token.sign``."""
        self.open()
        return self._token.sign(self._chosen.key_id, data, rsa=rsa)

    def sign_pss(self, digest: bytes) -> bytes:
        """An RSASSA-PSS signature by the card's key; see ``Token.sign_pss``."""
        self.open()
        return self._token.sign_pss(self._chosen.key_id, digest)

    def open(self) -> None:
        """Ask for the PIN now, if it was not asked for yet: what uses the key next cannot wait for it.

        Raises:
            PINError: it is locked, wrong, or better not sent.
        """
        if not self._is_open:
            self._log_in()
            self._is_open = True

    def _log_in(self) -> None:
        """Get the PIN and send it, once.

        Raises:
            PINError: it is locked, wrong, or better not sent.
        """
        name = f"{describe_certificate(self.certificate)} ({self._token.label})"
        tries = self._token.tries()
        if tries is Tries.NONE:
            raise PINError(f"the PIN of {name} is locked", hint=UNBLOCK)
        if self._token.has_pin_pad:
            self._tell(f"type the PIN of {name} on the card reader{_warning(tries)}")
            pin = None
        else:
            pin = self._read_pin(name, tries)
        try:
            self._token.log_in(pin)
        except WrongPINError as error:
            raise self._wrong_pin(name) from error

    def _read_pin(self, name: str, tries: Tries) -> str:
        if tries is not Tries.ALL and not self._pin.attended:
            raise PINError(
                f"the PIN in the file was not sent: a wrong one of {name} was entered before"
                f"{_last_try(tries)}",
                hint="type the PIN once at the terminal, without --pin-file; a right one clears the count",
            )
        pin = self._pin.read(f"PIN of {name}{_warning(tries)}")
        if len(pin) < MIN_PIN_CHARACTERS:
            raise PINError(f"a PIN has at least {MIN_PIN_CHARACTERS} digits; nothing was sent to the card")
        if not pin.isprintable() or pin != pin.strip():
            # An editor's byte order mark, or a space behind the digits.
            raise PINError(
                "the PIN has invisible characters, or a space at an end; nothing was sent to the card"
            )
        return pin

    def _wrong_pin(self, name: str) -> PINError:
        """What to say of a PIN that was wrong; the card is asked how many tries are left."""
        match self._token.tries():
            case Tries.NONE:
                return PINError(f"wrong PIN: the PIN of {name} is now locked", hint=UNBLOCK)
            case Tries.ONE:
                return PINError(f"wrong PIN of {name}: ONE TRY IS LEFT, the next wrong PIN locks the card")
            case _:
                return PINError(f"wrong PIN of {name}: fewer tries are left (most cards give three)")


def choose_certificate(tokens: Sequence[Token], slot: int | None) -> tuple[Token, TokenCertificate]:
    """Find the one card to use.

    Args:
        tokens: every card there is.
        slot: the only slot to look at; None looks at all.

    Raises:
        NoCardError: no card, none with such a certificate, or several: the text lists them.
    """
    looked_at = [token for token in tokens if slot in {None, token.slot}]
    if not looked_at:
        where = "" if slot is None else f" in slot {slot}{_others(tokens)}"
        raise NoCardError(f"there is no card{where}", hint="put the card into the reader")
    found = [(token, one) for token in looked_at for one in token.certificates() if _fits(one.certificate)]
    people = [item for item in found if names_person(item[1].certificate)]
    chosen = people or found
    if not chosen:
        labels = ", ".join(token.label for token in looked_at)
        raise NoCardError(f"no certificate for authentication or decryption on the card ({labels})")
    if len(chosen) > 1:
        listed = "".join(
            f"\n  slot {token.slot}: {describe_certificate(one.certificate)} ({token.label})"
            for token, one in chosen
        )
        is_one_card = len({token.slot for token, _ in chosen}) == 1
        hint = "osak takes a card with one such key" if is_one_card else "name one with --slot"
        raise NoCardError(f"several cards or keys could be meant:{listed}", hint=hint)
    return chosen[0]


def describe_certificate(certificate: x509.Certificate) -> str:
    """Whose certificate this is, safe to show on a terminal."""
    try:
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError:
        names = []
    text = str(names[0].value) if names else "somebody without a name"
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def names_person(certificate: x509.Certificate) -> bool:
    """Whether the subject has a serialNumber, as certificates of people do (ETSI EN 319 412-1)."""
    try:
        return bool(certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER))
    except ValueError:
        return False


def _fits(certificate: x509.Certificate) -> bool:
    """Not for signing documents, and no authority's (RFC 5280, 4.2.1.3)."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False
    return not usage.content_commitment and not usage.key_cert_sign


def _warning(tries: Tries) -> str:
    match tries:
        case Tries.ALL:
            return ""
        case Tries.ONE:
            return _last_try(tries)
        case _:
            return ", a wrong PIN was entered before"


def _last_try(tries: Tries) -> str:
    return ", ONE TRY IS LEFT: a wrong PIN locks the card" if tries is Tries.ONE else ""


def _others(tokens: Sequence[Token]) -> str:
    return f" (cards are in: {', '.join(str(token.slot) for token in tokens)})" if tokens else ""
