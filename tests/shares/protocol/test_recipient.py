# SPDX-License-Identifier: MIT
"""Tests of ``osak.shares.protocol.recipient``: forms of a recipient id, and the check digit."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osak.shares.errors import MessageError
from osak.shares.protocol.recipient import (
    check_recipient_id,
    recipient_id_from_person,
    recipient_id_from_serial_number,
)

GOOD_CODES = ("30303039914", "40504040001", "60001017869", "38001085718", "37101010021")
# A slip that makes the first remainder 10 leaves the digit to the second round of weights, which may
# give the same one: the algorithm itself cannot find these two, both checked by hand.
SLIPS_NO_CHECK_DIGIT_FINDS = {"30303039914": ["33303039914"], "38001085718": ["38001085618"]}


def accepted(text: str) -> bool:
    """Whether a sender may type ``text``."""
    try:
        recipient_id_from_person(text)
    except MessageError:
        return False
    return True


@pytest.mark.parametrize("code", GOOD_CODES)
def test_good_codes_in_every_form(code: str) -> None:
    """A code alone, with its type, and as a whole recipient id mean the same person."""
    for typed in (code, f"PNOEE-{code}", f"etsi/PNOEE-{code}", f"  {code}\n"):
        assert recipient_id_from_person(typed) == f"etsi/PNOEE-{code}"
    assert recipient_id_from_serial_number(f"PNOEE-{code}") == f"etsi/PNOEE-{code}"


@pytest.mark.parametrize("code", GOOD_CODES)
def test_every_slip_of_one_digit_is_found(code: str) -> None:
    """Of the 99 ways to mistype one digit, exactly the listed ones stay unnoticed."""
    slips = [
        code[:place] + digit + code[place + 1 :]
        for place in range(11)
        for digit in "0123456789"
        if digit != code[place]
    ]
    assert len(slips) == 99
    assert [slip for slip in slips if accepted(slip)] == SLIPS_NO_CHECK_DIGIT_FINDS.get(code, [])


@given(st.from_regex(r"[1-8][0-9]{9}", fullmatch=True))
def test_exactly_one_last_digit_is_right(first_ten: str) -> None:
    """Any ten digits have one check digit and only one."""
    assert sum(accepted(f"{first_ten}{digit}") for digit in range(10)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3030303991",
        "303030399140",
        "00303039914",
        "90303039914",
        "PNOEE-",
        "PNOEE-3030303991",
        "PNOEE-A0303039914",
        "pnoee-30303039914",
        "etsi/30303039914",
        "etsi/etsi/PNOEE-30303039914",
        "private/PNOEE-30303039914",
        "PNOEE-30303039914 x",
        "PNOEE 30303039914",
        "\u0663\u0660\u0663\u0660\u0663\u0660\u0663\u0669\u0669\u0661\u0664",
        "Mari Maasikas",
    ],
)
def test_what_is_no_person_is_refused(text: str) -> None:
    """Neither form, another length, another alphabet: refused before anything is sent."""
    with pytest.raises(MessageError):
        recipient_id_from_person(text)


@pytest.mark.parametrize("text", ["123", "Mari Maasikas", ""])
def test_people_are_told_what_to_type(text: str) -> None:
    """Who types something else hears of codes of 11 digits, not only of a form that nobody knows."""
    with pytest.raises(MessageError, match="11 digits"):
        recipient_id_from_person(text)


@pytest.mark.parametrize("identifier", ["PASLV-1", "IDCFI-AB-12", "PNOLT-38001085718", "PNOEE-38001085719"])
def test_foreign_forms_are_accepted_on_the_wire(identifier: str) -> None:
    """All three types and every country are well-formed; the wire does not check check digits."""
    assert check_recipient_id(f"etsi/{identifier}") == f"etsi/{identifier}"
    assert recipient_id_from_serial_number(identifier) == f"etsi/{identifier}"


def test_other_countries_have_no_estonian_check_digit() -> None:
    """A Latvian or Lithuanian number is taken as it stands."""
    assert recipient_id_from_person("PNOLT-38001085719") == "etsi/PNOLT-38001085719"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "etsi/",
        "etsi/PNOEE-",
        "etsi/PNOee-1",
        "etsi/PNOEEE-1",
        "etsi/TAXEE-1",
        "etsi/PNOEE_1",
        "ETSI/PNOEE-1",
        "PNOEE-30303039914",
        "etsi/PNOEE-1\n",
        " etsi/PNOEE-1",
        "etsi/PNOEE-1/2",
        "etsi/PNOEE-\u0661",
        "etsi/PNOEE-" + "1" * 22,
    ],
)
def test_other_recipient_ids_are_refused(text: str) -> None:
    """Only ``etsi/``, a type, a country, a hyphen and 1 to 21 characters make a recipient id."""
    with pytest.raises(MessageError):
        check_recipient_id(text)


def test_length_follows_upstream() -> None:
    """The shortest and the longest recipient id are those of upstream's API: 12 and 32 characters."""
    for text in ("etsi/PNOEE-1", "etsi/PNOEE-" + "1" * 21):
        assert check_recipient_id(text) == text
    assert (len("etsi/PNOEE-1"), len("etsi/PNOEE-" + "1" * 21)) == (12, 32)


@given(st.text(max_size=40))
def test_random_text_leaves_only_message_errors(text: str) -> None:
    """No text makes another error than MessageError."""
    for read in (check_recipient_id, recipient_id_from_serial_number, recipient_id_from_person):
        with contextlib.suppress(MessageError):
            assert read(text).startswith("etsi/")
