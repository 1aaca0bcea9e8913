# SPDX-License-Identifier: MIT
"""Coverage-guided fuzzing of everything that reads a stranger's bytes: ``run.py TARGET --seconds N``.

A target is a module beside this one with ``seeds()``, real objects to begin from, and ``check(data)``,
which raises whenever a promise is broken. Its committed corpus stands in ``corpus/TARGET``. What is found
goes to ``--work`` and is taken up again by the next run there: new inputs to ``TARGET/found``, an input
that breaks a promise to ``TARGET/crash-*``. The exit code is 0 when every promise held.
"""

import argparse
import importlib
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Protocol, cast

TARGETS: Final = (
    *("envelope", "header", "tar", "label", "message", "session", "ticket", "configuration", "directory"),
    *("certificate", "status", "backup"),
)
CORPUS: Final = Path(__file__).parent / "corpus"
MAX_INPUT_BYTES: Final = 4096

_SLOW_SECONDS: Final = 10
_MEMORY_MIB: Final = 1024


class Target(Protocol):
    """What a module beside this one offers."""

    seeds: Callable[[], Iterable[bytes]]
    check: Callable[[bytes], None]


def load_target(name: str) -> Target:
    """The module of a target."""
    return cast("Target", importlib.import_module(f"fuzz.{name}"))


def main(arguments: list[str]) -> None:
    """Fuzz one target; does not return, the fuzzer ends the process."""
    parser = argparse.ArgumentParser(description="Fuzz one target.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: 60)")
    parser.add_argument("--runs", type=int, default=-1, help="at most this many executions")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default: another each time)")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "osak-fuzz")
    chosen = parser.parse_args(arguments)
    work = chosen.work / chosen.target
    found, seeds = work / "found", work / "seeds"
    for folder in (found, seeds):
        folder.mkdir(parents=True, exist_ok=True)

    import atheris  # noqa: PLC0415 - a part of the dev extra that only this function needs

    # Of the standard library what the targets stand on; somebody has imported it already.
    sys.modules.pop("urllib.parse", None)
    with atheris.instrument_imports(include=["osak", "sansldap", "yaml", "urllib"]):
        target = load_target(chosen.target)
    for number, seed in enumerate(target.seeds()):
        (seeds / f"{number:03}").write_bytes(seed)
    options = {
        "max_total_time": chosen.seconds,
        "runs": chosen.runs,
        "seed": chosen.seed,
        "max_len": MAX_INPUT_BYTES,
        "timeout": _SLOW_SECONDS,
        "rss_limit_mb": _MEMORY_MIB,
        "artifact_prefix": f"{work}/",
        "print_final_stats": 1,
    }
    switches = [f"-{name}={value}" for name, value in options.items()]
    # The first folder is the one that is written to.
    folders = [str(folder) for folder in (found, seeds, CORPUS / chosen.target)]
    atheris.Setup([sys.argv[0], *switches, *folders], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main(sys.argv[1:])
