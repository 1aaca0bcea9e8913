# SPDX-License-Identifier: MIT
"""The field GF(2^8) of AES (0x11B), thirty-two bytes at a time.

A secret is one *block*: an integer of 256 bits whose 32 bytes are 32 field elements side by side.
Adding blocks is XOR. A block is only ever multiplied by a *scalar*, and every scalar is public: an
index, a power of one, or a Lagrange weight.

The rules: no secret is an index into a table, and no branch or loop depends on a secret; which
steps run follows from the scalars alone. Python can promise no more than that. Its integers drop
leading zero digits, so a step may take nanoseconds less when the first bytes of a block happen to
be zero; and neither bytes nor integers can be wiped, so a secret stays in memory until the
allocator uses the place again. Whoever can time or read this process that finely is not held off.
"""

from collections.abc import Sequence
from typing import Final

BLOCK_BYTES: Final = 32

# What a weighted sum has to do: for every bit of the scalars, highest first, the positions of the
# blocks whose scalar has that bit set.
Schedule = tuple[tuple[int, ...], ...]

_HIGH_BITS: Final = int.from_bytes(b"\x80" * BLOCK_BYTES, "big")
_ORDER: Final = 255  # of the multiplicative group


def _powers_of_three() -> tuple[int, ...]:
    """List every scalar but 0, as powers of 3, which generates the multiplicative group."""
    powers = [1]
    while len(powers) < _ORDER:
        doubled = powers[-1] << 1
        powers.append(powers[-1] ^ doubled ^ (0x11B if doubled & 0x100 else 0))
    return tuple(powers)


# For public scalars only.
_SCALAR_OF_LOGARITHM: Final = _powers_of_three()
_LOGARITHM_OF_SCALAR: Final = {scalar: i for i, scalar in enumerate(_SCALAR_OF_LOGARITHM)}


def to_block(value: bytes) -> int:
    """Read 32 bytes as one block."""
    return int.from_bytes(value, "big")


def to_bytes(block: int) -> bytes:
    """Write one block as 32 bytes."""
    return block.to_bytes(BLOCK_BYTES, "big")


def logarithm(scalar: int) -> int:
    """Return the logarithm of a public scalar other than 0, so that products become sums."""
    return _LOGARITHM_OF_SCALAR[scalar]


def exponential(exponent: int) -> int:
    """Return the public scalar with this logarithm; any integer will do."""
    return _SCALAR_OF_LOGARITHM[exponent % _ORDER]


def schedule(scalars: Sequence[int]) -> Schedule:
    """Work out once how `weighted_sum` multiplies by these public scalars."""
    bits = range(max(scalars).bit_length() - 1, -1, -1)
    return tuple(tuple(i for i, scalar in enumerate(scalars) if scalar >> bit & 1) for bit in bits)


def weighted_sum(steps: Schedule, blocks: Sequence[int]) -> int:
    """Return the sum of each block times its scalar, as one block.

    Horner's rule over the bits of all scalars at once: at most seven doublings, however many
    blocks there are.
    """
    total = 0
    for step in steps:
        # Double all bytes at once; what leaves the top of a byte returns to it as 0x1B.
        carries = total & _HIGH_BITS
        total = ((total ^ carries) << 1) ^ ((carries >> 7) * 0x1B)
        for position in step:
            total ^= blocks[position]
    return total


def doublings(block: int, count: int) -> list[int]:
    """Return a block times 1, 2, 4 and so on, this many of them: any product is a sum of some."""
    ladder = [block]
    for _ in range(count - 1):
        # The same two lines as above: a call of their own would cost a quarter of the time.
        carries = block & _HIGH_BITS
        block = ((block ^ carries) << 1) ^ ((carries >> 7) * 0x1B)
        ladder.append(block)
    return ladder
