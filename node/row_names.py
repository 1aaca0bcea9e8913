# SPDX-License-Identifier: MIT
"""Rows that something is wrong with: all are counted, the first are named."""

from typing import Final

_SHOWN: Final = 10
_LONGEST: Final = 64


class RowNames:
    """Ids of rows, for a report; empty is false."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def add(self, row_id: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < _SHOWN:
            # Whoever can write into a store chooses the names there; terminals must not obey them.
            is_plain = row_id.isascii() and row_id.isprintable() and len(row_id) <= _LONGEST
            self.first.append(row_id if is_plain else ascii(row_id[:_LONGEST]))

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        more = " …" if self.count > len(self.first) else ""
        return f"{self.count}: {', '.join(self.first)}{more}"
