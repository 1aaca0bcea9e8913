# SPDX-License-Identifier: MIT
"""A node of both roles as a process of its own, set up with the real commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factories.node_log import assert_tells_nothing
from factories.people import TestCA

from osak.client.demo.servers import DemoServer, free_ports

SERVER_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Office:
    """One node of both roles, and what a client's configuration says of it.

    Attributes:
        server: the process.
        ca_file: whom to trust for its certificate.
        fetch_url: where capsules are fetched.
    """

    server: DemoServer
    ca_file: Path
    fetch_url: str

    @property
    def config(self) -> dict[str, Any]:
        """The client's YAML, as a value."""
        tls = {"ca_file": str(self.ca_file)}
        entry = {"url": self.server.url, "fetch_url": self.fetch_url, "tls": tls}
        return {"capsule_servers": {SERVER_ID: entry}}


@contextmanager
def running_office(folder: Path, authority: TestCA) -> Iterator[Office]:
    """An office whose people are known to ``authority``; stopped at the end whatever happens."""
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    port, admin, fetch = free_ports(3)
    server = DemoServer("ria", "Asutus ria", folder / "ria", port, admin)
    role = "\n".join(
        (
            "roles: [shares, capsules]",
            "capsules:",
            f"  fetch_listen: 127.0.0.1:{fetch}",
            "  anchors: [trust/ca.pem]",
        )
    )
    try:
        server.set_up(folder / "ca.pem")
        path = server.folder / "node.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("roles: [shares]", role), encoding="utf-8")
        server.start()
        fetch_url = server.url.replace(str(port), str(fetch))
        yield Office(server, server.folder / "tls" / "cert.pem", fetch_url)
    finally:
        server.stop()
    assert_tells_nothing(server.folder / "node.log")
