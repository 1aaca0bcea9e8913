# SPDX-License-Identifier: MIT
"""What a capsule server took, for people and programs. It gives no rights: nobody can delete a capsule."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class UploadedCapsule:
    """What a server took.

    Attributes:
        server_id: of the server.
        transaction_id: by which the recipient will ask for it.
        expires_at: when it will be gone, if the server said so.
    """

    server_id: str
    transaction_id: str
    expires_at: datetime | None
