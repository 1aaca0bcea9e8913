# SPDX-License-Identifier: MIT
"""Processes of the demo: share servers with a folder each, and the liar before one of them.

Every server is set up and run with the commands an organisation would use. All listen on loopback.
"""

import contextlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from osak.client.errors import ClientError

_START_SECONDS = 20
_STOP_SECONDS = 15


class DemoError(ClientError):
    """A part of the demo did not do what it should."""


def run_osak(
    arguments: Sequence[str], *, package: str = "osak.client.cli.main"
) -> subprocess.CompletedProcess[str]:
    """Run one osak command in a process of its own and return what it printed."""
    # The interpreter and every argument are ours.
    return subprocess.run(  # noqa: S603 - see above
        [sys.executable, "-m", package, *arguments], capture_output=True, text=True, check=False
    )


@dataclass(slots=True)
class DemoServer:
    """One organisation's share server: a folder, a public port, a process.

    Attributes:
        id: its short name.
        organisation: who runs it.
        folder: configuration, keys, certificate, database and log.
        port: of its public URL.
    """

    id: str
    organisation: str
    folder: Path
    port: int
    _admin_port: int
    _node: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _liar: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """What clients know it by."""
        return f"https://localhost:{self.port}"

    @property
    def pids(self) -> list[int]:
        """The processes that are running for it."""
        return [process.pid for process in (self._node, self._liar) if process is not None]

    def set_up(self, authority_file: Path) -> None:
        """Write its folder with ``osak node init``."""
        done = run_osak(
            [
                "init",
                str(self.folder),
                *("--id", self.id),
                *("--organisation", self.organisation),
                *("--url", self.url),
                *("--listen", f"127.0.0.1:{self.port}"),
                *("--admin", f"127.0.0.1:{self._admin_port}"),
                *("--trust", str(authority_file)),
                "--dev-tls",
            ],
            package="osak.node",
        )
        if done.returncode:
            raise DemoError(f"osak node init failed for {self.id}: {done.stderr.strip()}")

    def start(self) -> None:
        """Run the node and wait until it says that it is ready."""
        self._node = self._spawn("osak.node", "run", "-c", str(self.folder / "node.yaml"))
        self._await(self._node, lambda: _is_ready(self._admin_port))

    def put_liar_before(self) -> None:
        """Move the node to another port and let a liar answer at its public one."""
        self.stop()
        hidden_port = free_ports(1)[0]
        settings = self.folder / "node.yaml"
        text = settings.read_text(encoding="utf-8")
        moved = text.replace(f"127.0.0.1:{self.port}", f"127.0.0.1:{hidden_port}")
        if moved == text:
            raise DemoError(f"{settings} does not say where the node listens")
        settings.write_text(moved, encoding="utf-8")
        self.start()
        settings.write_text(text, encoding="utf-8")
        tls = self.folder / "tls"
        ports = (str(self.port), str(hidden_port))
        self._liar = self._spawn(
            "osak.client.demo.lying_proxy", *ports, str(tls / "cert.pem"), str(tls / "key.pem")
        )
        self._await(self._liar, lambda: _accepts(self.port))

    def kill(self) -> None:
        """End the node as a power cut would."""
        if self._node is not None:
            self._node.kill()
            self._node.wait()
            self._node = None

    def stop(self) -> None:
        """End the node, and the liar if there is one, in good order."""
        for process in (self._liar, self._node):
            if process is not None:
                process.send_signal(signal.SIGTERM)
        for process in (self._liar, self._node):
            if process is not None:
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self._liar = self._node = None

    def _spawn(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "node.log").open("ab") as log:
            # The interpreter and every argument are ours; a session of its own lets it outlive --keep.
            return subprocess.Popen(  # noqa: S603 - see above
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _await(self, process: subprocess.Popen[bytes], is_up: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                log = (self.folder / "node.log").read_text(encoding="utf-8", errors="replace")
                raise DemoError(f"{self.id} did not start; the end of its log:\n{log[-2000:]}")
            time.sleep(0.05)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _is_ready(admin_port: int) -> bool:
    try:
        # A fixed scheme and host.
        with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/health/ready", timeout=1) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
