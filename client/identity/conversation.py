# SPDX-License-Identifier: MIT
"""How an eID service's question reaches the person: the code to compare, and the waiting.

The person must see the code here before the phone asks: comparing the two is all that tells this
question from one that somebody else has started.
"""

from contextlib import AbstractContextManager
from typing import Protocol


class Conversation(Protocol):
    """Whatever speaks to the person."""

    def show_code(self, service: str, code: str) -> None:
        """Show the verification code of four digits; returns when the person can see it."""
        ...

    def waiting(self, service: str) -> AbstractContextManager[None]:
        """Show that ``service`` is being waited for, while the block runs."""
        ...
