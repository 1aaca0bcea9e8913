# SPDX-License-Identifier: MIT
"""How much a container may ask of its reader: one frozen value, every field with its unit.

A container comes from anybody, so each count, size and amount of work that its bytes choose has a
field here. The defaults open everything the official tools write. The writer obeys the same numbers
where they apply, so that it never makes what the reader would refuse without being told otherwise.

On ratio: one deflate stream cannot grow more than about 1032 times, and a sparse disk image comes
close to that honestly, so a tight ratio (10 in the official Java client) refuses good files. What a
bomb fills is the disk. Hence the ratio only counts once the output has passed ``ratio_floor_bytes``;
below that any ratio is taken, above it ``max_ratio``, with ``max_output_bytes`` and
``min_free_disk_bytes`` as the hard ends.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one reading or writing. Pass a changed copy to raise one: ``Limits(max_entries=5000)``."""

    max_header_bytes: int = 2**20
    """The FlatBuffer header (CDOC2 specification, chapter 3: at most 2^20 bytes)."""

    max_recipients: int = 1000
    """Recipient records in one header."""

    max_key_records: int = 16
    """Records in one header that are for one and the same private key.

    An honest sender names a key once. Each record costs a decryption: 1000 take 3 s of an RSA key of 4096
    bits, 40 s of one of 8192, and a card may take a second for each.
    """

    max_pbkdf2_iterations: int = 10_000_000
    """Rounds of PBKDF2 that one unlocking may take, all records tried together.

    The official tools write 600,000 a record; the field allows 2^31.
    """

    max_entries: int = 1000
    """Files in one container, as in the official Java client."""

    max_name_bytes: int = 1000
    """One file name in UTF-8 (CDOC2 specification, chapter 3)."""

    max_pax_header_bytes: int = 64 * 2**10
    """One extended tar header."""

    max_output_bytes: int = 256 * 2**30
    """Unpacked bytes of the whole archive; one ChaCha20 message cannot carry more than 256 GiB packed."""

    max_ratio: int = 200
    """Unpacked bytes for one packed byte, once more than ``ratio_floor_bytes`` came out."""

    ratio_floor_bytes: int = 2**30
    """Output up to which any ratio is accepted."""

    min_free_disk_bytes: int = 256 * 2**20
    """What must stay free on the disk that the files go to; asked of the sink, which knows the disk."""
