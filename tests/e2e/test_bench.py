# SPDX-License-Identifier: MIT
"""``make bench`` runs to its end: figures that nobody can measure again prove nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "bench" / "run.py"


@pytest.mark.timeout(180)
def test_network_part_ends(tmp_path: Path) -> None:
    """The part that runs real nodes prints every figure: their limits of rates do not end it half-way."""
    command = [sys.executable, str(RUN), "network"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for figure in ("TCP echo", "cold", "warm", "nonces", "ticketed fetches", "nonce + share"):
        assert figure in done.stdout
