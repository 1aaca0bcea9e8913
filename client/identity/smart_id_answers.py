# SPDX-License-Identifier: MIT
"""How a question to a Smart-ID app can end, in words for people, and the code the app shows.

The same for every version of its API.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from osak.client.identity.errors import BadSignatureError, IdentityServiceError, RefusedSignatureError
from osak.client.identity.service import Refusal, member
from osak.shares.errors import MessageError
from osak.shares.protocol.strict_json import decode_base64

SERVICE_NAME: Final = "Smart-ID"

_LEVELS: Final = ("ADVANCED", "QUALIFIED")
_CANCELLED: Final = ("you cancelled the request in the Smart-ID app", "refused")
_UNUSABLE: Final = (
    "this Smart-ID account cannot be used now; the app or Smart-ID's support says why",
    "unusable",
)
_OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "USER_REFUSED": _CANCELLED,
    "USER_REFUSED_CERT_CHOICE": _CANCELLED,
    "USER_REFUSED_DISPLAYTEXTANDPIN": _CANCELLED,
    "USER_REFUSED_VC_CHOICE": _CANCELLED,
    "USER_REFUSED_CONFIRMATIONMESSAGE": _CANCELLED,
    "USER_REFUSED_CONFIRMATIONMESSAGE_WITH_VC_CHOICE": _CANCELLED,
    "USER_REFUSED_INTERACTION": _CANCELLED,
    "TIMEOUT": ("nobody answered in the Smart-ID app in time", "timeout"),
    "DOCUMENT_UNUSABLE": _UNUSABLE,
    "ACCOUNT_UNUSABLE": _UNUSABLE,
    "WRONG_VC": (
        "another verification code was chosen in the Smart-ID app than the one shown here",
        "wrong-code",
    ),
    "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP": (
        "the Smart-ID app is too old to show what it should: update it",
        "app-too-old",
    ),
    "PROTOCOL_FAILURE": (
        "the Smart-ID app and its service did not agree on the signature; try again",
        "failed",
    ),
    "EXPECTED_LINKED_SESSION": ("the Smart-ID app was waiting for another request; try again", "failed"),
    "SERVER_ERROR": ("Smart-ID's own server failed while it asked you; try again later", "failed"),
}
REFUSALS: Final[Mapping[int, Refusal]] = {
    404: Refusal("Smart-ID does not know this person, or this question any more", "not-found"),
    471: Refusal("this person has no Smart-ID account of the level that is needed", "not-found"),
    472: Refusal("Smart-ID wants this person to visit its portal or app first", "unusable"),
    480: Refusal("Smart-ID does not serve this version of its protocol any more"),
    580: Refusal("Smart-ID is being maintained; try again later"),
}


def check_outcome(answer: Mapping[str, Any]) -> None:
    """Check that the person signed.

    Raises:
        RefusedSignatureError: it ended otherwise; says how.
        IdentityServiceError: the answer is of another form.
    """
    end = member(answer, "result", "endResult")
    if end != "OK":
        text, reason = describe_end(end)
        raise RefusedSignatureError(text, reason)


def describe_end(end: str) -> tuple[str, str]:
    """An end result other than ``OK`` in a sentence, and its stable reason."""
    return _OUTCOMES.get(end, (f"{SERVICE_NAME} ended without a signature", "failed"))


def check_level(answer: Mapping[str, Any], least: str) -> None:
    """Check the level of the certificate.

    Raises:
        BadSignatureError: it is lower than ``least``.
        IdentityServiceError: the answer is of another form.
    """
    if member(answer, "cert", "certificateLevel") not in _LEVELS[_LEVELS.index(least) :]:
        raise BadSignatureError(
            f"{SERVICE_NAME} answered with a certificate of a lower level than was asked for"
        )


def decode_signature(answer: Mapping[str, Any]) -> bytes:
    """The signature in a Smart-ID service's answer.

    Raises:
        IdentityServiceError: there is none.
    """
    return _decode(member(answer, "signature", "value"))


def decode_certificate(answer: Mapping[str, Any]) -> bytes:
    """The certificate in a Smart-ID service's answer.

    Raises:
        IdentityServiceError: there is none.
    """
    return _decode(member(answer, "cert", "value"))


def _decode(text: str) -> bytes:
    try:
        return decode_base64(text)
    except MessageError as error:
        raise IdentityServiceError(f"{SERVICE_NAME} answered something that is not its protocol") from error


def verification_code(data: bytes) -> str:
    """The four digits that the app shows for a hash or a challenge: the end of its SHA-256, modulo 10 000."""
    return f"{int.from_bytes(hashlib.sha256(data).digest()[-2:]) % 10000:04d}"
