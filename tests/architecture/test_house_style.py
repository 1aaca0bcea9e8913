# SPDX-License-Identifier: MIT
"""What no linter of ours says: licence lines, docstrings everywhere, short files, nothing left for later."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LICENCE = "# SPDX-License-Identifier: MIT"
MAX_LINES = 400

_GENERATED = ROOT / "client" / "container" / "fbs"
_LEFT_FOR_LATER = re.compile("TODO|FIXME|XXX")
_SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma)")
_SAID_WHY = re.compile(
    r"# noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* - \S"
    r"|# type: ignore\[[\w-]+(, ?[\w-]+)*\]  # \S"
    r"|# pragma: no cover - \S"
)


def _sources() -> Iterator[Path]:
    for folder in ("shares", "node", "coordinator", "client", "tests", "namespace"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            linked = any(part.is_symlink() for part in path.parents)
            if not linked and not path.is_relative_to(_GENERATED) and path != Path(__file__):
                yield path


SOURCES = list(_sources())
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))


def test_there_are_sources() -> None:
    """The list that the other tests go through is not empty by mistake."""
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == {
        *("shares", "node", "coordinator", "client", "tests", "namespace")
    }


@every_source
def test_begins_with_the_licence(source: Path) -> None:
    """The first line of every file names the licence (SPDX)."""
    assert source.read_text(encoding="utf-8").split("\n", 1)[0] == LICENCE


@every_source
def test_says_what_it_owns(source: Path) -> None:
    """Every module begins with a docstring."""
    assert ast.get_docstring(ast.parse(source.read_bytes()))


@every_source
def test_is_short(source: Path) -> None:
    """A file longer than this holds more than one noun."""
    assert len(source.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@every_source
def test_leaves_nothing_for_later(source: Path) -> None:
    """What is not done stands in an issue, not in the code."""
    assert not _LEFT_FOR_LATER.search(source.read_text(encoding="utf-8"))


@every_source
def test_silences_no_check_without_a_reason(source: Path) -> None:
    """Each place where a linter or type checker is silenced names the rule, and why."""
    lines = source.read_text(encoding="utf-8").splitlines()
    bare = [line for line in lines if _SILENCED.search(line) and not _SAID_WHY.search(line)]
    assert bare == []


@pytest.mark.parametrize("line", ["x  # noqa", "x  # noqa: S603", "x  # type: ignore[misc]", "# noqa - why"])
def test_knows_a_bare_silence(line: str) -> None:
    """The pattern of the test above does not let these through."""
    assert _SILENCED.search(line)
    assert not _SAID_WHY.search(line)
