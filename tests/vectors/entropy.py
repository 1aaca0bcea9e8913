# SPDX-License-Identifier: MIT
"""Where the vectors' random bytes come from: SHAKE-256 over a name, so they are the same for ever.

Every vector draws from a stream of its own; adding one changes no other.
"""

import hashlib


class Stream:
    """Random bytes that its name decides."""

    def __init__(self, name: str) -> None:
        self._seed = b"osak test vectors, first edition: " + name.encode()
        self._drawn = 0

    def __call__(self, count: int) -> bytes:
        """The next bytes."""
        start = self._drawn
        self._drawn += count
        return hashlib.shake_256(self._seed).digest(self._drawn)[start:]
