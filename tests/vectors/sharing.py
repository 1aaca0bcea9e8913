# SPDX-License-Identifier: MIT
"""The vectors of the scheme alone: splitting, combining, refreshing, repairing, and what is refused."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vectors.container import PERSON, expand, extract, xor
from vectors.entropy import Stream
from vectors.field import commitment, evaluated, interpolated, inverse, times

Case = dict[str, Any]
_SIZES = ((2, 2), (2, 3), (3, 5), (5, 8))
REASONS: Final[Mapping[str, str]] = {
    "threshold": "not 2 <= t <= n <= 255",
    "secret-length": "the secret has another number of bytes than 32",
    "too-few": "fewer shares than the threshold",
    "share-length": "a share has another number of bytes than 32",
    "index": "an index is not one of 1 to 255",
    "duplicate-index": "an index stands twice",
    "foreign-index": "a share has an index that has no commitment",
    "commitment-mismatch": "a share does not match its commitment",
    "inconsistent": "more shares than the threshold match their commitments but lie on no one polynomial",
}


class SharingSet:
    """One secret, its coefficients, and the shares that follow from them."""

    def __init__(self, name: str, threshold: int, nodes: int, indices: Sequence[int] = ()) -> None:
        self.name, self.threshold, self.nodes = name, threshold, nodes
        draw = Stream(f"sharing {name}")
        self.salt, self.first = draw(32), draw(32)
        self.coefficients = [draw(32) for _ in range(threshold - 1)]
        self.kek = expand(extract(self.salt, self.first), b"CDOC2kekXOR" + PERSON.encode())
        self.indices = indices or range(1, nodes + 1)

    def share(self, index: int) -> bytes:
        """The value at an index."""
        return evaluated([self.kek, *self.coefficients], index)

    def case(self) -> Case:
        """As it stands in the file."""
        return {
            "name": self.name,
            "threshold": self.threshold,
            "nodes": self.nodes,
            "recipient_id": PERSON,
            "salt": self.salt.hex(),
            "random": [self.first.hex(), *(block.hex() for block in self.coefficients)],
            "kek": self.kek.hex(),
            "shares": {index: self.share(index).hex() for index in self.indices},
            "commitments": {
                index: commitment(index, self.share(index), self.salt).hex() for index in self.indices
            },
        }


def document() -> Case:
    """Everything that ``sharing.json`` says."""
    sets = {f"{t}-of-{n}": SharingSet(f"{t}-of-{n}", t, n) for t, n in _SIZES}
    # A coefficient may be zero, wholly or where the highest power stands: it is used as it was drawn.
    sets["3-of-5, highest coefficient zero"] = flat = SharingSet("3-of-5, highest coefficient zero", 3, 5)
    flat.coefficients[-1] = bytes(32)
    large = (1, 2, 127, 128, 255)
    sets["2-of-255, five of the shares"] = SharingSet("2-of-255, five of the shares", 2, 255, large)
    return {
        "about": "docs/format.md, sections 4.1 to 4.3; bytes are in hexadecimal, keys of objects are indices",
        "products": [[a, b, times(a, b)] for a, b in ((2, 0x80), (0x53, 0xCA), (0x57, 0x83), (255, 255))],
        "inverses": [[a, inverse(a)] for a in (1, 2, 3, 0x53, 255)],
        "sets": [one.case() for one in sets.values()],
        "combine": _combinations(list(sets.values())),
        "refresh": [_refresh(sets[name]) for name in ("2-of-3", "3-of-5", "5-of-8")],
        "repair": [
            _repair(sets["2-of-3"], (1, 3), 2),
            _repair(sets["3-of-5"], (5, 1, 4), 2),
            _repair(sets["5-of-8"], (2, 3, 5, 7, 8), 6),
        ],
        "liars": [_liars(sets["3-of-5"], (4,)), _liars(sets["5-of-8"], (1,)), _liars(sets["5-of-8"], (3, 8))],
        "reasons": REASONS,
        "refused": _refused(sets["3-of-5"]),
    }


def _combinations(sets: Sequence[SharingSet]) -> list[Case]:
    chosen = {
        "2-of-3": ((1, 2), (3, 1), (2, 3), (1, 2, 3)),
        "3-of-5": ((1, 2, 3), (5, 3, 1), (2, 4, 5), (1, 2, 3, 4, 5)),
        "5-of-8": ((1, 2, 3, 4, 5), (8, 6, 4, 2, 1), (4, 5, 6, 7, 8)),
        "2-of-255, five of the shares": ((1, 255), (127, 128)),
    }
    found = []
    for one in sets:
        for indices in chosen.get(one.name, ()):
            points = {index: one.share(index) for index in indices[: one.threshold]}
            assert interpolated(points, 0) == one.kek
            found.append({"set": one.name, "indices": list(indices), "secret": one.kek.hex()})
    return found


def _refresh(one: SharingSet) -> Case:
    """A sharing of zero, added: other shares, other commitments, the same secret."""
    draw = Stream(f"refresh {one.name}")
    coefficients = [draw(32) for _ in range(one.threshold - 1)]
    zero = {index: evaluated([bytes(32), *coefficients], index) for index in one.indices}
    after = {index: xor(one.share(index), value) for index, value in zero.items()}
    assert interpolated(dict(list(after.items())[-one.threshold :]), 0) == one.kek
    return {
        "set": one.name,
        "random": [block.hex() for block in coefficients],
        "shares_of_zero": {index: value.hex() for index, value in zero.items()},
        "shares": {index: value.hex() for index, value in after.items()},
        "secret": one.kek.hex(),
    }


def _repair(one: SharingSet, helpers: Sequence[int], lost: int) -> Case:
    value = interpolated({index: one.share(index) for index in helpers}, lost)
    assert value == one.share(lost)
    return {"set": one.name, "from": list(helpers), "index": lost, "share": value.hex()}


def _liars(one: SharingSet, liars: Sequence[int]) -> Case:
    """Stale commitments and some wrong shares: subsets are tried until the header HMAC fits."""
    draw = Stream(f"liars {one.name} {liars}")
    shares = {index: draw(32) if index in liars else one.share(index) for index in one.indices}
    return {
        "set": one.name,
        "shares": {index: value.hex() for index, value in shares.items()},
        "secret": one.kek.hex(),
        "liars": list(liars),
    }


def _refused(one: SharingSet) -> list[Case]:
    values = {index: one.share(index).hex() for index in one.indices}
    promised = {index: commitment(index, one.share(index), one.salt).hex() for index in one.indices}
    flipped = f"{int(values[2][:2], 16) ^ 1:02x}{values[2][2:]}"
    elsewhere = xor(one.share(4), one.kek).hex()

    def split(reason: str, threshold: int, nodes: int, secret: bytes = one.kek) -> Case:
        return {
            "do": "split",
            "threshold": threshold,
            "nodes": nodes,
            "secret": secret.hex(),
            "reason": reason,
        }

    def combine(reason: str, *shares: tuple[int, str], wrong: Sequence[int] = (), **other: Any) -> Case:
        case = {"do": "combine", "threshold": 3, "nodes": 5, "salt": one.salt.hex(), "commitments": promised}
        named = {"indices": list(wrong)} if wrong else {}
        return {
            **case,
            "shares": [[index, value] for index, value in shares],
            "reason": reason,
            **named,
            **other,
        }

    good = [(index, values[index]) for index in (1, 2, 3, 4, 5)]
    lie = {**promised, 4: commitment(4, bytes.fromhex(elsewhere), one.salt).hex()}
    return [
        split("threshold", 1, 3),
        split("threshold", 0, 3),
        split("threshold", 4, 3),
        split("threshold", 2, 256),
        split("secret-length", 3, 5, one.kek[:31]),
        split("secret-length", 3, 5, one.kek + b"\0"),
        combine("too-few", *good[:2]),
        combine("too-few"),
        combine("share-length", good[0], good[1], (3, values[3][:-2])),
        combine("share-length", good[0], good[1], (3, values[3] + "00")),
        combine("index", good[0], good[1], (0, values[3])),
        combine("index", good[0], good[1], (256, values[3])),
        combine("duplicate-index", good[0], good[1], good[1]),
        combine("foreign-index", good[0], good[1], (6, one.share(6).hex()), wrong=[6]),
        combine("commitment-mismatch", good[0], (2, flipped), good[2], wrong=[2]),
        combine("commitment-mismatch", good[0], (2, values[3]), (3, values[2]), wrong=[2, 3]),
        combine("commitment-mismatch", *good[:3], wrong=[1, 2, 3], salt=bytes(32).hex()),
        combine("inconsistent", good[0], good[1], good[2], (4, elsewhere), commitments=lie),
    ]
