# SPDX-License-Identifier: MIT
"""Smart-ID's Relying Party API, version 3: authentication by notification; as strict as ``smart_id_v2``.

The text that is signed (``ACSP_V2``) is put together here from the service's own description, apart from
the code of osak that verifies it.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from osak.client.simulator.people import SMART_ID_PEOPLE, version_3_result
from osak.client.simulator.phones import Phones, Question, decode_member, read_body
from osak.client.simulator.relying_party import RP_NAME, check_relying_party
from osak.client.simulator.smart_id_v2 import check_interactions, shown_text, smart_id_code
from osak.shares.protocol.strict_json import encode_base64, encode_base64url

SMART_ID_V3_PATH: Final = "/smart-id-rp/v3"
SCHEME: Final = "smart-id-demo"

_LEVELS: Final = ("QUALIFIED", "ADVANCED")
_INTERACTIONS: Final = {
    "displayTextAndPIN": ("displayText60", 60),
    "confirmationMessage": ("displayText200", 200),
    "confirmationMessageAndVerificationCodeChoice": ("displayText200", 200),
}
MEMBERS: Final = (
    *("certificateLevel", "signatureProtocol", "signatureProtocolParameters", "interactions", "vcType"),
)
_ALGORITHM: Final = {
    "signatureAlgorithm": "rsassa-pss",
    "signatureAlgorithmParameters": {"hashAlgorithm": "SHA-256"},
}
_CHALLENGE_BYTES: Final = range(32, 65)


class SmartIDv3:
    """The service before everybody's phone."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Answer at ``SMART_ID_V3_PATH``, below ``prefix``."""
        base = f"{prefix}{SMART_ID_V3_PATH}"
        app.router.add_post(f"{base}/authentication/notification/etsi/{{person}}", self._start)
        app.router.add_get(f"{base}/session/{{session}}", self.outcome)

    async def _start(self, request: web.Request) -> web.Response:
        self._phones.refuse_if_told()
        body = await read_body(request, "relyingPartyUUID", "relyingPartyName", *MEMBERS)
        check_relying_party(body)
        return self.ask(request.match_info["person"], body)

    def ask(self, person: str, body: Mapping[str, Any]) -> web.Response:
        """Ask a person what is in the members that all callers have."""
        parameters = body["signatureProtocolParameters"]
        if body["signatureProtocol"] != "ACSP_V2" or body["vcType"] != "numeric4":
            raise web.HTTPBadRequest(text="no such signatureProtocol or vcType")
        if body["certificateLevel"] not in _LEVELS or not isinstance(parameters, dict):
            raise web.HTTPBadRequest(text="no such certificateLevel")
        challenge = decode_member(parameters.get("rpChallenge"))
        others = {name: value for name, value in parameters.items() if name != "rpChallenge"}
        if len(challenge) not in _CHALLENGE_BYTES or others != _ALGORITHM:
            raise web.HTTPBadRequest(text="rpChallenge too short or long, or another algorithm")
        order = _interactions(body["interactions"])
        result = SMART_ID_PEOPLE.get(person)
        if result is None:
            raise web.HTTPNotFound(text="no such person")
        shown = f"code {smart_id_code(challenge)}, {shown_text(order)}"
        return web.json_response({"sessionID": self._phones.ring(person, body, result, shown)})

    async def outcome(self, request: web.Request) -> web.Response:
        """The outcome of the session in the path."""
        question = await self._phones.outcome(request)
        if question is None:
            return web.json_response({"state": "RUNNING"})
        reply: dict[str, Any] = {"state": "COMPLETE", "result": version_3_result(question.result)}
        if question.result == "OK":
            self._sign(question, reply)
        self._phones.behaviour.change(reply)
        return web.json_response(reply)

    def _sign(self, question: Question, reply: dict[str, Any]) -> None:
        holder = self._phones.smart_id_holder(question.person)
        assert isinstance(holder.key, rsa.RSAPrivateKey), "apps have RSA keys"
        body = question.body
        used = _interactions(body["interactions"])[0]["type"]
        server_random = encode_base64(secrets.token_bytes(24))
        user_challenge = encode_base64url(hashlib.sha256(secrets.token_bytes(32)).digest())
        text = (
            f"{SCHEME}|ACSP_V2|{server_random}|{body['signatureProtocolParameters']['rpChallenge']}"
            f"|{user_challenge}|{encode_base64(RP_NAME.encode())}|"
            f"|{encode_base64(hashlib.sha256(body['interactions'].encode()).digest())}|{used}||Notification"
        )
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        reply["result"]["documentNumber"] = f"{question.person}-MOCK-Q"
        reply["signatureProtocol"] = "ACSP_V2"
        reply["signature"] = {
            "value": encode_base64(holder.key.sign(text.encode(), pss, hashes.SHA256())),
            "serverRandom": server_random,
            "userChallenge": user_challenge,
            "flowType": "Notification",
            "signatureAlgorithm": "rsassa-pss",
            "signatureAlgorithmParameters": {
                "hashAlgorithm": "SHA-256",
                "maskGenAlgorithm": {"algorithm": "id-mgf1", "parameters": {"hashAlgorithm": "SHA-256"}},
                "saltLength": 32,
                "trailerField": "0xbc",
            },
        }
        level = self._phones.behaviour.certificate_level
        reply["cert"] = {"value": encode_base64(holder.der), "certificateLevel": level}
        reply["interactionTypeUsed"] = used


def _interactions(text: Any) -> list[dict[str, str]]:
    """The interactions of a request, each of its kind.

    Raises:
        HTTPBadRequest: they are no base64 of a JSON list of known ones.
    """
    try:
        order = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError) as error:
        raise web.HTTPBadRequest(text="interactions are no base64 of JSON") from error
    check_interactions(order, _INTERACTIONS)
    kinds = [each["type"] for each in order]
    if len(set(kinds)) != len(kinds):
        raise web.HTTPBadRequest(text="an interaction stands twice")
    return list(order)
