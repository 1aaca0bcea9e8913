# SPDX-License-Identifier: MIT
"""Mobile-ID's REST service, as far as authentication goes; as strict as ``smart_id_v2``."""

import hashlib
import re
from typing import Any, Final

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from osak.client.simulator.people import MOBILE_ID_PEOPLE
from osak.client.simulator.phones import Phones, Question, decode_member, read_body
from osak.client.simulator.relying_party import check_relying_party
from osak.shares.protocol.strict_json import encode_base64

MOBILE_ID_PATH: Final = "/mid-api"

_MEMBERS: Final = (
    *("relyingPartyUUID", "relyingPartyName", "phoneNumber", "nationalIdentityNumber"),
    *("hash", "hashType", "language", "displayText", "displayTextFormat"),
)
_PHONE_NUMBER: Final = re.compile(r"\+[0-9]{8,30}", re.ASCII)
_LANGUAGES: Final = ("EST", "ENG", "RUS", "LIT")
# As the service: the official Java client's text alone has 39 characters before the file's name.
_LIMITS: Final = {"GSM-7": 100, "UCS-2": 50}
_P256_BYTES: Final = 32


class MobileID:
    """The service before everybody's phone."""

    def __init__(self, phones: Phones) -> None:
        self._phones = phones

    def add_to(self, app: web.Application, prefix: str = "") -> None:
        """Answer at ``MOBILE_ID_PATH``, below ``prefix``."""
        app.router.add_post(f"{prefix}{MOBILE_ID_PATH}/authentication", self._start)
        app.router.add_get(f"{prefix}{MOBILE_ID_PATH}/authentication/session/{{session}}", self._outcome)

    async def _start(self, request: web.Request) -> web.Response:
        self._phones.refuse_if_told()
        body = await read_body(request, *_MEMBERS)
        digest = decode_member(body["hash"])
        if len(digest) != hashlib.sha256().digest_size or body["hashType"] != "SHA256":
            raise web.HTTPBadRequest(text="not a SHA-256")
        limit = _LIMITS.get(body["displayTextFormat"], 0)
        if body["language"] not in _LANGUAGES or len(body["displayText"]) > limit:
            raise web.HTTPBadRequest(text="no such language, or a text too long")
        if not _PHONE_NUMBER.fullmatch(body["phoneNumber"]):
            raise web.HTTPBadRequest(text="no phone number")
        check_relying_party(body)
        code = body["nationalIdentityNumber"]
        # The service tells of strangers when it is asked for the outcome.
        result = MOBILE_ID_PEOPLE.get((code, body["phoneNumber"]), "NOT_MID_CLIENT")
        shown = f'code {mobile_id_code(digest)}, "{body["displayText"]}"'
        return web.json_response({"sessionID": self._phones.ring(f"PNOEE-{code}", body, result, shown)})

    async def _outcome(self, request: web.Request) -> web.Response:
        question = await self._phones.outcome(request)
        if question is None:
            return web.json_response({"state": "RUNNING"})
        reply: dict[str, Any] = {"state": "COMPLETE", "result": question.result}
        reply["traceId"] = "5ffc28098bb14341"
        if question.result == "OK":
            self._sign(question, reply)
        self._phones.behaviour.change(reply)
        return web.json_response(reply)

    def _sign(self, question: Question, reply: dict[str, Any]) -> None:
        holder = self._phones.mobile_id_holder(question.person)
        assert isinstance(holder.key, ec.EllipticCurvePrivateKey), "SIM cards have EC keys"
        digest = decode_member(question.body["hash"])
        r, s = decode_dss_signature(holder.key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256()))))
        raw = r.to_bytes(_P256_BYTES) + s.to_bytes(_P256_BYTES)
        reply["signature"] = {"value": encode_base64(raw), "algorithm": "SHA256WithECEncryption"}
        reply["cert"] = encode_base64(holder.der)


def mobile_id_code(digest: bytes) -> str:
    """The four digits a phone shows: the hash's first six bits and its last seven, as one number."""
    return f"{(digest[0] >> 2) * 128 + digest[-1] % 128:04}"
