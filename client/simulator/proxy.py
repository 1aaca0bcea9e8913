# SPDX-License-Identifier: MIT
"""A proxy before the simulated services, as organisations run one: it lets in who has an access token.

Its token endpoint knows one client (``client_credentials``), and binds tokens to the key of a DPoP proof that
comes along (RFC 9449). A bound token opens nothing without a proof by that key, and each proof must hold
the nonce that the proxy gave out last. What it checks, it checks on its own, apart from osak's client.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from joserfc.jws import extract_compact
from yarl import URL

from osak.shares.protocol.strict_json import encode_base64url

PROXY_PATH: Final = "/proxy"
TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path, not a secret
CLIENT_ID: Final = "osak"
TOKEN_LIFE_SECONDS: Final = 300

_PROOF_LIFE_SECONDS: Final = 60


@dataclass
class Proxy:
    """One proxy and its token endpoint.

    Attributes:
        client_secret: of ``CLIENT_ID``.
        tokens: every token given out that is still good, and the thumbprint of the key it is bound to, or
            nothing.
        wants_nonces: whether proofs must hold the proxy's nonce.
        nonce: the one that is wanted now.
        given: how many tokens were given out.
    """

    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    wants_nonces: bool = True
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    given: int = 0
    _seen: set[str] = field(default_factory=set, repr=False)

    def add_to(self, app: web.Application) -> None:
        """Answer at ``TOKEN_PATH``, and guard what lies below ``PROXY_PATH``."""
        app.router.add_post(TOKEN_PATH, self._give_token)
        app.middlewares.append(self._guard)

    async def _give_token(self, request: web.Request) -> web.Response:
        pair = base64.b64encode(f"{CLIENT_ID}:{self.client_secret}".encode()).decode()
        given = request.headers.get("Authorization", "")
        if not secrets.compare_digest(given.encode(), f"Basic {pair}".encode()):
            return web.json_response({"error": "invalid_client"}, status=401)
        form = await request.post()
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        bound_to, wrong = self._check_proof(request, "") if "DPoP" in request.headers else ("", "")
        if wrong:
            return web.json_response({"error": wrong}, status=400, headers={"DPoP-Nonce": self.nonce})
        token = secrets.token_urlsafe(24)
        self.tokens[token] = bound_to
        self.given += 1
        kind = "DPoP" if bound_to else "Bearer"
        return web.json_response(
            {"access_token": token, "token_type": kind, "expires_in": TOKEN_LIFE_SECONDS}
        )

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(f"{PROXY_PATH}/"):
            return await handler(request)
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        bound_to = self.tokens.get(token)
        if bound_to is None or kind != ("DPoP" if bound_to else "Bearer"):
            return web.json_response({"error": "invalid_token"}, status=401)
        if bound_to:
            key, wrong = self._check_proof(request, token)
            if wrong or key != bound_to:
                headers = {"DPoP-Nonce": self.nonce}
                return web.json_response({"error": wrong or "invalid_token"}, status=401, headers=headers)
        return await handler(request)

    def _check_proof(self, request: web.Request, token: str) -> tuple[str, str]:
        """The thumbprint of the key of a request's proof (RFC 9449, 4.3), and what is wrong with it."""
        proof = request.headers.get("DPoP", "")
        try:
            head = extract_compact(proof.encode()).headers()
            key = ECKey.import_key(head["jwk"])
            claims = jwt.decode(proof, key, algorithms=["ES256"]).claims
        except (JoseError, ValueError, KeyError, TypeError):
            return "", "invalid_dpop_proof"
        if head.get("typ") != "dpop+jwt" or "d" in head["jwk"] or not self._fits(claims, request, token):
            return "", "invalid_dpop_proof"
        if self.wants_nonces and claims.get("nonce") != self.nonce:
            return "", "use_dpop_nonce"
        self._seen.add(claims["jti"])
        return key.thumbprint(), ""

    def _fits(self, claims: dict[str, Any], request: web.Request, token: str) -> bool:
        url = URL(f"https://{request.host}{request.path}")
        return (
            claims.get("htm") == request.method
            and URL(str(claims.get("htu"))) == url
            and abs(time.time() - claims.get("iat", 0)) < _PROOF_LIFE_SECONDS
            and claims.get("jti") not in {None, *self._seen}
            and (not token or claims.get("ath") == encode_base64url(hashlib.sha256(token.encode()).digest()))
        )
