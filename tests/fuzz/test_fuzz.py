# SPDX-License-Identifier: MIT
"""Fuzzing as far as a test may take: every known input again, then a few seconds of new ones."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz.run import CORPUS, TARGETS, load_target

SECONDS = 6
RUNS = 50_000
MAX_CORPUS_BYTES = 200 * 2**10

needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None and os.environ.get("OSAK_TEST_ALL") != "1",
    reason="atheris is not installed (it has wheels for Linux on x86-64 only)",
)


@pytest.mark.parametrize("name", TARGETS)
def test_known_inputs_keep_their_promises(name: str) -> None:
    """Seeds, and whatever was worth keeping of earlier runs, crashes among it, break no promise."""
    target = load_target(name)
    seeds = [*target.seeds()]
    assert len(set(seeds)) == len(seeds), "a seed stands twice"
    for data in (*seeds, *(path.read_bytes() for path in sorted((CORPUS / name).iterdir()))):
        target.check(data)


def test_the_corpus_stays_small() -> None:
    """What is committed is for every checkout, so there is little of it, and of known targets only."""
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < MAX_CORPUS_BYTES


@needs_atheris
@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_new_inputs_keep_their_promises(name: str, tmp_path: Path) -> None:
    """Some seconds of coverage-guided search find nothing that breaks a promise."""
    # Coverage of the package is measured elsewhere; here it would only take the fuzzer's time.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
    done = subprocess.run(
        [
            *(sys.executable, Path(__file__).parent / "run.py", name),
            *("--seconds", str(SECONDS), "--runs", str(RUNS), "--work", tmp_path),
        ],
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    broken = [path.read_bytes() for path in (tmp_path / name).iterdir() if path.is_file()]
    assert done.returncode == 0, f"{done.stderr[-4000:]}\n{broken}"
    assert "stat::number_of_executed_units" in done.stderr
