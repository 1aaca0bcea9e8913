# SPDX-License-Identifier: MIT
"""How many shares there are, and how many of them are needed.

A threshold of 1 would be n copies of the secret and is refused: it protects nothing. 255 is as
many indices as the field has besides 0, where the secret itself stands.
"""

from dataclasses import dataclass
from typing import Final

from osak.shares.errors import ThresholdError

MAX_SHARES: Final = 255
EVERY_INDEX: Final = range(1, MAX_SHARES + 1)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Any `needed` of `total` shares lead to the secret; fewer say nothing about it.

    Raises:
        ThresholdError: unless 2 <= needed <= total <= 255.
    """

    needed: int
    total: int

    def __post_init__(self) -> None:
        if not 2 <= self.needed <= self.total <= MAX_SHARES:
            raise ThresholdError(
                f"{self.needed}-of-{self.total} is no threshold: 2 <= needed <= total <= {MAX_SHARES}"
            )

    def __str__(self) -> str:
        return f"{self.needed}-of-{self.total}"

    @property
    def indices(self) -> range:
        """The indices of the shares: 1 to total."""
        return range(1, self.total + 1)
