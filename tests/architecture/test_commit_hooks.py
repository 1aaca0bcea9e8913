# SPDX-License-Identifier: MIT
"""The hooks that a newcomer installs pass on a fresh checkout, as ``make lint`` does."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# A file of ours and one that flatc made: hooks are given both, whatever the settings exclude.
FILES = ("shares/field.py", "client/container/fbs/Header.py")


@pytest.mark.parametrize("hook", ["ruff-format", "ruff-check"])
def test_hook_passes(hook: str) -> None:
    """Each hook that is given file names leaves out what the settings leave out."""
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    entries = {one["id"]: one["entry"] for repository in config["repos"] for one in repository["hooks"]}
    program, *arguments = shlex.split(entries[hook])
    # Where the tests run from is another environment, perhaps, than the one in the checkout.
    command = [str(Path(sys.executable).parent / Path(program).name), *arguments, *FILES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
