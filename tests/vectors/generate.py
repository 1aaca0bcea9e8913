# SPDX-License-Identifier: MIT
"""``python tests/vectors/generate.py`` writes the vectors anew: the same bytes wherever it runs.

Nothing here uses osak's code, so the vectors judge osak and are not judged by it.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
WRITTEN: Final = ("*.json", "containers/*.cdoc2", "refused/*.cdoc2")


def contents() -> dict[str, bytes]:
    """Every file of the vectors, by its path below this folder."""
    from vectors import credentials, negative, positive, sharing  # noqa: PLC0415 - main makes them importable

    good, bad = list(positive.positives()), list(negative.negatives())
    files = {f"containers/{case.name}.cdoc2": case.container for case in good}
    files |= {f"refused/{case.name}.cdoc2": case.container for case in bad}
    assert len(files) == len(good) + len(bad), "two vectors have the same name"
    return {
        **files,
        "keys.json": _text({name: credentials.pem(name) for name in (*credentials.CURVES, "RSA-2048")}),
        "sharing.json": _text(sharing.document()),
        "containers.json": _text([_positive(case) for case in good]),
        "refused.json": _text(
            {
                "reasons": {
                    name: {"kind": kind, "means": text} for name, (kind, text) in negative.REASONS.items()
                },
                "containers": [_negative(case) for case in bad],
            }
        ),
    }


def written() -> dict[str, bytes]:
    """What stands in this folder now."""
    found = [path for pattern in WRITTEN for path in FOLDER.glob(pattern)]
    return {path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in found}


def main() -> None:
    """Replace everything that was generated before."""
    wanted = contents()
    for name in written().keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, content in wanted.items():
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_bytes(content)


def _positive(case: Any) -> Mapping[str, Any]:
    return {
        "file": f"containers/{case.name}.cdoc2",
        "what": case.what,
        "opens_with": case.credentials,
        "files": {
            name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in case.files.items()
        },
        "unusable_records": case.unusable,
        "keys": case.keys,
    }


def _negative(case: Any) -> Mapping[str, Any]:
    return {
        "file": f"refused/{case.name}.cdoc2",
        "reason": case.reason,
        "tried_with": case.credential,
        "limits": case.limits,
    }


def _text(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER.parent))
    main()
