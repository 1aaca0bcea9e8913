# SPDX-License-Identifier: MIT
"""Our documents: their fenced blocks, to be run or read."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name: str, info: str) -> list[tuple[int, str]]:
    """Line and body of each fenced block of a document whose first line says ``info``."""
    text = (ROOT / name).read_text(encoding="utf-8")
    found = [match for match in _FENCE.finditer(text) if match["info"].strip() == info]
    return [(text.count("\n", 0, match.start("body")) + 1, match["body"]) for match in found]


def run(name: str, line: int, body: str, names: dict[str, Any]) -> None:
    """Run a block of Python; what fails is shown with its line in the document."""
    code = compile("\n" * (line - 1) + body, str(ROOT / name), "exec")
    exec(code, names)  # noqa: S102 - our own documents
