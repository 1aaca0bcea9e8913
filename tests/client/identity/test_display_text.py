# SPDX-License-Identifier: MIT
"""What a phone shows fits, whatever the file is called."""

from hypothesis import given
from hypothesis import strategies as st

from osak.client.identity.display_text import fit_text, is_gsm_7


@given(st.text(max_size=300), st.integers(min_value=1, max_value=200))
def test_it_fits(file_name: str, limit: int) -> None:
    """Never longer than there is room, and never with terminal codes or line feeds in it."""
    text = fit_text("Open {file}", file_name, limit)
    assert len(text) <= limit
    assert text.isprintable()


def test_short_names_stay_whole() -> None:
    """A name that fits is shown as it is, whatever braces it has."""
    assert fit_text("Open {file}", "a.cdoc2", 60) == "Open a.cdoc2"
    assert fit_text("Open {file}", "{file}.cdoc2", 60) == "Open {file}.cdoc2"


def test_both_ends_of_a_long_name_stay() -> None:
    """The middle goes: beginnings and endings tell files apart."""
    assert fit_text("Open {file}", "annual-report-2026.cdoc2", 20) == "Open annual....cdoc2"


def test_texts_without_a_place() -> None:
    """An administrator may leave the name out; a text that is too long is cut."""
    assert fit_text("Open a file", "a.cdoc2", 60) == "Open a file"
    assert fit_text("Open a file", "a.cdoc2", 4) == "Open"


def test_seven_bits() -> None:
    """Of Estonian letters the SMS alphabet has ä, ö and ü, and no õ."""
    assert is_gsm_7("Ava kiri öös üle mäe.cdoc2")
    assert not is_gsm_7("õunapuu")
