# SPDX-License-Identifier: MIT
"""Which card is used, when its PIN is asked for and sent, and what is said when that fails."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from factories.people import TestCA
from simulator.tokens import SimulatedToken

from osak.client.identity.card import Card, PINSource, choose_certificate
from osak.client.identity.errors import NoCardError, PINError

AUTHORITY = TestCA()
MARI = AUTHORITY.issue("PNOEE-60001019906", key=ec.generate_private_key(ec.SECP384R1()))
JAAN = AUTHORITY.issue("PNOEE-38001085718", key=ec.generate_private_key(ec.SECP384R1()))
SIGNING = AUTHORITY.issue("PNOEE-60001019906", usages=("content_commitment",))
COMPANY = AUTHORITY.issue(serial_numbers=())
POINT = (
    ec.generate_private_key(ec.SECP384R1())
    .public_key()
    .public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
)


class Asked:
    """Answers questions with a PIN and keeps them."""

    def __init__(self, pin: str = "4821") -> None:
        self.pin = pin
        self.questions: list[str] = []

    def __call__(self, question: str) -> str:
        self.questions.append(question)
        return self.pin


def card_of(token: SimulatedToken, read: Callable[[str], str], *, attended: bool = True) -> Card:
    return Card(token, choose_certificate([token], None)[1], PINSource(read, attended=attended))


def test_one_pin_for_all() -> None:
    """The PIN is asked for when a key is first used, never before, and once for everything."""
    token, person = SimulatedToken([MARI]), Asked()
    card = card_of(token, person)
    assert person.questions == []
    card.agree(POINT)
    card.sign(bytes(48), rsa=False)
    card.agree(POINT)
    assert person.questions == ["PIN of TESTNUMBER,OK (ID-card (PIN1))"]
    assert token.sent == ["4821"]


def test_a_wrong_pin_is_sent_once() -> None:
    """A wrong PIN ends the run with what is left; nothing sends it again."""
    token = SimulatedToken([MARI])
    with pytest.raises(PINError, match=r"wrong PIN.*fewer tries"):
        card_of(token, Asked("0000")).agree(POINT)
    assert token.sent == ["0000"]


def test_few_tries_are_told_before() -> None:
    """Before the PIN is typed the question says that one was wrong, and that one try is left."""
    token, person = SimulatedToken([MARI], left=2), Asked("0000")
    with pytest.raises(PINError, match="ONE TRY IS LEFT"):
        card_of(token, person).agree(POINT)
    assert "a wrong PIN was entered before" in person.questions[0]
    with pytest.raises(PINError, match="now locked") as caught:
        card_of(token, person).agree(POINT)
    assert "ONE TRY IS LEFT" in person.questions[1]
    assert "PUK" in caught.value.hint


def test_a_locked_pin_is_not_asked_for() -> None:
    """Nobody types a PIN for nothing: a locked card is told first."""
    token, person = SimulatedToken([MARI], left=0), Asked()
    with pytest.raises(PINError, match="locked"):
        card_of(token, person).agree(POINT)
    assert (person.questions, token.sent) == ([], [])


@pytest.mark.parametrize("left", [1, 2])
def test_a_script_burns_one_try_at_most(left: int) -> None:
    """After a wrong PIN one from a file is not sent any more, so no script locks a card."""
    token, file = SimulatedToken([MARI], left=left), Asked()
    with pytest.raises(PINError, match="was not sent") as caught:
        card_of(token, file, attended=False).agree(POINT)
    assert str(caught.value).count("before") == 1, "it is said once"
    assert (file.questions, token.sent, token.left) == ([], [], left)


@pytest.mark.parametrize("pin", ["", "1", "123", "1234 ", " 1234", "\ufeff1234", "1234\x00", "12\t34"])
def test_what_is_no_pin_is_not_sent(pin: str) -> None:
    """A slip of the Enter key costs no try, nor does what an editor puts into a file unseen."""
    token = SimulatedToken([MARI])
    with pytest.raises(PINError, match="nothing was sent"):
        card_of(token, Asked(pin)).agree(POINT)
    assert (token.sent, token.left) == ([], 3)


def test_pin_pad() -> None:
    """On a reader with keys the PIN is typed there; the person is told, and nothing is asked here."""
    token, person, told = SimulatedToken([MARI], has_pin_pad=True), Asked(), list[str]()
    _, chosen = choose_certificate([token], None)
    Card(token, chosen, PINSource(person), told.append).agree(POINT)
    assert (token.sent, person.questions) == ([None], [])
    assert "on the card reader" in told[0]


def test_signing_certificates_are_passed_over() -> None:
    """Of a card's two certificates the one for authentication is used, in whichever order they come."""
    for people in ([SIGNING, MARI], [MARI, SIGNING]):
        token = SimulatedToken(people)
        assert choose_certificate([token], None)[1].certificate == MARI.certificate


def test_people_come_before_companies() -> None:
    """A certificate that names a person is preferred; alone, a company's is used."""
    token = SimulatedToken([COMPANY, MARI])
    assert choose_certificate([token], None)[1].certificate == MARI.certificate
    assert choose_certificate([SimulatedToken([COMPANY])], None)[1].certificate == COMPANY.certificate


def test_two_cards() -> None:
    """With two cards nobody guesses: both are listed, and the slot decides."""
    cards = [SimulatedToken([MARI], slot=0), SimulatedToken([JAAN], slot=7)]
    with pytest.raises(NoCardError, match=r"(?s)slot 0: .*slot 7: ") as caught:
        choose_certificate(cards, None)
    assert "--slot" in caught.value.hint
    assert choose_certificate(cards, 7)[1].certificate == JAAN.certificate


def test_two_keys_on_a_card() -> None:
    """Where a slot cannot decide, nobody is sent to name one."""
    with pytest.raises(NoCardError, match="several cards or keys") as caught:
        choose_certificate([SimulatedToken([MARI, JAAN], slot=7)], 7)
    assert "--slot" not in caught.value.hint


@pytest.mark.parametrize(
    ("tokens", "slot", "said"),
    [
        ([], None, "there is no card$"),
        ([SimulatedToken([MARI])], 3, "no card in slot 3 .*cards are in: 0"),
        ([SimulatedToken([SIGNING])], None, "no certificate for authentication"),
        ([SimulatedToken([])], None, "no certificate for authentication"),
    ],
    ids=["none", "another slot", "signing alone", "empty"],
)
def test_no_card(tokens: list[SimulatedToken], slot: int | None, said: str) -> None:
    """What is missing is said in one sentence."""
    with pytest.raises(NoCardError, match=said):
        choose_certificate(tokens, slot)


def test_the_pin_is_in_no_text() -> None:
    """Neither the source nor an error shows the PIN."""
    token = SimulatedToken([MARI])
    with pytest.raises(PINError) as caught:
        card_of(token, Asked("0123")).agree(POINT)
    assert "0123" not in str(caught.value) + repr(caught.value)
