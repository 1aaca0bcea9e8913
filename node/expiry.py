# SPDX-License-Identifier: MIT
"""How long a node keeps what it was given: as asked, but never longer than the operator allows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from osak.node.errors import BadRequestError

# A clock that jumps ahead by a day and back takes no share and revives no nonce; as in Redis (docs/adr/0015)
ERASED_AFTER_SECONDS: Final = 86_400


@dataclass(frozen=True, slots=True)
class ExpiryRules:
    """How long things live, in seconds: when nothing is asked for, and at most."""

    default_seconds: int
    max_seconds: int

    def end_for(self, asked: datetime | None, now: int) -> int:
        """The second (since 1970) at which something stored ``now`` expires.

        Raises:
            BadRequestError: ``asked`` is not in the future.
        """
        if asked is None:
            return now + self.default_seconds
        second = int(asked.timestamp())
        if second <= now:
            raise BadRequestError("the expiry time must be in the future")
        return min(second, now + self.max_seconds)
