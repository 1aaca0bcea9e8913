# SPDX-License-Identifier: MIT
"""That a recipient has logged in lately: what goes to a server beside every call for a share."""

from dataclasses import dataclass, field

from osak.shares.protocol import headers
from osak.shares.protocol.strict_json import encode_base64url


@dataclass(frozen=True, slots=True)
class SessionProof:
    """A session token as one server is shown it.

    Attributes:
        token: with this server's disclosure and no other's.
        certificate_der: of the person who logged in.
    """

    token: str = field(repr=False)
    certificate_der: bytes = field(repr=False)

    def headers(self) -> dict[str, str]:
        """What goes along with a call."""
        return {
            headers.SESSION_TOKEN: self.token,
            headers.SESSION_CERTIFICATE: encode_base64url(self.certificate_der),
        }
