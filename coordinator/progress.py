# SPDX-License-Identifier: MIT
"""What a collection is doing right now, for a progress display or the prompt of a PIN."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward.

    Attributes:
        stage: ``asking`` servers for nonces, waiting for the person at ``signing``, ``fetching`` shares.
        done: how many servers are through this stage.
        total: of how many (``asking``), or how many are needed (``fetching``).
    """

    stage: Literal["asking", "signing", "fetching"]
    done: int
    total: int
