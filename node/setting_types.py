# SPDX-License-Identifier: MIT
"""Kinds of values that several sections of a node's YAML share: files.

Relative paths start at the YAML's folder, which the loader hands over as context. Nothing is opened here;
a file that must exist is only looked for, so that all mistakes are found at once.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema


def _resolve(text: Any, info: ValidationInfo) -> Path:
    if not isinstance(text, str) or not text or "\0" in text:
        raise ValueError("expected the path of a file")
    return Path(info.context["folder"] if info.context else "") / text


def _resolve_existing(text: Any, info: ValidationInfo) -> Path:
    path = _resolve(text, info)
    try:
        found = path.is_file()
    except OSError as cause:  # a name no file can have
        raise ValueError("that cannot be the path of a file") from cause
    if not found:
        raise ValueError(f"no such file: {path}")
    return path


FilePath = Annotated[Path, PlainValidator(_resolve), WithJsonSchema({"type": "string"})]
ExistingFile = Annotated[Path, PlainValidator(_resolve_existing), WithJsonSchema({"type": "string"})]
