# SPDX-License-Identifier: MIT
"""Smart-ID through version 3 of its API: the person confirms in an app, which signs the text of ``ACSP_V2``.

That text names the relying party (``osak.shares.protocol.smart_id``), so software between osak and
the app cannot have somebody else's question signed as ours. As with version 2 the code is shown before
the app asks, and the answer is checked before it is used, over the text put together here. Only servers
that know the relying party accept such a ticket; its algorithm is PS256.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509

from osak.client.identity.conversation import Conversation
from osak.client.identity.display_text import fit_text
from osak.client.identity.errors import BadSignatureError, IdentityServiceError
from osak.client.identity.logged_in import Login
from osak.client.identity.person_certificate import (
    check_certificate,
    check_ps256,
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
from osak.shares.errors import MessageError
from osak.shares.protocol.smart_id import (
    HASH_ALGORITHM,
    NOTIFICATION,
    SIGNATURE_ALGORITHM,
    SIGNATURE_PROTOCOL,
    TICKET_ALGORITHM,
    RelyingParty,
    SignatureParameters,
    interactions_digest,
    rp_challenge,
)
from osak.shares.protocol.strict_json import encode_base64

# The app takes the first that it can: the one where the person must find the code comes first.
_LONG: Final = "confirmationMessageAndVerificationCodeChoice"
_SHORT: Final = "displayTextAndPIN"


class SmartIDv3Credential:
    """Signs tickets through the person's Smart-ID app, with version 3 of its API."""

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
        login: Login | None = None,
    ) -> None:
        """Take everything, ask nobody yet; as ``SmartIDCredential``. ``login`` is the way to an rp-server."""
        self._login = login
        self._recipient_id = recipient_id
        self._settings = settings
        self._access = access_to(settings)
        self._relying_party = RelyingParty(
            settings.relying_party_name, settings.scheme, settings.brokered_name
        )
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
        """PS256, always."""
        return TICKET_ALGORITHM

    async def sign(self, signing_input: bytes) -> TicketSignature:
        """Show the code, have the app ask, wait, check.

        Raises:
            IdentityError: refused, failed, or not to be believed; a ``CredentialError``.
        """
        challenge, interactions = rp_challenge(signing_input), self._interactions()
        anchors = read_authorities(self._settings.anchors)  # before a person answers for nothing
        service = EIDService(
            SERVICE_NAME,
            self._settings,
            self._timeouts,
            REFUSALS,
            pause_seconds=self._pause_seconds,
            session_headers=await self._session_headers(),
            access=self._access,
        )
        question, base = self._question(challenge, interactions), ""
        path = f"/authentication/notification/{self._recipient_id}"
        if self._settings.api == "rp-server":
            path, base = "/sid/authenticate", "/sid"
            question["semanticsIdentifier"] = self._recipient_id.removeprefix("etsi/")
        async with service:
            self._conversation.show_code(SERVICE_NAME, verification_code(challenge))
            session_id = await service.start(path, question)
            with self._conversation.waiting(SERVICE_NAME):
                answer = await service.outcome(f"{base}/session/{session_id}")
        return self._checked(answer, signing_input, interactions, anchors)

    async def _session_headers(self) -> dict[str, str] | None:
        """What an rp-server is shown; None where the service itself is asked."""
        if self._settings.api != "rp-server":
            return None
        sessions = {} if self._login is None else await self._login.sessions()
        proof = sessions.get(self._settings.url)
        if proof is None:
            raise IdentityServiceError(
                "the auth server gives no session with the rp-server of the configuration"
            )
        return proof.headers()

    def _interactions(self) -> str:
        """Base64 of JSON; what is signed is its digest, so it is made once and sent as it is."""
        template, name = self._settings.display_text, self._file_name
        order = [
            {"type": _LONG, "displayText200": fit_text(template, name, 200)},
            {"type": _SHORT, "displayText60": fit_text(template, name, 60)},
        ]
        return encode_base64(json.dumps(order, separators=(",", ":")).encode("ascii"))

    def _question(self, challenge: bytes, interactions: str) -> dict[str, Any]:
        return {
            "certificateLevel": self._settings.certificate_level,
            "signatureProtocol": SIGNATURE_PROTOCOL,
            "signatureProtocolParameters": {
                "rpChallenge": encode_base64(challenge),
                "signatureAlgorithm": SIGNATURE_ALGORITHM,
                "signatureAlgorithmParameters": {"hashAlgorithm": HASH_ALGORITHM},
            },
            "interactions": interactions,
            "vcType": "numeric4",
        }

    def _checked(
        self,
        answer: Mapping[str, Any],
        signing_input: bytes,
        interactions: str,
        anchors: Sequence[x509.Certificate],
    ) -> TicketSignature:
        check_outcome(answer)
        check_level(answer, self._settings.certificate_level)
        if member(answer, "signatureProtocol") != SIGNATURE_PROTOCOL:
            raise BadSignatureError(f"{SERVICE_NAME} signed by another protocol than was asked for")
        used = member(answer, "interactionTypeUsed")
        signature = decode_signature(answer)
        certificate_der = decode_certificate(answer)
        try:
            parameters = SignatureParameters.from_signature(
                dict(answer["signature"]), interactions_digest(interactions), used
            )
        except MessageError as error:
            raise BadSignatureError(f"{SERVICE_NAME} signed otherwise than was asked for: {error}") from error
        if parameters.flow_type != NOTIFICATION or used not in {_LONG, _SHORT}:
            raise BadSignatureError(f"{SERVICE_NAME} asked the person in another way than it was asked to")
        certificate = read_certificate(certificate_der)
        check_certificate(certificate, self._recipient_id, anchors, self._clock())
        check_ps256(certificate, parameters.signed_text(signing_input, self._relying_party), signature)
        return TicketSignature(signature, certificate_der, parameters.to_header())
