# SPDX-License-Identifier: MIT
"""Mobile-ID: the SIM card signs (MID REST API); keys on P-256, so tickets are ES256.

As with Smart-ID the code is shown here before the phone is made to ask, and the answer is checked before
it is used.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509

from osak.client.identity.conversation import Conversation
from osak.client.identity.display_text import fit_text, is_gsm_7
from osak.client.identity.errors import IdentityServiceError, RefusedSignatureError
from osak.client.identity.person_certificate import (
    check_certificate,
    check_es256,
    read_authorities,
    read_certificate,
)
from osak.client.identity.service import EIDService, Refusal, access_to, member
from osak.client.identity.settings import MobileIDSettings
from osak.coordinator import TicketSignature, Timeouts
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64, encode_base64

_NAME: Final = "Mobile-ID"
_PHONE_NUMBER: Final = re.compile(r"\+[0-9]{8,30}", re.ASCII)
# What every version of the service takes; later ones take more.
_MAX_GSM_7_CHARACTERS: Final = 40
_MAX_UCS_2_CHARACTERS: Final = 20
_OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "USER_CANCELLED": ("you cancelled the request on the phone", "refused"),
    "TIMEOUT": ("nobody answered on the phone in time", "timeout"),
    "EXPIRED_TRANSACTION": ("nobody answered on the phone in time", "timeout"),
    "NOT_MID_CLIENT": ("this person has no Mobile-ID on this phone number", "not-found"),
    "PHONE_ABSENT": ("the phone cannot be reached: is it switched on, with network?", "unreachable"),
    "DELIVERY_ERROR": ("the question could not be delivered to the phone", "unreachable"),
    "SIM_ERROR": ("the SIM card of the phone failed; its operator can help", "unusable"),
    "SIGNATURE_HASH_MISMATCH": (
        "the phone's Mobile-ID certificate does not fit its key; its operator can help",
        "unusable",
    ),
}
_REFUSALS: Final[Mapping[int, Refusal]] = {
    404: Refusal("Mobile-ID does not know this question any more", "timeout"),
}


class MobileIDCredential:
    """Signs tickets through the SIM card of the person's phone."""

    def __init__(
        self,
        recipient_id: str,
        phone_number: str,
        settings: MobileIDSettings,
        conversation: Conversation,
        timeouts: Timeouts,
        *,
        file_name: str,
        pause_seconds: float = 3.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take everything, ask nobody yet.

        Args:
            recipient_id: the person, checked: ``etsi/PNOEE-…``.
            phone_number: of ``check_phone_number``.
            settings: where the service is, who asks, whom to trust.
            conversation: speaks to the person.
            timeouts: of the network; the person has longer.
            file_name: what is to be opened; the phone shows it.
            pause_seconds: between two requests for the outcome.
            clock: the time, for certificates.

        Raises:
            IdentityServiceError: the DPoP key in the settings is another kind of key.
        """
        self._recipient_id = recipient_id
        self._phone_number = phone_number
        self._settings = settings
        self._access = access_to(settings)
        self._conversation = conversation
        self._timeouts = timeouts
        self._file_name = file_name
        self._pause_seconds = pause_seconds
        self._clock = clock

    @property
    def recipient_id(self) -> str:
        """The person."""
        return self._recipient_id

    @property
    def algorithm(self) -> str:
        """ES256, always."""
        return "ES256"

    async def sign(self, signing_input: bytes) -> TicketSignature:
        """Show the code, have the phone ask, wait, check.

        Raises:
            IdentityError: refused, failed, or not to be believed; a ``CredentialError``.
        """
        digest = hashlib.sha256(signing_input).digest()
        anchors = read_authorities(self._settings.anchors)  # before a person answers for nothing
        service = EIDService(
            _NAME,
            self._settings,
            self._timeouts,
            _REFUSALS,
            pause_seconds=self._pause_seconds,
            access=self._access,
        )
        async with service:
            self._conversation.show_code(_NAME, verification_code(digest))
            session_id = await service.start("/authentication", self._question(digest))
            with self._conversation.waiting(_NAME):
                answer = await service.outcome(f"/authentication/session/{session_id}")
        return self._checked(answer, digest, anchors)

    def _question(self, digest: bytes) -> dict[str, Any]:
        text = fit_text(self._settings.display_text, self._file_name, _MAX_GSM_7_CHARACTERS)
        in_seven_bits = is_gsm_7(text)
        if not in_seven_bits:
            text = fit_text(self._settings.display_text, self._file_name, _MAX_UCS_2_CHARACTERS)
        return {
            "phoneNumber": self._phone_number,
            "nationalIdentityNumber": self._recipient_id.partition("-")[2],
            "hash": encode_base64(digest),
            "hashType": "SHA256",
            "language": self._settings.language,
            "displayText": text,
            "displayTextFormat": "GSM-7" if in_seven_bits else "UCS-2",
        }

    def _checked(
        self, answer: Mapping[str, Any], digest: bytes, anchors: Sequence[x509.Certificate]
    ) -> TicketSignature:
        end = member(answer, "result")
        if end != "OK":
            text, reason = describe_end(end)
            raise RefusedSignatureError(text, reason)
        try:
            signature = decode_base64(member(answer, "signature", "value"))
            certificate_der = decode_base64(member(answer, "cert"))
        except MessageError as error:
            raise IdentityServiceError(f"{_NAME} answered something that is not its protocol") from error
        certificate = read_certificate(certificate_der)
        check_certificate(certificate, self._recipient_id, anchors, self._clock())
        check_es256(certificate, digest, signature)
        return TicketSignature(signature, certificate_der)


def describe_end(end: str) -> tuple[str, str]:
    """A result other than ``OK`` in a sentence, and its stable reason."""
    return _OUTCOMES.get(end, (f"{_NAME} ended without a signature", "failed"))


def check_phone_number(typed: str) -> str:
    """Return ``typed`` as the service takes it: ``+`` and digits, without the spaces people write.

    Raises:
        ValueError: no country code, or no phone number.
    """
    number = re.sub(r"[ ()-]", "", typed)
    if not _PHONE_NUMBER.fullmatch(number):
        raise ValueError("a phone number begins with + and the country's code: +37200000766")
    return number


def verification_code(digest: bytes) -> str:
    """The four digits that the phone shows for this hash: its first six bits and its last seven."""
    return f"{(digest[0] & 0xFC) << 5 | digest[-1] & 0x7F:04d}"
