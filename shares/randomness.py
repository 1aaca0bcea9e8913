# SPDX-License-Identifier: MIT
"""Where random bytes come from: a function that is passed in, asked once a sharing.

The outer doors take `secrets.token_bytes` unless told otherwise; a fixed source makes test
vectors. Nothing here keeps a generator or a state.
"""

from collections.abc import Callable

from osak.shares.errors import RandomnessError
from osak.shares.field import BLOCK_BYTES, to_block

RandomBytes = Callable[[int], bytes]


def random_blocks(count: int, random_bytes: RandomBytes) -> list[int]:
    """Draw this many blocks in one call, the first 32 bytes being the first block.

    Raises:
        RandomnessError: the source gave another number of bytes than it was asked for.
    """
    size = count * BLOCK_BYTES
    drawn = random_bytes(size)
    if len(drawn) != size:
        raise RandomnessError(f"the source of randomness gave {len(drawn)} bytes instead of {size}")
    return [to_block(drawn[at : at + BLOCK_BYTES]) for at in range(0, size, BLOCK_BYTES)]
