# SPDX-License-Identifier: MIT
"""Session tokens of an auth server that does whatever a test asks."""

import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from factories.people import Person

from osak.client.simulator.auth_server import public_keys
from osak.shares.protocol.disclosures import AudienceDraft
from osak.shares.protocol.session import (
    SessionAudience,
    draft_login,
    session_signing_input,
    whole_session,
)


@dataclass
class Vouching:
    """An auth server's key, and how it vouches.

    Attributes:
        issuer: its name in tokens.
        key_id: of its key.
        key: signs.
        begins: how many seconds from now a session begins.
        lasts: how many seconds it lasts.
    """

    issuer: str = "osak-simulator"
    key_id: str = "1"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    begins: int = 0
    lasts: int = 3600

    def keys(self) -> Any:
        """What it publishes."""
        return public_keys(self.key)

    def session(self, person: Person, *audiences: SessionAudience, signer: Person | None = None) -> str:
        """A whole token; ``signer`` signs in the person's place."""
        draft = draft_login(person.recipient_id, person.algorithm, audiences)
        return self.vouch(draft, (signer or person).sign(draft.signing_input))

    def vouch(self, draft: AudienceDraft, signature: bytes, smart_id_parameters: str = "") -> str:
        """A whole token around a login that was signed somehow."""
        begins = int(time.time()) + self.begins
        signing_input = session_signing_input(
            draft,
            signature,
            key_id=self.key_id,
            issuer=self.issuer,
            times=(begins, begins + self.lasts),
            smart_id_parameters=smart_id_parameters,
        )
        r, s = decode_dss_signature(self.key.sign(signing_input, ec.ECDSA(hashes.SHA256())))
        return whole_session(signing_input, r.to_bytes(32) + s.to_bytes(32), draft)
