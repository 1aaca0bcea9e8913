# SPDX-License-Identifier: MIT
"""Who lives in the simulator: the public test people of Smart-ID and Mobile-ID, and how each of them answers.

Codes, phone numbers and outcomes are those that the services publish for their own demos, so that what
was tried here can be tried there. None of these people exists.
"""

from typing import Any, Final

SMART_ID_PERSON: Final = "PNOEE-30303039914"
MOBILE_ID_PERSON: Final = ("60001017869", "+37268000769")

# Semantics identifier -> end result in the words of Smart-ID's version 2.
SMART_ID_PEOPLE: Final = {
    SMART_ID_PERSON: "OK",
    "PNOEE-40504040001": "OK",
    "PNOEE-30403039917": "USER_REFUSED",
    "PNOEE-30403039928": "USER_REFUSED_DISPLAYTEXTANDPIN",
    "PNOEE-30403039939": "USER_REFUSED_VC_CHOICE",
    "PNOEE-30403039946": "USER_REFUSED_CONFIRMATIONMESSAGE",
    "PNOEE-30403039950": "USER_REFUSED_CONFIRMATIONMESSAGE_WITH_VC_CHOICE",
    "PNOEE-30403039961": "USER_REFUSED_CERT_CHOICE",
    "PNOEE-30403039972": "WRONG_VC",
    "PNOEE-30403039983": "TIMEOUT",
}
# National code and phone number -> result.
MOBILE_ID_PEOPLE: Final = {
    MOBILE_ID_PERSON: "OK",
    ("51307149560", "+37269930366"): "OK",
    ("60001019939", "+37200000266"): "NOT_MID_CLIENT",
    ("60001019950", "+37201100266"): "USER_CANCELLED",
    ("60001019961", "+37200000666"): "SIGNATURE_HASH_MISMATCH",
    ("60001019983", "+37213100266"): "PHONE_ABSENT",
    ("60001019972", "+37201200266"): "DELIVERY_ERROR",
    ("50001018908", "+37266000266"): "TIMEOUT",
}
SMART_ID_RESULTS: Final = (
    "USER_REFUSED",
    "TIMEOUT",
    "DOCUMENT_UNUSABLE",
    "WRONG_VC",
    "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP",
    "USER_REFUSED_CERT_CHOICE",
    "USER_REFUSED_DISPLAYTEXTANDPIN",
    "USER_REFUSED_VC_CHOICE",
    "USER_REFUSED_CONFIRMATIONMESSAGE",
    "USER_REFUSED_CONFIRMATIONMESSAGE_WITH_VC_CHOICE",
)
# The same people as version 3 tells of them: end result, and which interaction was cancelled.
_INTERACTIONS: Final = {
    "USER_REFUSED_DISPLAYTEXTANDPIN": "displayTextAndPIN",
    "USER_REFUSED_VC_CHOICE": "verificationCodeChoice",
    "USER_REFUSED_CONFIRMATIONMESSAGE": "confirmationMessage",
    "USER_REFUSED_CONFIRMATIONMESSAGE_WITH_VC_CHOICE": "confirmationMessageAndVerificationCodeChoice",
}
SMART_ID_V3_RESULTS: Final = (
    "USER_REFUSED",
    "TIMEOUT",
    "DOCUMENT_UNUSABLE",
    "WRONG_VC",
    "REQUIRED_INTERACTION_NOT_SUPPORTED_BY_APP",
    "USER_REFUSED_CERT_CHOICE",
    "USER_REFUSED_INTERACTION",
    "PROTOCOL_FAILURE",
    "EXPECTED_LINKED_SESSION",
    "SERVER_ERROR",
    "ACCOUNT_UNUSABLE",
)
MOBILE_ID_RESULTS: Final = (
    "TIMEOUT",
    "NOT_MID_CLIENT",
    "USER_CANCELLED",
    "SIGNATURE_HASH_MISMATCH",
    "PHONE_ABSENT",
    "SIM_ERROR",
    "DELIVERY_ERROR",
    "EXPIRED_TRANSACTION",
)


def version_3_result(result: str) -> dict[str, Any]:
    """The member ``result`` of version 3 for an end result of either version."""
    interaction = _INTERACTIONS.get(result)
    if interaction is None:
        return {"endResult": result}
    return {"endResult": "USER_REFUSED_INTERACTION", "details": {"interaction": interaction}}
