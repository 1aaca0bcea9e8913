# SPDX-License-Identifier: MIT
"""How many shares one person is given in a time: a thief with a card and its PIN gets no faster than this.

A person is counted by a tag that only the node's key makes, so no counter holds a personal code.
"""

from osak.node.limits.counter import RateCounter, take
from osak.node.rate_settings import Rate


class RecipientLimit:
    """The rate of one person's releases."""

    def __init__(self, counter: RateCounter, rate: Rate | None) -> None:
        self._counter = counter
        self._rate = rate

    async def admit(self, tag: bytes) -> None:
        """Return if the person with this tag may be given one more share now.

        Raises:
            TooManyRequestsError: not yet.
            StorageError: the counter cannot be reached.
        """
        await take(self._counter, f"recipient:{tag.hex()}", self._rate, "of this person")
