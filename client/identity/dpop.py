# SPDX-License-Identifier: MIT
"""Proof of possession for access tokens (DPoP, RFC 9449): a leaked token is worth nothing without its key.

Each request carries a JWT of its own, signed by a P-256 key that the token is bound to. A server may ask for
a nonce of its choice in it, and for another one at any time.
"""

import hashlib
import time
import uuid
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.jwk import ECKey
from yarl import URL

from osak.shares.protocol.strict_json import encode_base64url


class DPoPKey:
    """The key, and the nonces that servers asked for."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Take a P-256 key; a new one, which dies with the process, unless one is given."""
        self._key = ECKey.import_key(key or ec.generate_private_key(ec.SECP256R1()))
        self._clock = clock
        self._nonces: dict[str, str] = {}

    def proof(self, method: str, url: str, token: str = "") -> str:
        """The header ``DPoP`` of one request (RFC 9449, 4.2).

        Args:
            method: of HTTP.
            url: of the request, without query.
            token: the access token that goes along; none where one is asked for.
        """
        claims: dict[str, Any] = {
            "jti": str(uuid.uuid4()),
            "htm": method,
            "htu": url,
            "iat": int(self._clock()),
        }
        if token:
            claims["ath"] = encode_base64url(hashlib.sha256(token.encode("ascii")).digest())
        nonce = self._nonces.get(_origin(url))
        if nonce:
            claims["nonce"] = nonce
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._key.as_dict(private=False)}
        return jwt.encode(header, claims, self._key)

    def take_nonce(self, url: str, nonce: str) -> bool:
        """Keep the nonce that a server wants from now on; whether it is another than before (RFC 9449, 8)."""
        is_new = bool(nonce) and self._nonces.get(_origin(url)) != nonce
        if is_new:
            self._nonces[_origin(url)] = nonce
        return is_new


def _origin(url: str) -> str:
    return str(URL(url).origin())
