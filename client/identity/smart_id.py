# SPDX-License-Identifier: MIT
"""Smart-ID: the person confirms in an app (Relying Party API v2); RSA keys, so tickets are RS256.

The order is what protects the person: the hash is made, the code from it is shown here, only then is
the app made to ask. The answer is checked before it is used (``person_certificate``).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509

from osak.client.identity.conversation import Conversation
from osak.client.identity.display_text import fit_text
from osak.client.identity.errors import (
    BadSignatureError,
    IdentityServiceError,
    RefusedSignatureError,
)
from osak.client.identity.person_certificate import (
    check_certificate,
    check_rs256,
    read_anchors,
    read_certificate,
)
from osak.client.identity.service import EIDService, Refusal, member
from osak.client.identity.settings import SmartIDSettings
from osak.coordinator import TicketSignature, Timeouts
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64, encode_base64

_NAME: Final = "Smart-ID"
_LEVELS: Final = ("ADVANCED", "QUALIFIED")
_CANCELLED: Final = ("you cancelled the request in the Smart-ID app", "refused")
_OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "USER_REFUSED": _CANCELLED,
    "USER_REFUSED_CERT_CHOICE": _CANCELLED,
    "USER_REFUSED_DISPLAYTEXTANDPIN": _CANCELLED,
    "USER_REFUSED_VC_CHOICE": _CANCELLED,
    "USER_REFUSED_CONFIRMATIONMESSAGE": _CANCELLED,
    "USER_REFUSED_CONFIRMATIONMESSAGE_WITH_VC_CHOICE": _CANCELLED,
    "TIMEOUT": ("nobody answered in the Smart-ID app in time", "timeout"),
    "DOCUMENT_UNUSABLE": (
        "this Smart-ID account cannot be used now; the app or Smart-ID's support says why",
        "unusable",
    ),
    "WRONG_VC": (
        "another verification code was chosen in the Smart-ID app than the one shown here",
        "wrong-code",
    ),
    "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP": (
        "the Smart-ID app is too old to show what it should: update it",
        "app-too-old",
    ),
}
_REFUSALS: Final[Mapping[int, Refusal]] = {
    404: Refusal("Smart-ID does not know this person, or this question any more", "not-found"),
    471: Refusal("this person has no Smart-ID account of the level that is needed", "not-found"),
    472: Refusal("Smart-ID wants this person to visit its portal or app first", "unusable"),
    480: Refusal("Smart-ID does not serve this version of its protocol any more"),
    580: Refusal("Smart-ID is being maintained; try again later"),
}


class SmartIDCredential:
    """Signs tickets through the person's Smart-ID app."""

    def __init__(
        self,
        recipient_id: str,
        settings: SmartIDSettings,
        conversation: Conversation,
        timeouts: Timeouts,
        *,
        file_name: str,
        pause_seconds: float = 1.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Take everything, ask nobody yet.

        Args:
            recipient_id: the person, checked: ``etsi/PNOEE-…``.
            settings: where the service is, who asks, whom to trust.
            conversation: speaks to the person.
            timeouts: of the network; the person has longer.
            file_name: what is to be opened; the app shows it.
            pause_seconds: between two requests for the outcome.
            clock: the time, for certificates.
        """
        self._recipient_id = recipient_id
        self._settings = settings
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
        """RS256, always."""
        return "RS256"

    async def sign(self, signing_input: bytes) -> TicketSignature:
        """Show the code, have the app ask, wait, check.

        Raises:
            IdentityError: refused, failed, or not to be believed; a ``CredentialError``.
        """
        digest = hashlib.sha256(signing_input).digest()
        anchors = read_anchors(self._settings.anchors)  # before a person answers for nothing
        service = EIDService(
            _NAME, self._settings, self._timeouts, _REFUSALS, pause_seconds=self._pause_seconds
        )
        async with service:
            self._conversation.show_code(_NAME, verification_code(digest))
            session_id = await service.start(f"/authentication/{self._recipient_id}", self._question(digest))
            with self._conversation.waiting(_NAME):
                answer = await service.outcome(f"/session/{session_id}")
        return self._checked(answer, digest, anchors)

    def _question(self, digest: bytes) -> dict[str, Any]:
        template, name = self._settings.display_text, self._file_name
        short, long = fit_text(template, name, 60), fit_text(template, name, 200)
        return {
            "certificateLevel": self._settings.certificate_level,
            "hash": encode_base64(digest),
            "hashType": "SHA256",
            # The app takes the first that it can: those where the person must find the code come first.
            "allowedInteractionsOrder": [
                {"type": "confirmationMessageAndVerificationCodeChoice", "displayText200": long},
                {"type": "verificationCodeChoice", "displayText60": short},
                {"type": "displayTextAndPIN", "displayText60": short},
            ],
        }

    def _checked(
        self, answer: Mapping[str, Any], digest: bytes, anchors: Sequence[x509.Certificate]
    ) -> TicketSignature:
        end = member(answer, "result", "endResult")
        if end != "OK":
            text, reason = _OUTCOMES.get(end, (f"{_NAME} ended without a signature", "failed"))
            raise RefusedSignatureError(text, reason)
        if member(answer, "signature", "algorithm") != "sha256WithRSAEncryption":
            raise BadSignatureError(f"{_NAME} signed with another algorithm than was asked for")
        level = member(answer, "cert", "certificateLevel")
        if level not in _LEVELS[_LEVELS.index(self._settings.certificate_level) :]:
            raise BadSignatureError(
                f"{_NAME} answered with a certificate of a lower level than was asked for"
            )
        try:
            signature = decode_base64(member(answer, "signature", "value"))
            certificate_der = decode_base64(member(answer, "cert", "value"))
        except MessageError as error:
            raise IdentityServiceError(f"{_NAME} answered something that is not its protocol") from error
        certificate = read_certificate(certificate_der)
        check_certificate(certificate, self._recipient_id, anchors, self._clock())
        check_rs256(certificate, digest, signature)
        return TicketSignature(signature, certificate_der)


def verification_code(digest: bytes) -> str:
    """The four digits that the app shows for this hash: the end of its own SHA-256, modulo 10 000."""
    return f"{int.from_bytes(hashlib.sha256(digest).digest()[-2:]) % 10000:04d}"
