# SPDX-License-Identifier: MIT
"""People whose key is in a phone: it signs tickets for share servers, and opens nothing by itself."""

from collections.abc import Sequence

from osak.client.container import Limits, Recipient
from osak.client.container.recipients.base import Candidate
from osak.client.errors import UsageError
from osak.client.identity.conversation import Conversation
from osak.client.identity.mobile_id import MobileIDCredential, check_phone_number
from osak.client.identity.settings import CredentialSettings
from osak.client.identity.smart_id import SmartIDCredential
from osak.coordinator import Timeouts
from osak.shares.errors import MessageError
from osak.shares.protocol.recipient import recipient_id_from_person


class PhoneUnlocker:
    """The ``Unlocker`` of a key that decrypts nothing: no record fits."""

    def candidates(self, recipients: Sequence[Recipient], limits: Limits) -> Sequence[Candidate]:  # noqa: ARG002 - none fits
        """None."""
        return ()


def smart_id(
    person: str,
    settings: CredentialSettings,
    conversation: Conversation,
    timeouts: Timeouts,
    *,
    file_name: str,
) -> SmartIDCredential:
    """The credential of a person who uses Smart-ID.

    Raises:
        UsageError: the configuration has no Smart-ID, or nobody can have this code.
    """
    if settings.smart_id is None:
        raise UsageError("there is no Smart-ID in the configuration: see credentials.smart_id")
    return SmartIDCredential(
        _recipient_id(person), settings.smart_id, conversation, timeouts, file_name=file_name
    )


def mobile_id(
    person: str,
    phone_number: str,
    settings: CredentialSettings,
    conversation: Conversation,
    timeouts: Timeouts,
    *,
    file_name: str,
) -> MobileIDCredential:
    """The credential of a person who uses Mobile-ID.

    Raises:
        UsageError: the configuration has no Mobile-ID, or code or number cannot be.
    """
    if settings.mobile_id is None:
        raise UsageError("there is no Mobile-ID in the configuration: see credentials.mobile_id")
    try:
        number = check_phone_number(phone_number)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return MobileIDCredential(
        _recipient_id(person), number, settings.mobile_id, conversation, timeouts, file_name=file_name
    )


def _recipient_id(person: str) -> str:
    try:
        return recipient_id_from_person(person)
    except MessageError as error:
        raise UsageError(str(error)) from error
