# SPDX-License-Identifier: MIT
"""Smart-ID's Relying Party API, version 2, as far as authentication goes.

Requests are checked as strictly as the service does, and more: whatever is missing or odd is a 400.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from osak.client.simulator.people import SMART_ID_PEOPLE
from osak.client.simulator.phones import Phones, Question, decode_member, read_body
from osak.client.simulator.relying_party import check_relying_party
from osak.shares.protocol.strict_json import encode_base64

SMART_ID_PATH: Final = "/smart-id-rp/v2"

_LEVELS: Final = ("QUALIFIED", "ADVANCED", "QSCD")
_INTERACTIONS: Final = {
    "displayTextAndPIN": ("displayText60", 60),
    "verificationCodeChoice": ("displayText60", 60),
    "confirmationMessage": ("displayText200", 200),
    "confirmationMessageAndVerificationCodeChoice": ("displayText200", 200),
}
_MEMBERS: Final = (
    *("relyingPartyUUID", "relyingPartyName", "certificateLevel"),
    *("hash", "hashType", "allowedInteractionsOrder"),
)


class SmartIDv2:
    """The service before everybody's phone."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Answer at ``SMART_ID_PATH``, below ``prefix``."""
        app.router.add_post(f"{prefix}{SMART_ID_PATH}/authentication/etsi/{{person}}", self._start)
        app.router.add_get(f"{prefix}{SMART_ID_PATH}/session/{{session}}", self._outcome)

    async def _start(self, request: web.Request) -> web.Response:
        self._phones.refuse_if_told()
        body = await read_body(request, *_MEMBERS)
        digest = decode_member(body["hash"])
        if len(digest) != hashlib.sha256().digest_size or body["hashType"] != "SHA256":
            raise web.HTTPBadRequest(text="not a SHA-256")
        if body["certificateLevel"] not in _LEVELS:
            raise web.HTTPBadRequest(text="no such certificateLevel")
        check_interactions(body["allowedInteractionsOrder"], _INTERACTIONS)
        check_relying_party(body)
        person = request.match_info["person"]
        result = SMART_ID_PEOPLE.get(person)
        if result is None:
            raise web.HTTPNotFound(text="no such person")
        shown = f"code {smart_id_code(digest)}, {shown_text(body['allowedInteractionsOrder'])}"
        return web.json_response({"sessionID": self._phones.ring(person, body, result, shown)})

    async def _outcome(self, request: web.Request) -> web.Response:
        question = await self._phones.outcome(request)
        if question is None:
            return web.json_response({"state": "RUNNING"})
        reply: dict[str, Any] = {"state": "COMPLETE", "result": {"endResult": question.result}}
        if question.result == "OK":
            self._sign(question, reply)
        self._phones.behaviour.change(reply)
        return web.json_response(reply)

    def _sign(self, question: Question, reply: dict[str, Any]) -> None:
        holder = self._phones.smart_id_holder(question.person)
        assert isinstance(holder.key, rsa.RSAPrivateKey), "apps have RSA keys"
        digest = decode_member(question.body["hash"])
        signature = holder.key.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
        level = self._phones.behaviour.certificate_level
        reply["result"]["documentNumber"] = f"{question.person}-MOCK-Q"
        reply["signature"] = {"value": encode_base64(signature), "algorithm": "sha256WithRSAEncryption"}
        reply["cert"] = {"value": encode_base64(holder.der), "certificateLevel": level}
        reply["interactionFlowUsed"] = question.body["allowedInteractionsOrder"][0]["type"]


def smart_id_code(data: bytes) -> str:
    """The four digits an app shows: the last 16 bits of a SHA-256 over ``data``, modulo 10 000."""
    return f"{int.from_bytes(hashlib.sha256(data).digest()[30:]) % 10_000:04}"


def check_interactions(order: Any, known: dict[str, tuple[str, int]]) -> None:
    """Check that each interaction is a known one with its text, not too long, and that there is one.

    Raises:
        HTTPBadRequest: something else.
    """
    if not isinstance(order, list) or not order:
        raise web.HTTPBadRequest(text="no interaction")
    for interaction in order:
        name, limit = known.get(interaction.get("type", ""), ("", 0))
        if set(interaction) != {"type", name} or len(interaction[name]) > limit:
            raise web.HTTPBadRequest(text="no such interaction, or a text too long")


def shown_text(order: Sequence[dict[str, str]]) -> str:
    """The text of the first interaction, in quotation marks."""
    return f'"{next(text for name, text in order[0].items() if name != "type")}"'
