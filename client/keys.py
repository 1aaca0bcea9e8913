# SPDX-License-Identifier: MIT
"""What a recipient opens containers with, read and ready: the same from a file, a card or a phone."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osak.client.container import Unlocker

if TYPE_CHECKING:
    from cryptography import x509

    from osak.client.identity.files import PrivateKey
    from osak.coordinator import Credential


@dataclass(frozen=True, slots=True)
class Keys:
    """What a recipient opens with.

    Attributes:
        unlocker: opens records that need no server.
        credential: signs tickets for share servers; None where the means cannot.
        private_key: opens records that a capsule server completes; None where the means cannot.
        certificate: of that key; capsule servers want to see it.
    """

    unlocker: Unlocker = field(repr=False)
    credential: "Credential | None" = field(default=None, repr=False)
    private_key: "PrivateKey | None" = field(default=None, repr=False)
    certificate: "x509.Certificate | None" = field(default=None, repr=False)
