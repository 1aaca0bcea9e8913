# SPDX-License-Identifier: MIT
"""The chart's README lists the values as they are, each with what its comment says."""

import pytest
from architecture.chart_values import FILE, VALUES, UndocumentedValueError, readme, table


def test_the_table_is_current() -> None:
    """The README in the repository is what ``make reference`` would write."""
    assert FILE.read_text(encoding="utf-8") == readme()


def test_the_table_tells_defaults_and_comments() -> None:
    """A value is named by its whole path; what is in a mapping with a comment of its own is told with it."""
    text = "# Beside it.\n\na:\n  # Of b,\n  # in two lines.\n  b: 1\n# The whole.\nc:\n  d: [x]\n"
    assert list(table(text))[2:] == [
        "| `a.b` | `1` | Of b, in two lines. |",
        '| `c` | `{"d": ["x"]}` | The whole. |',
    ]


def test_a_value_without_a_comment_is_found() -> None:
    """Nobody can add a value and leave it unexplained."""
    with pytest.raises(UndocumentedValueError, match=r"a\.b has no comment"):
        list(table("a:\n  b: 1\n"))
    assert len(list(table(VALUES.read_text(encoding="utf-8")))) > 100
