# SPDX-License-Identifier: MIT
"""Smart-ID: the person confirms in an app (Relying Party API v2); RSA keys, so tickets are RS256.

The order is what protects the person: the hash is made, the code from it is shown here, only then is
the app made to ask. The answer is checked before it is used (``person_certificate``).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from osak.client.identity.conversation import Conversation
from osak.client.identity.display_text import fit_text
from osak.client.identity.errors import BadSignatureError
from osak.client.identity.person_certificate import (
    check_certificate,
    check_rs256,
    read_authorities,
    read_certificate,
)
from osak.client.identity.service import EIDService, access_to, member
from osak.client.identity.settings import SmartIDSettings
from osak.client.identity.smart_id_answers import (
    REFUSALS,
    SERVICE_NAME,
    check_level,
    check_outcome,
    decode_certificate,
    decode_signature,
    verification_code,
)
from osak.coordinator import TicketSignature, Timeouts
from osak.shares.protocol.strict_json import encode_base64


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

        Raises:
            IdentityServiceError: the DPoP key in the settings is another kind of key.
        """
        self._recipient_id = recipient_id
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
        """RS256, always."""
        return "RS256"

    async def sign(self, signing_input: bytes) -> TicketSignature:
        """Show the code, have the app ask, wait, check.

        Raises:
            IdentityError: refused, failed, or not to be believed; a ``CredentialError``.
        """
        digest = hashlib.sha256(signing_input).digest()
        anchors = read_authorities(self._settings.anchors)  # before a person answers for nothing
        service = EIDService(
            SERVICE_NAME,
            self._settings,
            self._timeouts,
            REFUSALS,
            pause_seconds=self._pause_seconds,
            access=self._access,
        )
        async with service:
            self._conversation.show_code(SERVICE_NAME, verification_code(digest))
            session_id = await service.start(f"/authentication/{self._recipient_id}", self._question(digest))
            with self._conversation.waiting(SERVICE_NAME):
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
        check_outcome(answer)
        if member(answer, "signature", "algorithm") != "sha256WithRSAEncryption":
            raise BadSignatureError(f"{SERVICE_NAME} signed with another algorithm than was asked for")
        check_level(answer, self._settings.certificate_level)
        signature, certificate_der = decode_signature(answer), decode_certificate(answer)
        certificate = read_certificate(certificate_der)
        check_certificate(certificate, self._recipient_id, anchors, self._clock())
        check_rs256(certificate, digest, signature)
        return TicketSignature(signature, certificate_der)
