# SPDX-License-Identifier: MIT
"""``--compress``: how hard to pack, and the warning where the official Java client would refuse."""

from pathlib import Path
from typing import Any

import pytest
from factories.shell import Shell

CHOICES = ("none", "fast", "best")


def words(count: int) -> bytes:
    """Text that packs four times or so."""
    return b"".join(b"%d tere, %x head aega\n" % (number, number * 7919 % 65521) for number in range(count))


def pack(shell: Shell, source: Path, *options: str) -> tuple[Path, dict[str, Any], str]:
    """One file in a container for the secret."""
    box = shell.folder / f"{'-'.join(options) or 'default'}.cdoc2"
    code, facts, errors = shell(
        "encrypt", source, "-o", box, "--secret", f"k={shell.folder / 'secret'}", *options
    )
    assert code == 0, errors
    return box, facts, errors


def test_every_choice_opens_and_best_is_smallest(shell: Shell) -> None:
    """None is larger than fast, fast larger than best; the content is the same."""
    source = shell.folder / "words.txt"
    source.write_bytes(words(20_000))
    sizes = []
    for choice in CHOICES:
        box, facts, errors = pack(shell, source, "--compress", choice)
        sizes.append(facts["bytes"])
        assert facts["exceeds_java_ratio"] is False
        assert "warning" not in errors
        out = shell.folder / f"out-{choice}"
        assert shell("decrypt", box, "-o", out, "--secret", shell.folder / "secret")[0] == 0
        assert (out / "words.txt").read_bytes() == source.read_bytes()
    assert sizes == sorted(sizes, reverse=True)
    assert pack(shell, source)[1]["bytes"] == sizes[1]


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_the_java_limit_is_told_and_can_be_avoided(shell: Shell, quiet: list[str]) -> None:
    """Zeros warn on stderr and in the JSON, with --quiet too; stored instead of packed they do not."""
    source = shell.folder / "zeros"
    source.write_bytes(bytes(300_000))
    for choice in ("fast", "best"):
        _, facts, errors = pack(shell, source, "--compress", choice, *quiet)
        assert facts["exceeds_java_ratio"] is True
        assert "warning: the official Java client will not open this file" in errors
        assert "--compress none" in errors
    _, facts, errors = pack(shell, source, "--compress", "none", *quiet)
    assert facts["exceeds_java_ratio"] is False
    assert "warning" not in errors


def test_reencrypt_packs_and_warns_alike(shell: Shell) -> None:
    """A stored container becomes a packed one, with the warning; and back, without it."""
    source = shell.folder / "zeros"
    source.write_bytes(bytes(300_000))
    box, _, _ = pack(shell, source, "--compress", "none")
    secret = shell.folder / "secret"
    keys = ["--open-secret", str(secret), "--secret", f"k={secret}"]
    packed = shell("reencrypt", box, "-o", shell.folder / "packed.cdoc2", *keys)
    assert packed[1]["exceeds_java_ratio"] is True
    assert "warning: the official Java client" in packed[2]
    stored = shell(
        *("reencrypt", shell.folder / "packed.cdoc2", "-o", shell.folder / "stored.cdoc2"),
        *keys,
        *("--compress", "none"),
    )
    assert stored[1]["exceeds_java_ratio"] is False
    assert stored[1]["bytes"] == box.stat().st_size


def test_an_unknown_choice_is_a_mistake(shell: Shell) -> None:
    """Exit code 2, with the choices named; nothing written."""
    code, _, errors = shell(
        *("encrypt", shell.folder / "a.txt", "-o", shell.folder / "x.cdoc2", "--compress", "most"),
        *("--secret", f"k={shell.folder / 'secret'}"),
    )
    assert code == 2
    assert "fast" in errors
    assert not (shell.folder / "x.cdoc2").exists()
