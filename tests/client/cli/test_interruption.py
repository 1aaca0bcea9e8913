# SPDX-License-Identifier: MIT
"""Signals end a command as Ctrl-C does: stopped in the middle, real processes leave nothing."""

import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories.shell import Shell

SIGNALS = [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
EXIT_CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 1}
BIG = 128 * 2**20
PATIENCE_SECONDS = 30


def started(*arguments: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "osak.client.cli.main", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def in_the_background() -> Iterator[None]:
    """Ctrl-C is ignored, as shells have it for what they start with ``&``."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def big_box(shell: Shell) -> Path:
    """A container that takes a while to open."""
    block = secrets.token_bytes(2**20)
    data = shell.folder / "data.bin"
    with data.open("wb") as file:
        for _ in range(BIG // len(block)):
            file.write(block)
    box = shell.folder / "big.cdoc2"
    assert shell("encrypt", data, "-o", box, "--secret", f"k={shell.folder / 'secret'}")[0] == 0
    data.unlink()
    return box


@pytest.mark.parametrize("number", SIGNALS)
def test_no_plaintext_stays(shell: Shell, big_box: Path, number: signal.Signals) -> None:
    """Stopped while it decrypts, a command removes what it has written; nobody had checked that yet."""
    out = shell.folder / "out"
    process = started("decrypt", big_box, "-o", out, "--secret", shell.folder / "secret")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline and not list(out.glob(".osak-*/new-0")):
        time.sleep(0.001)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == EXIT_CODES[number], errors
    assert "stopped; nothing half-written was left behind" in errors
    assert not out.exists()


@pytest.mark.usefixtures("in_the_background")
def test_termination_counts_in_the_background(shell: Shell, big_box: Path) -> None:
    """Where Ctrl-C is ignored, SIGTERM still ends a command and removes what it has written."""
    test_no_plaintext_stays(shell, big_box, signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_no_half_container_stays(shell: Shell, number: signal.Signals) -> None:
    """Stopped while it waits for a server, a command removes the output it had begun."""
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as other:
        servers = "".join(
            f"\n    - {{id: s{port}, organisation: S, url: 'https://127.0.0.1:{port}'}}"
            for port in (silent.getsockname()[1], other.getsockname()[1])
        )
        (shell.folder / "osak.yaml").write_text(f"groups:\n  g:\n    threshold: 2\n    servers:{servers}\n")
        before = sorted(shell.folder.iterdir())
        box, config = shell.folder / "a.cdoc2", shell.folder / "osak.yaml"
        process = started(
            "encrypt", shell.folder / "a.txt", "-o", box, "--to", "38001085718", "--config", config
        )
        silent.settimeout(PATIENCE_SECONDS)
        connection, _ = silent.accept()
        with connection:
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == EXIT_CODES[number], errors
    assert sorted(shell.folder.iterdir()) == before
