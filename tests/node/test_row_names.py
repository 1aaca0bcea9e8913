# SPDX-License-Identifier: MIT
"""How rows are named in reports."""

from osak.node.row_names import RowNames


def test_no_name_in_a_store_commands_a_terminal() -> None:
    """Control characters and endless names do not get through; plain ids stay as they are, ten at most."""
    names = RowNames()
    for name in ("ab" * 16, "\x1b[2J", "x" * 1000, "\u202e"):
        names.add(name)
    assert str(names) == f"4: {'ab' * 16}, '\\x1b[2J', '{'x' * 64}', '\\u202e'"
    for number in range(20):
        names.add(str(number))
    assert str(names).startswith("24: ")
    assert str(names).endswith("5 …")
