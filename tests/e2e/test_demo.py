# SPDX-License-Identifier: MIT
"""``osak demo`` as a stranger runs it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


def run_demo(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TMPDIR": str(folder)}
    command = [sys.executable, "-m", "osak.client.cli.main", "demo", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)


def test_demo_tells_the_truth(tmp_path: Path) -> None:
    """The demo ends with 0, names the dead and the liar, and leaves nothing on the disk."""
    file = tmp_path / "andmed.bin"
    file.write_bytes(os.urandom(100_000))
    done = run_demo(str(file), folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("wrong-share", "unreachable", "exit code 4", "same as the original: andmed.bin"):
        assert word in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.timeout(180)
def test_demo_keep(tmp_path: Path) -> None:
    """With --keep the five servers stay, and the commands it prints work."""
    done = run_demo("--keep", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    pids = next(line for line in lines if line.strip().startswith("kill")).split(";")[0].split()[1:]
    try:
        assert len(pids) == 5
        config = next(line for line in lines if "OSAK_CONFIG" in line).split("=", 1)[1]
        check = [sys.executable, "-m", "osak.client.cli.main", "group", "check", "--config", config]
        checked = subprocess.run(check, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
    finally:
        for pid in pids:
            os.kill(int(pid), signal.SIGTERM)
