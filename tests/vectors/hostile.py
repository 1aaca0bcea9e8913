# SPDX-License-Identifier: MIT
"""Archives that must not be unpacked, by reason: structure, kinds of entries, names, sizes."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from vectors.archive import BLOCK, END, file, header, padded, pax, record

Hostile: TypeAlias = tuple[str, str, bytes, Mapping[str, int]]
"""Name, reason, archive, and the limits of the reader where they matter."""

_FILE: Final = file(b"a", b"hi")

_STRUCTURE: Final = {
    "nothing": b"",
    "no-end": _FILE,
    "one-zero-block": _FILE + bytes(BLOCK),
    "one-zero-block-then-a-file": bytes(BLOCK) + _FILE + END,
    "content-cut": header(b"a", 5000) + padded(b"hi"),
    "data-after-the-end": _FILE + END + b"\1",
    "file-after-the-end": _FILE + END + _FILE + END,
    "checksum": b"b" + header()[1:] + END,
    "magic": header(magic=b"ustar\x0001") + END,
    "negative-size": header(size_field=b"\xff" * 12) + END,
    "size-of-blanks": header(size_field=b" " * 12) + END,
    "size-not-octal": header(size_field=b"00000000009\0") + END,
    "size-beyond-all": header(size_field=b"\x80" + b"\xff" * 11) + END,
    "pax-negative-size": pax(record(b"size", b"-1")) + header() + END,
    "pax-key-twice": pax(record(b"path", b"a"), record(b"path", b"b")) + header() + END,
    "pax-without-equals": pax(b"7 path\n") + header() + END,
    "pax-length-too-long": pax(b"99 path=a\n") + header() + END,
    "pax-length-zero": pax(b"0 path=a\n") + header() + END,
    "pax-then-the-end": pax(record(b"path", b"a")) + END,
}
_KINDS: Final = {
    "hard-link": header(kind=b"1") + END,
    "symbolic-link": header(kind=b"2") + END,
    "character-device": header(kind=b"3") + END,
    "block-device": header(kind=b"4") + END,
    "folder": header(b"d/", kind=b"5") + END,
    "pipe": header(kind=b"6") + END,
    "global-header": header(kind=b"g") + END,
    "gnu-long-name": header(kind=b"L") + END,
    "gnu-sparse": header(kind=b"S") + END,
    "pax-sparse": pax(record(b"GNU.sparse.major", b"1")) + header() + END,
    "two-pax-headers": pax(record(b"path", b"a")) * 2 + header() + END,
    "pax-before-a-link": pax(record(b"path", b"a")) + header(kind=b"2") + END,
}
_NAMES: Final = {
    "empty": b"",
    "dot": b".",
    "climbing": b"..",
    "climbing-inside": b"a/..",
    "folder": b"/etc/",
    "backslash": b"..\\a",
    "drive": b"C:a",
    "stream": b"a:b",
    "wildcard": b"a*",
    "hyphen-first": b"-rf",
    "space-first": b" a",
    "space-last": b"a ",
    "dot-last": b"a.",
    "device": b"nul",
    "line-feed": b"a\nb",
    "escape": b"\x1b[2J",
    "right-to-left-override": "a\u202etxt.exe".encode(),
    "isolate": "a\u2066b".encode(),
    "line-separator": "a\u2028b".encode(),
    "noncharacter": "a\uffff".encode(),
    "not-utf-8": b"\xff",
    "surrogate": b"\xed\xa0\x80",
    "overlong-slash": b"..\xc0\xafa",
}
_LONG_NAMES: Final = {"256-bytes": b"a" * 256, "nul": b"a\0b", "empty": b"", "climbing": b"../.."}
_SAME: Final = {
    "same": (b"a", b"a"),
    "case": (b"A", b"a"),
    "normal-form": ("õ".encode(), "o\u0303".encode()),
    "sharp-s": ("ß".encode(), b"ss"),
    "folder": (b"x/a", b"y/a"),
}


def archives() -> Iterator[Hostile]:
    """All of them."""
    for name, archive in _STRUCTURE.items():
        yield name, "archive", archive, {}
    yield "endless-zeros", "archive", _FILE + END + bytes(2**20 + BLOCK), {}
    for name, archive in _KINDS.items():
        yield name, "not-a-file", archive, {}
    for name, stored in _NAMES.items():
        yield f"name-{name}", "name", file(stored, b"hi") + END, {}
    for name, stored in _LONG_NAMES.items():
        yield f"pax-name-{name}", "name", pax(record(b"path", stored)) + _FILE + END, {}
    yield "prefix-folder", "name", header(b"", prefix=b"/etc") + END, {}
    for name, (one, other) in _SAME.items():
        yield f"names-{name}", "same-name", file(one, b"1") + file(other, b"2") + END, {}
    yield "name-of-1001-bytes", "name-length", pax(record(b"path", b"a/" * 500 + b"b")) + _FILE + END, {}
    three = b"".join(file(name, b"") for name in (b"a", b"b", b"c")) + END
    yield "three-files", "entries", three, {"max_entries": 2}
    yield "1-kib", "output", file(b"a", bytes(1024)) + END, {"max_output_bytes": 1023}
    yield "size-without-content", "output", header(b"a", size_field=b"\x80" + (2**40).to_bytes(11)) + END, {}
    comment = pax(record(b"comment", b"x" * 2000))
    yield "pax-2-kib", "pax-length", comment + _FILE + END, {"max_pax_header_bytes": 1024}
    yield "pax-of-1-gib", "pax-length", header(b"x", 2**30, kind=b"x") + END, {}
    bomb = {"ratio_floor_bytes": 2**20, "max_ratio": 100}
    yield "bomb", "ratio", file(b"a", bytes(2**21)) + END, bomb
