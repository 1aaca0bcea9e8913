# SPDX-License-Identifier: MIT
"""Several containers over real node processes: one signature for all, failures told one by one."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from e2e.conftest import Group, Osak

from osak.client import (
    Keys,
    NotEnoughSharesError,
    SigningRound,
    configuration_in_force,
    decrypt_many,
    decrypt_many_async,
)
from osak.client.container import PrivateKeyUnlocker
from osak.client.identity.files import load_pkcs12
from osak.coordinator import KeyCredential, TicketSignature


@dataclass
class Counting:
    """The person's key; counts what would be PINs."""

    inner: KeyCredential
    signatures: int = 0
    rounds: list[SigningRound] = field(default_factory=list)

    @property
    def recipient_id(self) -> str:
        return self.inner.recipient_id

    @property
    def algorithm(self) -> str:
        return self.inner.algorithm

    async def sign(self, signing_input: bytes) -> TicketSignature:
        self.signatures += 1
        return await self.inner.sign(signing_input)


@pytest.fixture
def credential(group: Group) -> Counting:
    """The person, and how often she signed."""
    loaded = load_pkcs12(
        group.person.p12_file.read_bytes(), group.person.password_file.read_text().splitlines()[0]
    )
    return Counting(KeyCredential(loaded.private_key, loaded.certificate))


@pytest.fixture
def boxes(osak: Osak, group: Group, tmp_path: Path) -> list[Path]:
    """Six containers for the person, every second by the official scheme."""
    made = []
    for number in range(6):
        (letter := tmp_path / "letter.txt").write_text(f"letter {number}")
        made.append(tmp_path / f"{number}.cdoc2")
        scheme = ["--n-of-n"] if number % 2 else []
        assert osak("encrypt", letter, "-o", made[-1], "--to", group.person.code, *scheme).code == 0
    return made


def _keys(credential: Counting) -> Keys:
    loaded = credential.inner._key
    return Keys(PrivateKeyUnlocker(loaded), credential)


def test_one_signature_for_six_files(
    group: Group, credential: Counting, boxes: list[Path], tmp_path: Path
) -> None:
    """Both schemes stand on one ticket, and real nodes take it."""
    config = configuration_in_force(group.config_file)
    results = decrypt_many(
        boxes, _keys(credential), tmp_path / "out", config=config, on_signature=credential.rounds.append
    )
    assert [result.error for result in results] == [None] * 6
    texts = [(tmp_path / "out" / str(number) / "letter.txt").read_text() for number in range(6)]
    assert texts == [f"letter {number}" for number in range(6)]
    assert (credential.signatures, credential.rounds) == (1, [SigningRound(1, 1, 6)])


async def test_a_lost_server_costs_only_the_files_that_need_it(
    group: Group, credential: Counting, boxes: list[Path], tmp_path: Path
) -> None:
    """With one of three servers killed the 2-of-3 files open; the n-of-n files say what is missing."""
    group.servers[0].kill()
    results = await decrypt_many_async(
        boxes,
        _keys(credential),
        tmp_path / "out",
        config=configuration_in_force(group.config_file),
        on_signature=credential.rounds.append,
    )
    assert [type(result.error) for result in results] == [type(None), NotEnoughSharesError] * 3
    error = results[1].error
    assert isinstance(error, NotEnoughSharesError)
    assert [str(outcome.status) for outcome in error.outcomes].count("unreachable") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0", "2", "4"]
    assert (credential.signatures, credential.rounds) == (1, [SigningRound(1, 1, 3)])


def test_forty_files_take_as_many_signatures_as_their_tickets(
    osak: Osak, group: Group, credential: Counting, tmp_path: Path
) -> None:
    """Tickets as long as a header takes are read by real nodes; the person is told how many there are."""
    (letter := tmp_path / "letter.txt").write_text("kiri")
    boxes = [tmp_path / f"{number}.cdoc2" for number in range(40)]
    for box in boxes:
        assert osak("encrypt", letter, "-o", box, "--to", group.person.code).code == 0
    results = decrypt_many(
        boxes,
        _keys(credential),
        tmp_path / "out",
        config=configuration_in_force(group.config_file),
        on_signature=credential.rounds.append,
    )
    assert [result.error for result in results] == [None] * 40
    assert [one.total for one in credential.rounds] == [2, 2]
    assert sum(one.collections for one in credential.rounds) == 40
    assert credential.signatures == 2


def test_the_command_opens_several(osak: Osak, group: Group, boxes: list[Path], tmp_path: Path) -> None:
    """One command line, one note of one signature, a report for each container."""
    opened = osak("decrypt", *boxes, "-o", tmp_path / "out", *group.credential)
    assert opened.code == 0, opened.errors
    assert opened.errors.count("one signature for 6 containers") == 1
    statuses = [[outcome["status"] for outcome in one["outcomes"]] for one in opened.facts["containers"]]
    assert all(told.count("ok") >= 2 for told in statuses)
    group.servers[0].kill()
    some = osak("decrypt", *boxes, "-o", tmp_path / "some", *group.credential)
    assert some.code == 4
    assert [one.get("error", {}).get("kind") for one in some.facts["containers"]] == [
        None,
        "not-enough-shares",
    ] * 3
    assert sorted(path.name for path in (tmp_path / "some").iterdir()) == ["0", "2", "4"]
