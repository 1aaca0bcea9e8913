# SPDX-License-Identifier: MIT
"""A directory that answers what it should not: bounded, told, and never taken for an empty answer."""

import random
from collections.abc import Iterable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import sansldap
from factories.directories import ID_CARD, MARI, TestDirectory, issue
from factories.hostile_directories import Answers, answering, done, entry
from factories.people import TestCA

from osak.client.directory import ldap
from osak.client.directory.cache import LookupCache
from osak.client.directory.lookup import look_up
from osak.client.directory.means import Found
from osak.client.directory.settings import DirectorySettings
from osak.client.errors import DirectoryError

Session: TypeAlias = sansldap.LDAPServer
Search: TypeAlias = sansldap.SearchRequest
NUMBER = f"PNOEE-{MARI}"


def _ask(directory: TestDirectory, **members: Any) -> Found:
    settings = DirectorySettings.model_validate(directory.section | members)
    return look_up(settings, [NUMBER], cache=LookupCache())[NUMBER]


def _refused(folder: Path, answers: Answers, match: str, **members: Any) -> None:
    with answering(folder, answers) as directory, pytest.raises(DirectoryError, match=match):
        _ask(directory, **members)


def test_garbage_between_good_certificates_is_passed_over(folder: Path, authority: TestCA) -> None:
    """Values that are no certificates are told, and the good one among them is used."""
    good = issue(authority, ID_CARD, MARI).der

    def answers(session: Session, search: Search) -> Iterable[bytes]:
        yield entry(session, search, b"", b"garbage", good[:-1], good, bytes(1000))
        yield done(session, search)

    with answering(folder, answers) as directory:
        found = _ask(directory)
    assert [one.kind for one in found.means] == ["ID-card"]
    assert [one.why for one in found.passed_over] == ["it cannot be read"] * 4


def test_an_endless_answer_is_not_read_to_its_end(folder: Path) -> None:
    """One message that goes on and on ends at the limit, long before memory does."""
    head = bytes.fromhex("30 84 7f ff ff ff 02 01 02 64 84 7f ff ff 00")
    _refused(folder, lambda *_: (head, *repeat(bytes(65536), 64)), "more than 262144 bytes a person")


def test_endless_entries_end_at_the_limit(folder: Path) -> None:
    """Entries without certificates count too."""

    def answers(session: Session, search: Search) -> Iterator[bytes]:
        yield from (entry(session, search) for _ in range(ldap.MAX_ENTRIES + 1))
        yield done(session, search)

    _refused(folder, answers, "more than 32 entries or certificates")


def test_too_many_certificates_of_one_entry(folder: Path) -> None:
    """Certificates are counted over all entries of a person."""

    def answers(session: Session, search: Search) -> Iterator[bytes]:
        yield entry(session, search, *(bytes([number]) for number in range(ldap.MAX_CERTIFICATES + 1)))
        yield done(session, search)

    _refused(folder, answers, "more than 32 entries or certificates")


def test_a_huge_certificate(folder: Path) -> None:
    """One value beyond what a certificate can be is refused before anything parses it."""

    def answers(session: Session, search: Search) -> Iterator[bytes]:
        yield entry(session, search, bytes(ldap.MAX_CERTIFICATE_BYTES + 1))
        yield done(session, search)

    _refused(folder, answers, "a certificate of more than 8192 bytes")


def test_the_limits_themselves_are_within(folder: Path) -> None:
    """As many entries and certificates as are allowed, and one as big as allowed, are taken."""

    def answers(session: Session, search: Search) -> Iterator[bytes]:
        yield entry(session, search, bytes(ldap.MAX_CERTIFICATE_BYTES))
        yield from (entry(session, search, bytes([number])) for number in range(ldap.MAX_ENTRIES - 1))
        yield done(session, search)

    with answering(folder, answers) as directory:
        assert len(_ask(directory).passed_over) == ldap.MAX_CERTIFICATES


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (4, "more than 32 entries of one person, or serves no more"),
        (10, "sends us to another directory, which is never followed"),
        (51, "refused with busy"),
        (52, "refused with unavailable"),
        (50, "refused with insufficient access rights"),
    ],
)
def test_a_refusal_is_told(folder: Path, code: int, words: str) -> None:
    """What the directory says against a search is an error, with its reason."""
    _refused(folder, lambda session, search: (done(session, search, code),), words)


def test_it_hangs_up(folder: Path) -> None:
    """A connection that ends in the middle of an answer gives no half answer."""

    def answers(session: Session, search: Search) -> Iterator[bytes]:
        yield entry(session, search, b"x")
        raise OSError

    _refused(folder, answers, "broke the connection off")


def test_it_keeps_silent(folder: Path) -> None:
    """A directory that takes the search and says nothing costs its time and no more."""
    _refused(folder, lambda *_: (), "did not answer in time", answer_seconds=0.2)


def test_it_answers_what_was_not_asked(folder: Path) -> None:
    """An answer with another number than the search's is refused."""

    def answers(session: Session, search: Search) -> Iterator[bytes]:
        yield bytes.fromhex("30 0c 02 01 63 65 07 0a 01 00 04 00 04 00")

    _refused(folder, answers, "that is not LDAP|what was not asked")


def test_random_bytes_are_never_more_than_a_bad_answer(folder: Path, authority: TestCA) -> None:
    """Good answers with bytes changed at random: an error of ours or an answer, and nothing else."""
    good = issue(authority, ID_CARD, MARI).der
    chance = random.Random(20)

    def answers(session: Session, search: Search) -> Iterator[bytes]:
        whole = bytearray(entry(session, search, good) + done(session, search))
        for _ in range(chance.choice((1, 2, 8))):
            whole[chance.randrange(len(whole))] = chance.randrange(256)
        yield bytes(whole)
        raise OSError

    outcomes: set[type] = set()
    for _ in range(60):
        with answering(folder, answers) as directory:
            try:
                outcomes.add(type(_ask(directory, answer_seconds=5)))
            except DirectoryError as error:
                outcomes.add(type(error))
    assert {Found, DirectoryError} == outcomes
