# SPDX-License-Identifier: MIT
"""Tests of ``osak.shares.protocol.share_set``: the header that says which shares belong together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.share_set import ShareSetMember

SET_ID = bytes(range(16))
TEXT = "set=000102030405060708090a0b0c0d0e0f; index=2; threshold=3; nodes=5"


@st.composite
def members(draw: st.DrawFn) -> ShareSetMember:
    """Any member that may exist."""
    nodes = draw(st.integers(2, 255))
    index, threshold = draw(st.integers(1, nodes)), draw(st.integers(2, nodes))
    return ShareSetMember(draw(st.binary(min_size=16, max_size=16)), index, threshold, nodes)


def test_example_of_the_specification() -> None:
    """The documented spelling is written and read."""
    member = ShareSetMember(SET_ID, 2, 3, 5)
    assert str(member) == TEXT
    assert ShareSetMember.parse(TEXT) == member


@given(members())
def test_every_member_is_read_back(member: ShareSetMember) -> None:
    """Every member round-trips through its header."""
    assert member == ShareSetMember.parse(str(member))


@given(st.text(max_size=80) | st.from_regex(r"set=[0-9a-f]{32}; index=\d+; threshold=\d+; nodes=\d+"))
def test_what_is_accepted_is_canonical(text: str) -> None:
    """A header is refused or is exactly what we would write."""
    try:
        member = ShareSetMember.parse(text)
    except MessageError:
        return
    assert text == str(member)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT + ";",
        TEXT + "\n",
        " " + TEXT,
        TEXT.replace("; ", ";"),
        TEXT.replace("; ", ";  "),
        TEXT.replace("0a", "0A"),
        TEXT.replace("0f;", ";"),
        TEXT.replace("0f;", "0f00;"),
        TEXT.replace("index=2", "index=02"),
        TEXT.replace("index=2", "index=+2"),
        TEXT.replace("index=2", "index=\u0662"),
        TEXT.replace("index=2", "index=0"),
        TEXT.replace("index=2", "index=6"),
        TEXT.replace("index=2", "index=2; index=2"),
        TEXT.replace("threshold=3", "threshold=1"),
        TEXT.replace("threshold=3", "threshold=6"),
        TEXT.replace("nodes=5", "nodes=256"),
        TEXT.replace("nodes=5", "nodes=2"),
        TEXT.replace("nodes=5", "nodes=1000"),
        "index=2; threshold=3; nodes=5; set=000102030405060708090a0b0c0d0e0f",
        TEXT + "; colour=red",
    ],
)
def test_other_headers_are_refused(text: str) -> None:
    """Another order, case, spacing, spelling of a number or a number out of range is refused."""
    with pytest.raises(MessageError):
        ShareSetMember.parse(text)


@pytest.mark.parametrize(
    ("set_id", "index", "threshold", "nodes"),
    [
        (bytes(15), 1, 2, 3),
        (bytes(17), 1, 2, 3),
        (SET_ID, 0, 2, 3),
        (SET_ID, 4, 2, 3),
        (SET_ID, 1, 1, 3),
        (SET_ID, 1, 4, 3),
        (SET_ID, 1, 2, 256),
        (SET_ID, -1, 2, 3),
    ],
)
def test_impossible_members_are_not_made(set_id: bytes, index: int, threshold: int, nodes: int) -> None:
    """A member out of range cannot be constructed either."""
    with pytest.raises(MessageError):
        ShareSetMember(set_id, index, threshold, nodes)
