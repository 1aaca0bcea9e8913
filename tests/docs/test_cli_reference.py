# SPDX-License-Identifier: MIT
"""``docs/cli.md`` says what the commands say of themselves, today."""

from architecture.cli_reference import FILE, reference


def test_the_reference_is_current() -> None:
    """The file in the repository is what ``make reference`` would write."""
    assert FILE.read_text(encoding="utf-8") == reference()


def test_the_reference_is_whole() -> None:
    """Every command has its section, also those in groups and those that another package brings."""
    text = reference()
    for command in ("encrypt", "decrypt", "reencrypt", "inspect", "group add", "completion", "node run"):
        assert f"\n## osak {command}\n" in text
    assert "- **`--compress [none|fast|best]`**" in text
