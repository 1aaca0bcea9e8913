# SPDX-License-Identifier: MIT
"""The policy for file names, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.client.container.entry_names import (
    NameRegister,
    name_from_archive,
    quoted,
    require_safe_name,
)
from osak.client.container.errors import InvalidInputError, LimitExceededError, UnsafeNameError
from osak.client.container.limits import Limits

GOOD = [
    "a",
    "README.md",
    ".bashrc",
    "õöäü.txt",
    "a b.txt",
    "CON.txt",
    "COM10",
    "日本語",
    "a-b",
    "…",
    "x" * 255,
    "õ" * 127,
]
BAD = [
    "", ".", "..", " a", "-rf", "a ", "a.", "...", "a/b", "a\\b", "C:", "a:b",
    "a<b", "a>b", 'a"b', "a|b", "a?b", "a*b",
    "CON", "con", "Nul", "prn", "AUX", "com1", "LPT9",
    "a\x00b", "a\tb", "a\nb", "\x7fa", "a\x85b", "a\u202eb", "a\u202ab", "a\u2066b", "a\u2028b", "a\u2029b",
    "a\ufffeb", "a\uffffb", "a\ufdd0b", "a\U0001fffeb", "a\ud800b", "x" * 256, "õ" * 128,
]  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_ordinary_names_pass(name: str) -> None:
    """What people call their files goes in and comes out unchanged."""
    require_safe_name(name)
    assert name_from_archive(name.encode(), Limits()) == name


@pytest.mark.parametrize("name", BAD)
def test_bad_names_are_refused_both_ways(name: str) -> None:
    """Reader and writer refuse the same names, each with its own error, and quote them harmlessly."""
    with pytest.raises(UnsafeNameError) as raised:
        require_safe_name(name)
    assert str(raised.value).isprintable()
    with pytest.raises(InvalidInputError):
        require_safe_name(name, InvalidInputError)


@pytest.mark.parametrize(
    ("stored", "name"),
    [
        ("sub/a.txt", "a.txt"), ("a/b/c/õ", "õ"), (".git/config", "config"), ("/home/me/a.txt", "a.txt"),
        ("./a", "a"), ("../a", "a"), ("../../../etc/passwd", "passwd"), ("b/../a", "a"), ("b//a", "a"),
    ],
)  # fmt: skip
def test_a_typed_path_gives_its_last_part(stored: str, name: str) -> None:
    """The paths that cdoc-tool stores, as people type them, open under their base names."""
    assert name_from_archive(stored.encode(), Limits()) == name


@pytest.mark.parametrize(
    "stored",
    [
        b"", b".", b"..", b"a/", b"/", b"a/.", b"a/..", b"../", b"C:/x", b"..\\x", b"a\\b", b".../x",
        b"a\x00/b", b"-a/b", b"a /b", b"\xff\xfe", b"a\xc0\xafb", b"\xed\xa0\x80",
    ],
)  # fmt: skip
def test_other_paths_are_refused(stored: bytes) -> None:
    """What ends without a name is refused, and what has a part that no name may have, or is not UTF-8."""
    with pytest.raises(UnsafeNameError):
        name_from_archive(stored, Limits())


def test_long_paths_are_a_limit() -> None:
    """A path above max_name_bytes names the limit that refuses it."""
    assert name_from_archive(b"d" * 200 + b"/" + b"n" * 200, Limits()) == "n" * 200
    with pytest.raises(LimitExceededError, match="raise max_name_bytes"):
        name_from_archive(b"/".join([b"d" * 200] * 5), Limits())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "a"),
        ("A.txt", "a.TXT"),
        ("õ", "o\u0303"),
        ("Straße", "STRASSE"),
        ("ﬁle", "file"),
        ("Ǆ", "ǆ"),
        ("K", "\u212a"),
    ],
)
def test_names_that_a_file_system_may_fold_cannot_meet(first: str, second: str) -> None:
    """Names equal after case folding and normalisation are refused in both orders."""
    for one, other in ((first, second), (second, first)):
        register = NameRegister()
        register.add(one)
        with pytest.raises(UnsafeNameError, match="side by side"):
            register.add(other)


def test_the_register_takes_different_names_and_the_writers_error() -> None:
    """Different names live together; a writer gets InvalidInputError."""
    register = NameRegister(InvalidInputError)
    register.add("a")
    register.add("b")
    with pytest.raises(InvalidInputError):
        register.add("B")


@given(st.text(max_size=300))
def test_any_text_is_taken_whole_or_refused(name: str) -> None:
    """A name that passes is one plain component; anything else is our error."""
    try:
        require_safe_name(name)
    except UnsafeNameError:
        return
    assert name_from_archive(name.encode(), Limits()) == name
    assert not {"/", "\\", "\x00"} & set(name)
    assert name not in {"", ".", ".."}


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused(stored: bytes) -> None:
    """No path from an archive leads to anything but a safe name or our error."""
    try:
        name = name_from_archive(stored, Limits())
    except UnsafeNameError:
        return
    require_safe_name(name)


def test_quoting_is_short() -> None:
    """A huge name does not fill the terminal."""
    assert len(quoted("x" * 5000)) < 100
