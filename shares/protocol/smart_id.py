# SPDX-License-Identifier: MIT
"""What a Smart-ID app signs since version 3 of its API, and what a ticket then carries beside it.

The app does not sign the ticket's bytes but a text (``ACSP_V2``) of eleven parts with ``|`` between them:

    scheme | ACSP_V2 | serverRandom | rpChallenge | userChallenge | base64(relying party's name)
    | base64(brokered relying party's name) | base64(SHA-256(interactions)) | interactionTypeUsed
    | initialCallbackUrl | flowType

``rpChallenge`` is the base64 of the SHA-256 of the ticket's signing input: that binds the signature to the
ticket. Scheme and names say for whom the app signed; a node takes them from its own configuration and
from nowhere else. The callback is always empty: flows that have one cannot be verified by a ticket
(docs/adr/0021). The rest comes with the ticket in a header of its own, the base64url of one JSON object
(``x-cdoc2-sid-rpv3-signature-parameters``, dialect B). The algorithm is RSASSA-PSS with SHA-256 throughout.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import (
    decode_base64,
    decode_base64url,
    encode_base64,
    encode_base64url,
    parse_object,
    text_field,
)

SIGNATURE_PROTOCOL: Final = "ACSP_V2"
SIGNATURE_ALGORITHM: Final = "rsassa-pss"
HASH_ALGORITHM: Final = "SHA-256"
# With this algorithm in its header a ticket is signed so.
TICKET_ALGORITHM: Final = "PS256"
ALGORITHM_PARAMETERS: Final[dict[str, Any]] = {
    "hashAlgorithm": HASH_ALGORITHM,
    "maskGenAlgorithm": {"algorithm": "id-mgf1", "parameters": {"hashAlgorithm": HASH_ALGORITHM}},
    "saltLength": 32,
    "trailerField": "0xbc",
}
NOTIFICATION: Final = "Notification"
FLOW_TYPES: Final = (NOTIFICATION, "QR")
INTERACTION_TYPES: Final = (
    "displayTextAndPIN",
    "confirmationMessage",
    "confirmationMessageAndVerificationCodeChoice",
)
MAX_PARAMETER_CHARACTERS: Final = 4096

_HEADER_SIGNATURE: Final = {
    *("serverRandom", "userChallenge", "flowType"),
    *("signatureAlgorithm", "signatureAlgorithmParameters"),
}
_MIN_SERVER_RANDOM_BYTES: Final = 18
_MAX_SERVER_RANDOM_BYTES: Final = 256
_USER_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """For whom an app signs.

    Attributes:
        name: as the person saw it in the app.
        scheme: ``smart-id``; of the service's demo ``smart-id-demo``.
        brokered_name: of whoever asks through ``name``; empty where nobody does.
    """

    name: str
    scheme: str = "smart-id"
    brokered_name: str = ""

    def __post_init__(self) -> None:
        if not self.name or not re.fullmatch(r"[a-z0-9-]{1,64}", self.scheme, re.ASCII):
            raise MessageError("a relying party has a name, and a scheme like smart-id")


@dataclass(frozen=True, slots=True)
class SignatureParameters:
    """The parts of the signed text that come with a ticket; none can hold a ``|``.

    Attributes:
        interactions_digest: base64 of a SHA-256.
        interaction_type_used: one of ``INTERACTION_TYPES``.
        server_random: base64 of at least 18 bytes.
        user_challenge: base64url of a SHA-256.
        flow_type: one of ``FLOW_TYPES``.
    """

    interactions_digest: str
    interaction_type_used: str
    server_random: str
    user_challenge: str
    flow_type: str

    def __post_init__(self) -> None:
        digest, random = decode_base64(self.interactions_digest), decode_base64(self.server_random)
        if len(digest) != hashlib.sha256().digest_size:
            raise MessageError("interactionsDigest is no SHA-256")
        if not _MIN_SERVER_RANDOM_BYTES <= len(random) <= _MAX_SERVER_RANDOM_BYTES:
            raise MessageError("serverRandom is too short or too long")
        if not _USER_CHALLENGE.fullmatch(self.user_challenge):
            raise MessageError("userChallenge is no base64url of a SHA-256")
        if self.flow_type not in FLOW_TYPES or self.interaction_type_used not in INTERACTION_TYPES:
            raise MessageError("no such flowType or interactionTypeUsed")

    @classmethod
    def from_header(cls, text: str) -> "SignatureParameters":
        """Read the header.

        Raises:
            MessageError: anything but exactly the documented members, or another algorithm.
        """
        if len(text) > MAX_PARAMETER_CHARACTERS:
            raise MessageError("the parameters of a signature are too long")
        members = parse_object(decode_base64url(text), MAX_PARAMETER_CHARACTERS)
        signature = members.get("signature")
        if set(members) != {"interactionsDigest", "interactionTypeUsed", "signature"}:
            raise MessageError("the parameters of a signature are of another form")
        if not isinstance(signature, dict) or set(signature) != _HEADER_SIGNATURE:
            raise MessageError("the parameters of a signature are of another form")
        if signature["signatureAlgorithmParameters"] != ALGORITHM_PARAMETERS:
            raise MessageError("the signature is not RSASSA-PSS with SHA-256")
        return cls.from_signature(
            signature, text_field(members, "interactionsDigest"), text_field(members, "interactionTypeUsed")
        )

    @classmethod
    def from_signature(
        cls, signature: dict[str, Any], interactions_digest: str, interaction_type_used: str
    ) -> "SignatureParameters":
        """Take them from the member ``signature`` of the service's answer, which may hold more.

        Raises:
            MessageError: a member is missing or malformed, or the algorithm is another.
        """
        given = (signature.get("signatureAlgorithm"), signature.get("signatureAlgorithmParameters"))
        if given[0] != SIGNATURE_ALGORITHM or not _holds(given[1], ALGORITHM_PARAMETERS):
            raise MessageError("the signature is not RSASSA-PSS with SHA-256")
        return cls(
            interactions_digest,
            interaction_type_used,
            text_field(signature, "serverRandom"),
            text_field(signature, "userChallenge"),
            text_field(signature, "flowType"),
        )

    def to_header(self) -> str:
        """The header's value."""
        members = {
            "interactionsDigest": self.interactions_digest,
            "interactionTypeUsed": self.interaction_type_used,
            "signature": {
                "serverRandom": self.server_random,
                "userChallenge": self.user_challenge,
                "flowType": self.flow_type,
                "signatureAlgorithm": SIGNATURE_ALGORITHM,
                "signatureAlgorithmParameters": ALGORITHM_PARAMETERS,
            },
        }
        return encode_base64url(json.dumps(members, separators=(",", ":")).encode("ascii"))

    def signed_text(self, signing_input: bytes, relying_party: RelyingParty) -> bytes:
        """What the app signed, if it signed the ticket with this signing input for this relying party."""
        parts = (
            relying_party.scheme,
            SIGNATURE_PROTOCOL,
            self.server_random,
            encode_base64(rp_challenge(signing_input)),
            self.user_challenge,
            encode_base64(relying_party.name.encode()),
            encode_base64(relying_party.brokered_name.encode()),
            self.interactions_digest,
            self.interaction_type_used,
            "",
            self.flow_type,
        )
        return "|".join(parts).encode("ascii")


def rp_challenge(signing_input: bytes) -> bytes:
    """The challenge that binds an app's signature to a ticket."""
    return hashlib.sha256(signing_input).digest()


def interactions_digest(interactions: str) -> str:
    """``interactionsDigest`` for the member ``interactions`` of a request, exactly as it was sent."""
    return encode_base64(hashlib.sha256(interactions.encode("ascii")).digest())


def _holds(given: Any, wanted: Any) -> bool:
    """Whether ``given`` has every member of ``wanted``, at every depth."""
    if isinstance(wanted, dict):
        return isinstance(given, dict) and all(
            _holds(given.get(name), value) for name, value in wanted.items()
        )
    return bool(given == wanted)
