# SPDX-License-Identifier: MIT
"""Several containers in one go, without servers: one prompt, a folder each, failures of their own."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from factories.people import TestCA
from simulator.tokens import SimulatedToken

from osak.client import (
    ClientConfig,
    DamagedContainerError,
    Keys,
    OutputExistsError,
    Password,
    PINSource,
    PublicKey,
    RunningLoopError,
    UsageError,
    WrongKeyError,
    decrypt_many,
    decrypt_many_async,
    encrypt,
    list_files_many,
)
from osak.client.batch import folders_for
from osak.client.container import PrivateKeyUnlocker
from osak.client.identity.card import Card, choose_certificate
from osak.client.identity.card_keys import card_key
from osak.client.identity.errors import PINError

TEXT = "Kui-Arno-isaga"
CONFIG = ClientConfig()


def _boxes(folder: Path, *names: str, to: Password | PublicKey | None = None) -> list[Path]:
    """A container of each name, with a file ``a.txt`` that says whose it is."""
    (folder / "files").mkdir(exist_ok=True)
    file, boxes = folder / "files" / "a.txt", []
    for name in names:
        file.write_text(name)
        boxes.append(folder / name)
        boxes[-1].parent.mkdir(exist_ok=True)
        encrypt(file, to or Password(TEXT, "kevad"), boxes[-1], config=CONFIG)
    return boxes


def test_one_password_opens_all_into_folders_of_their_own(tmp_path: Path) -> None:
    """The password is asked for once; files of the same name do not meet."""
    boxes, asked = _boxes(tmp_path, "may.cdoc2", "june.cdoc2"), []

    def ask() -> str:
        asked.append(1)
        return TEXT

    results = decrypt_many(boxes, Password(ask), tmp_path / "out", config=CONFIG)
    assert len(asked) == 1
    assert [result.container for result in results] == boxes
    assert [result.get().folder for result in results] == [
        tmp_path / "out" / name for name in ("may", "june")
    ]
    assert (tmp_path / "out" / "may" / "a.txt").read_text() == "may.cdoc2"
    assert (tmp_path / "out" / "june" / "a.txt").read_text() == "june.cdoc2"


def test_what_fails_with_one_leaves_the_others_alone(tmp_path: Path) -> None:
    """Damaged, missing, for another password, no container: each says so, the good ones are there whole."""
    good, damaged, last = _boxes(tmp_path, "good.cdoc2", "damaged.cdoc2", "last.cdoc2")
    (foreign,) = _boxes(tmp_path, "foreign.cdoc2", to=Password("Midagi-Muud", "sügis"))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    (text := tmp_path / "text.cdoc2").write_bytes(b"tere")
    boxes = [damaged, good, tmp_path / "missing.cdoc2", foreign, text, last]
    results = decrypt_many(boxes, Password(TEXT), tmp_path / "out", config=CONFIG)
    errors = [type(result.error) for result in results]
    assert errors == [
        DamagedContainerError,
        type(None),
        UsageError,
        WrongKeyError,
        DamagedContainerError,
        type(None),
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good", "last"]
    with pytest.raises(WrongKeyError):
        results[3].get()


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Nothing is replaced unasked, in one folder or the other; with overwrite it is."""
    boxes = _boxes(tmp_path, "may.cdoc2", "june.cdoc2")
    there = tmp_path / "out" / "may" / "a.txt"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    results = decrypt_many(boxes, Password(TEXT), tmp_path / "out", config=CONFIG)
    assert [type(result.error) for result in results] == [OutputExistsError, type(None)]
    assert there.read_text() == "mine"
    again = decrypt_many(boxes, Password(TEXT), tmp_path / "out", config=CONFIG, overwrite=True)
    assert [result.error for result in again] == [None, None]
    assert there.read_text() == "may.cdoc2"


def test_list_tells_of_all_and_writes_nothing(tmp_path: Path) -> None:
    """Names and sizes of every container."""
    boxes = _boxes(tmp_path, "may.cdoc2", "june.cdoc2")
    before = sorted(tmp_path.rglob("*"))
    results = list_files_many(boxes, Password(TEXT), config=CONFIG)
    assert [[file.size for file in result.get().files] for result in results] == [[9], [10]]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("given", "folders"),
    [
        (["may.cdoc2", "june.CDOC"], ["may", "june"]),
        (["x/may.cdoc2", "y/may.cdoc2", "y/MAY.cdoc2"], ["may", "may-2", "MAY-3"]),
        (["may-2.cdoc2", "x/may.cdoc2", "y/may.cdoc2"], ["may-2", "may", "may-3"]),
        (["a.tar.cdoc2", "b.txt", "c"], ["a.tar", "b.txt", "c"]),
        ([".cdoc2", "x/.cdoc2"], [".cdoc2", ".cdoc2-2"]),
        (["õ.cdoc2", "x/õ.cdoc2"], ["õ", "õ-2"]),
    ],
)
def test_every_container_has_a_folder(given: list[str], folders: list[str]) -> None:
    """Named as the container; a number where a file system could take two names for one."""
    found = folders_for([Path(name) for name in given], Path("out"))
    assert found == [Path("out", name) for name in folders]


def test_a_container_named_twice_is_a_mistake(tmp_path: Path) -> None:
    """However it is spelt: nothing is opened, nobody is asked."""
    (box,) = _boxes(tmp_path, "may.cdoc2")
    twice = [box, tmp_path / "files" / ".." / "may.cdoc2"]
    with pytest.raises(UsageError, match="twice"):
        decrypt_many(twice, Password(TEXT), tmp_path / "out", config=CONFIG)
    with pytest.raises(UsageError, match="twice"):
        list_files_many(twice, Password(TEXT), config=CONFIG)
    assert not (tmp_path / "out").exists()


def _card_keys(token: SimulatedToken, pins: list[str]) -> Keys:
    chosen = choose_certificate([token], None)
    key = card_key(Card(*chosen, PINSource(lambda _: pins.pop(0))))
    return Keys(PrivateKeyUnlocker(key))


def test_a_card_asks_for_one_pin_and_a_wrong_one_is_sent_once(tmp_path: Path) -> None:
    """One PIN opens three files; a wrong one ends the batch, so that three files do not lock the card."""
    person = TestCA().issue(key=ec.generate_private_key(ec.SECP384R1()))
    boxes = _boxes(tmp_path, "1.cdoc2", "2.cdoc2", "3.cdoc2", to=PublicKey(person.key.public_key()))
    token = SimulatedToken([person])
    wrong = decrypt_many(boxes, _card_keys(token, ["0000", "4821"]), tmp_path / "out", config=CONFIG)
    assert [type(result.error) for result in wrong] == [PINError] * 3
    assert token.sent == ["0000"]
    right = decrypt_many(boxes, _card_keys(token, ["4821"]), tmp_path / "out", config=CONFIG)
    assert [result.error for result in right] == [None] * 3
    assert token.sent == ["0000", "4821"]


async def test_the_twin_tells_progress_of_all_together(tmp_path: Path) -> None:
    """Bytes of every payload, of their sum, in the caller's loop; the plain function refuses there."""
    boxes = await asyncio.to_thread(_boxes, tmp_path, "may.cdoc2", "june.cdoc2")
    told = list[tuple[int, int | None]]()
    with pytest.raises(RunningLoopError, match="decrypt_many_async"):
        decrypt_many(boxes, Password(TEXT), tmp_path / "out", config=CONFIG)
    await decrypt_many_async(
        boxes,
        Password(TEXT),
        tmp_path / "out",
        config=CONFIG,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert len({total for _, total in told}) == 1
