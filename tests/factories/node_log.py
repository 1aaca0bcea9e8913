# SPDX-License-Identifier: MIT
"""What must not stand in any log of a node, whatever a test did with it: nothing that looks like a secret.

Tests that know their secrets search for these; here the logs of all node processes are searched for the forms
of shares, ids, nonces, tickets, certificates, tokens and personal codes, when the processes end.
"""

import json
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

# Values that may be long: of the node itself, of its code, and times.
_OWN_FIELDS = {
    *("pin_sha256", "place", "public_url", "listen", "admin", "fetch_listen", "route", "time", "request_id")
}
_MAX_LINES = 20_000  # those of a measurement are many, and all alike
# The shortest secret, a share id, has 18 characters; words without a digit are names of our errors.
_LONG = re.compile(r"(?=[A-Za-z+/=_-]*[0-9])[A-Za-z0-9+/=_-]{18,}")
_PERSONAL_CODE = re.compile(r"(?<![0-9])[1-6][0-9]{10}(?![0-9])")


def assert_tells_nothing(path: Path) -> None:
    """Fail if a line of a node's log is not one of ours, or holds what may be a secret."""
    with path.open(encoding="utf-8") as stream:
        _search(path, islice(stream, _MAX_LINES))


def _search(path: Path, lines: Iterable[str]) -> None:
    for line in lines:
        try:
            fields = json.loads(line)
        except ValueError:
            raise AssertionError(f"{path}: not a line of the log: {line[:200]}") from None
        for name, value in fields.items():
            text = "" if name in _OWN_FIELDS else str(value)
            found = _LONG.search(text) or _PERSONAL_CODE.search(text)
            assert found is None, f"{path}: {name} may hold a secret: {text[:200]}"
