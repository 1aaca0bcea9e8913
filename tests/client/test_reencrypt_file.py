# SPDX-License-Identifier: MIT
"""Re-encrypting as a library: nothing in the clear on the disk, constant memory, nobody forgotten."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from osak.client.config import ClientConfig
from osak.client.container import (
    KekRecipient,
    KeyShare,
    KeySharesCapsule,
    SymmetricRecipient,
    SymmetricUnlocker,
)
from osak.client.encryption import encrypt_files
from osak.client.errors import UsageError
from osak.client.keys import Keys
from osak.client.reencryption import reencrypt_file

OLD, NEW = bytes(32), bytes(range(32))
PERSON = "etsi/PNOEE-48010010101"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A container of 5 MiB for a secret, a person and the same person by another scheme."""
    (tmp_path / "big.bin").write_bytes(os.urandom(5 * 2**20))
    capsule = KeySharesCapsule((KeyShare("https://a.example:1", "x" * 20),), bytes(32), PERSON)
    people = [KekRecipient(capsule, label, os.urandom(32)) for label in ("one", "two")]
    box = tmp_path / "old.cdoc2"
    encrypt_files(
        [tmp_path / "big.bin"], box, [SymmetricRecipient("k", OLD), *people], [], config=ClientConfig()
    )
    return box


def test_plaintext_never_touches_the_disk(old: Path, tmp_path: Path) -> None:
    """While and after it streams, no file in the output's folder holds a piece of the content."""
    piece = (tmp_path / "big.bin").read_bytes()[2**20 : 2**20 + 64]
    out = tmp_path / "out"
    out.mkdir()
    looks = 0

    def look(*_: int | None) -> None:
        nonlocal looks
        looks += 1
        assert not (out / "new.cdoc2").exists()
        for path in out.rglob("*"):
            assert not path.is_file() or piece not in path.read_bytes()

    reencrypt_file(
        *(old, out / "new.cdoc2", Keys(SymmetricUnlocker(OLD)), [SymmetricRecipient("k", NEW)], []),
        config=ClientConfig(),
        progress=look,
    )
    assert looks > 3
    assert [path.name for path in out.iterdir()] == ["new.cdoc2"]
    assert piece not in (out / "new.cdoc2").read_bytes()


def test_a_person_with_several_records_is_carried_over_by_one(old: Path, tmp_path: Path) -> None:
    """Who counts is the person, not the record: a new record for them stands for all their old ones."""
    capsule = KeySharesCapsule((KeyShare("https://b.example:1", "y" * 20),), bytes(32), PERSON)
    again = KekRecipient(capsule, "three", os.urandom(32))
    done = reencrypt_file(
        old, tmp_path / "new.cdoc2", Keys(SymmetricUnlocker(OLD)), [again], [], config=ClientConfig()
    )
    assert [record.label for record in done.left_out] == ["data:,v=1&label=k&type=secret"]


def test_nobody_to_encrypt_for(old: Path, tmp_path: Path) -> None:
    """Without a recipient nothing is opened or written."""
    with pytest.raises(UsageError, match="nobody could open"):
        reencrypt_file(
            old, tmp_path / "new.cdoc2", Keys(SymmetricUnlocker(OLD)), [], [], config=ClientConfig()
        )
    assert not (tmp_path / "new.cdoc2").exists()


def test_an_interrupt_leaves_nothing(old: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle: neither the new file nor a hidden one stays."""

    def interrupt(*_: int | None) -> None:
        raise KeyboardInterrupt

    before = sorted(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        reencrypt_file(
            *(old, tmp_path / "new.cdoc2", Keys(SymmetricUnlocker(OLD)), [SymmetricRecipient("k", NEW)], []),
            config=ClientConfig(),
            progress=interrupt,
        )
    assert sorted(tmp_path.iterdir()) == before


MEMORY_PROBE = """
    import re, sys
    from pathlib import Path
    from osak.client.config import ClientConfig
    from osak.client.container import SymmetricRecipient, SymmetricUnlocker
    from osak.client.keys import Keys
    from osak.client.reencryption import reencrypt_file

    new = [SymmetricRecipient("k", bytes(32))]
    old, out = map(Path, sys.argv[1:])
    reencrypt_file(old, out, Keys(SymmetricUnlocker(bytes(32))), new, [], config=ClientConfig())
    # Not getrusage: its peak includes that of the process this one was started from.
    print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def test_memory_does_not_grow_with_the_container(tmp_path: Path) -> None:
    """Sixteen times the content takes the same memory."""
    peaks = []
    for size in (2**23, 2**27):
        source, box, out = (tmp_path / f"{name}-{size}" for name in ("file", "old", "new"))
        block = os.urandom(2**20)
        with source.open("wb") as file:
            for _ in range(size // len(block)):
                file.write(block)
        encrypt_files([source], box, [SymmetricRecipient("k", OLD)], [], config=ClientConfig())
        command = [sys.executable, "-c", textwrap.dedent(MEMORY_PROBE), str(box), str(out)]
        peaks.append(int(subprocess.check_output(command)))
        for path in (source, box, out):
            path.unlink()
    assert peaks[1] - peaks[0] < 32 * 1024
