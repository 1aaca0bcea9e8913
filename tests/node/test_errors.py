# SPDX-License-Identifier: MIT
"""The one table from errors to answers."""

import pytest

from osak.node import errors
from osak.node.errors import ANSWERS, NodeError, answer_for
from osak.shares.protocol.codes import ProblemCode


def everything_below(kind: type[NodeError]) -> set[type[NodeError]]:
    """All subclasses, direct or not."""
    return {deeper for child in kind.__subclasses__() for deeper in {child} | everything_below(child)}


def own_errors() -> set[type[NodeError]]:
    """The errors of the tree, without those that tests made."""
    return {kind for kind in everything_below(NodeError) if kind.__module__ == errors.__name__}


def test_table_is_total() -> None:
    """Every error of the tree has its line, and every code is used."""
    assert set(ANSWERS) == own_errors()
    assert {answer.code for answer in ANSWERS.values()} == set(ProblemCode)


@pytest.mark.parametrize("kind", sorted(ANSWERS, key=repr))
def test_only_public_text_is_shown(kind: type[NodeError]) -> None:
    """An error's own text stays inside, except for malformed requests, whose text is written for them."""
    _, _, text = answer_for(kind("inner text"))
    assert (text == "inner text") == (kind is errors.BadRequestError)
