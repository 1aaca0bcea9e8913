# SPDX-License-Identifier: MIT
"""The five organisations of docs/containers.md, typed as the page has them."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from factories.containers import NODE_IMAGE, REDIS_IMAGE, ROOT, Engine
from factories.quiet_ports import quiet_ports

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("containers")]
PROJECT = "osaktestpage"
NAMES = ("RIA", "PANK", "YLIKOOL", "HAIGLA", "RAAMATUKOGU")
SIMULATOR = "osak dev eid-sim &"


@dataclass(frozen=True)
class Desk:
    """A folder with compose.yaml and a letter, ports that nobody else has, and an engine."""

    engine: Engine
    folder: Path
    ports: list[int]

    @property
    def environment(self) -> dict[str, str]:
        """For commands: nothing of the developer's own configuration."""
        settings = {"OSAK_IMAGE": NODE_IMAGE, "OSAK_REDIS_IMAGE": REDIS_IMAGE, "HOME": str(self.folder)}
        settings |= {f"OSAK_{name}_PORT": str(port) for name, port in zip(NAMES, self.ports, strict=True)}
        settings |= {"COMPOSE_PROJECT_NAME": PROJECT, "XDG_CONFIG_HOME": str(self.folder)}
        settings["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {
            name: value for name, value in self.engine.environment.items() if name != "OSAK_CONFIG"
        } | settings

    def type_(self, commands: str) -> None:
        """Run them in a shell; each must end well. Nobody is there to compare pins."""
        for number, port in enumerate(self.ports):
            commands = commands.replace(f"localhost:{8441 + number}", f"localhost:{port}")
        commands = commands.replace("--threshold 3", "--threshold 3 --yes")
        commands = commands.replace("docker compose ", f"{' '.join(self.engine.compose_program())} ")
        command = ["sh", "-euc", commands]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"

    def wait(self) -> None:
        """Return when all five are healthy."""
        deadline = time.monotonic() + 120
        wanted = ("--filter", f"label=com.docker.compose.project={PROJECT}", "--filter", "health=healthy")
        while len(self.engine.docker("ps", "-q", *wanted).split()) < len(NAMES):
            assert time.monotonic() < deadline, self.engine.docker("ps", "-a")
            time.sleep(0.5)


@pytest.fixture
def desk(running: Engine, tmp_path: Path) -> Iterator[Desk]:
    """Where to type; what was started is gone afterwards."""
    (tmp_path / "compose.yaml").write_bytes((ROOT / "compose.yaml").read_bytes())
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.4 Tere!")
    found = Desk(running, tmp_path, quiet_ports(len(NAMES)))
    try:
        yield found
    finally:
        command = [*running.compose_program(), "down", "-v", "-t", "2"]
        subprocess.run(command, cwd=tmp_path, env=found.environment, capture_output=True, check=True)


def test_the_page_can_be_typed(desk: Desk) -> None:
    """Without the authority's file it says so and makes none; with it all is as the page says, to the end."""
    text = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    (commands,) = re.findall(rf"```sh\n({re.escape(SIMULATOR)}[^`]+)```", text)
    start, _, rest = commands.removeprefix(SIMULATOR).partition("\nosak group add")
    with pytest.raises(AssertionError, match=r"people-ca\.pem"):
        desk.type_(start)
    assert not (desk.folder / "eid-sim").exists()
    listen = f"127.0.0.1:{quiet_ports(1)[0]}"
    simulator = ["osak", "dev", "eid-sim", "--listen", listen, "--delay", "0"]
    with subprocess.Popen(
        simulator,
        cwd=desk.folder,
        env=desk.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "SIMULATOR" in process.stdout.readline()
            desk.type_(start)
            desk.wait()
            desk.type_(f"osak group add{rest}")
        finally:
            process.terminate()
    assert (desk.folder / "letter" / "letter.pdf").read_bytes() == (desk.folder / "letter.pdf").read_bytes()
