# SPDX-License-Identifier: MIT
"""A secret that people put into a file: a password or PIN, alone in one line. It is never repeated."""

from pathlib import Path

from osak.shares.errors import ConfigurationError


def read_secret_line(path: Path, kind: str) -> str:
    """The only line of the file; ``kind`` says what it holds.

    Raises:
        ConfigurationError: it is empty, has several lines or is no text.
        OSError: it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        # From None: the error of the codec holds the bytes.
        raise ConfigurationError(str(path), [f"expected a {kind} as UTF-8 text"]) from None
    if not text or not text.isprintable():
        raise ConfigurationError(str(path), [f"expected a {kind} alone, in one line"])
    return text
