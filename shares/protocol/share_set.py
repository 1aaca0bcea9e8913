# SPDX-License-Identifier: MIT
"""Which shares belong together: the ``x-osak-share-set`` header.

``set=<32 hex>; index=2; threshold=3; nodes=5``. A node keeps it beside the share as opaque metadata,
so that nodes can later refresh, repair and replace shares without any container.
"""

import re
from dataclasses import dataclass

from osak.shares.errors import MessageError

SHARE_SET_ID_BYTES = 16

_FORM = re.compile(
    r"set=(?P<set_id>[0-9a-f]{32}); index=(?P<index>[1-9][0-9]{0,2}); "
    r"threshold=(?P<threshold>[1-9][0-9]{0,2}); nodes=(?P<nodes>[1-9][0-9]{0,2})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class ShareSetMember:
    """One share's place in its set.

    Attributes:
        set_id: 16 random bytes, the same at every node.
        index: the share's x-coordinate, 1 to ``nodes``.
        threshold: how many shares open the set, 2 to ``nodes``.
        nodes: how many shares there are, at most 255.
    """

    set_id: bytes
    index: int
    threshold: int
    nodes: int

    def __post_init__(self) -> None:
        if len(self.set_id) != SHARE_SET_ID_BYTES:
            raise MessageError("a share set id is 16 bytes long")
        if not (2 <= self.threshold <= self.nodes <= 255 and 1 <= self.index <= self.nodes):
            raise MessageError("a share set needs 2 <= threshold <= nodes <= 255 and 1 <= index <= nodes")

    @classmethod
    def parse(cls, text: str) -> "ShareSetMember":
        """Read the header's value.

        Raises:
            MessageError: any other form, or numbers out of range.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise MessageError("x-osak-share-set is set=<32 hex>; index=I; threshold=T; nodes=N")
        numbers = [int(found[name]) for name in ("index", "threshold", "nodes")]
        return cls(bytes.fromhex(found["set_id"]), *numbers)

    def __str__(self) -> str:
        return f"set={self.set_id.hex()}; index={self.index}; threshold={self.threshold}; nodes={self.nodes}"
