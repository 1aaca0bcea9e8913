# SPDX-License-Identifier: MIT
"""Keys of somebody with a card or a phone, ready to open containers with.

A card stays in use while its block runs. A phone is asked when a signature is needed and not before. How
either speaks to the person is the caller's: a terminal, a window.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from osak.client.configuration import Configuration
from osak.client.container import PrivateKeyUnlocker
from osak.client.errors import UsageError
from osak.client.identity.auth_server import AuthServer
from osak.client.identity.card import Card, PINSource, choose_certificate
from osak.client.identity.card_keys import card_key
from osak.client.identity.conversation import Conversation
from osak.client.identity.logged_in import LoggedInCredential, Login
from osak.client.identity.mobile_id import MobileIDCredential, check_phone_number
from osak.client.identity.phone import PhoneUnlocker
from osak.client.identity.smart_id import SmartIDCredential
from osak.client.identity.smart_id_v3 import SmartIDv3Credential
from osak.client.keys import Keys
from osak.coordinator import Credential, CredentialError, KeyCredential
from osak.shares.errors import MessageError
from osak.shares.protocol.recipient import recipient_id_from_person


@contextmanager
def card_keys(
    config: Configuration,
    pin: PINSource,
    *,
    module: Path | None = None,
    slot: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Keys]:
    """Find the card; its PIN is asked for when its key is used for the first time.

    Args:
        config: names module and slot where they are not given.
        pin: where the PIN comes from.
        module: the PKCS#11 module.
        slot: the slot to look at.
        tell: shows one line to the person.

    Raises:
        CardError: no card that can be used.
        UsageError: the library for cards is not installed.
    """
    try:
        from osak.client.identity.pkcs11_module import PKCS11Module, usual_module  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install osak[card] to use a card") from error

    settings = config.credentials.pkcs11
    with PKCS11Module(module or settings.module or usual_module()) as loaded:
        token, chosen = choose_certificate(loaded.tokens(), settings.slot if slot is None else slot)
        card = Card(token, chosen, pin, tell)
        key = card_key(card)
        credential = None
        with suppress(CredentialError):  # not every certificate names a person who has shares
            credential = KeyCredential(key, card.certificate, with_pss=not token.has_pkcs1)
        yield Keys(PrivateKeyUnlocker(key), credential, key, card.certificate)


def smart_id_keys(config: Configuration, person: str, conversation: Conversation, *, file_name: str) -> Keys:
    """Keys of a person who uses Smart-ID.

    Args:
        config: has the service.
        person: the national identity code, or an ETSI identifier.
        conversation: speaks to the person.
        file_name: what is to be opened; the app shows it.

    Raises:
        UsageError: the configuration has no Smart-ID, or nobody can have this code.
    """
    settings = config.credentials.smart_id
    if settings is None:
        raise UsageError("there is no Smart-ID in the configuration: see credentials.smart_id")
    recipient_id, login = _recipient_id(person), _login(config, person, conversation)
    credential: Credential
    if settings.api == "v2":
        credential = SmartIDCredential(
            recipient_id, settings, conversation, config.timeouts, file_name=file_name
        )
    else:
        credential = SmartIDv3Credential(
            recipient_id, settings, conversation, config.timeouts, file_name=file_name, login=login
        )
    return _phone_keys(credential, login)


def mobile_id_keys(
    config: Configuration, person: str, phone_number: str, conversation: Conversation, *, file_name: str
) -> Keys:
    """Keys of a person who uses Mobile-ID.

    Args:
        config: has the service.
        person: the national identity code, or an ETSI identifier.
        phone_number: with the country's code.
        conversation: speaks to the person.
        file_name: what is to be opened; the phone shows it.

    Raises:
        UsageError: the configuration has no Mobile-ID, or code or number cannot be.
    """
    settings = config.credentials.mobile_id
    if settings is None:
        raise UsageError("there is no Mobile-ID in the configuration: see credentials.mobile_id")
    try:
        number = check_phone_number(phone_number)
    except ValueError as error:
        raise UsageError(str(error)) from error
    credential = MobileIDCredential(
        _recipient_id(person), number, settings, conversation, config.timeouts, file_name=file_name
    )
    return _phone_keys(credential, _login(config, person, conversation, number))


def _login(
    config: Configuration, person: str, conversation: Conversation, phone_number: str = ""
) -> Login | None:
    """Where this person logs in; None where no auth server is configured."""
    settings = config.credentials.auth_server
    if settings is None:
        return None
    return Login(AuthServer(settings, conversation, config.timeouts), _recipient_id(person), phone_number)


def _phone_keys(credential: Credential, login: Login | None) -> Keys:
    return Keys(PhoneUnlocker(), credential if login is None else LoggedInCredential(credential, login))


def _recipient_id(person: str) -> str:
    try:
        return recipient_id_from_person(person)
    except MessageError as error:
        raise UsageError(str(error)) from error
