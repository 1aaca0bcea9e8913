# SPDX-License-Identifier: MIT
"""Nodes that run as the chart says: with its ``node.yaml`` and ``redis.conf``, at ports of this machine."""

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from factories.chart import CHART, Object, Release, moved_to, pod_of, render
from factories.node_processes import AUTHORITY, NodeProcess
from factories.quiet_ports import quiet_ports
from factories.redis_servers import RedisServer

from osak.node.tls import make_dev_certificate
from osak.shares.protocol.urls import ServerURL

Secrets = dict[str, dict[str, bytes]]


@dataclass(frozen=True)
class ChartNode:
    """A release, and where its public URL is on this machine."""

    release: Release
    url: str
    secrets: Secrets

    @classmethod
    def make(
        cls, values: Object, more_secrets: Secrets | None = None, per_address: str = "off"
    ) -> "ChartNode":
        """Render it for a node whose people are those of the tests."""
        url = f"https://localhost:{quiet_ports(1)[0]}"
        certificate, key, _ = make_dev_certificate(ServerURL.parse(url), datetime.now(UTC))
        secrets = {
            "osak-tls": {"tls.crt": certificate, "tls.key": key},
            "osak-node-key": {"node.key": bytes(range(32))},
        }
        ours = {
            "node": {"publicURL": url},
            "trust": {"anchors": {"example-people": AUTHORITY.certificate_pem.decode()}},
            "limits": {"rates": {"perAddress": per_address, "perShare": "off", "perRecipient": "off"}},
        }
        return cls(render(values, ours), url, secrets | (more_secrets or {}))

    def process(self, name: str, folder: Path, **redis: RedisServer) -> NodeProcess:
        """A pod of this name, as a process; ``folder`` is its root and holds the volumes of all.

        ``redis`` and ``counter`` are the servers of the release that run.
        """
        root = folder / name
        self.release.write_files(self.release.pod, root, self.secrets)
        port, admin = quiet_ports(2)
        path = root / self.release.container["command"][-1].lstrip("/")
        text = moved_to(root, path.read_text(encoding="utf-8"))
        text = text.replace("0.0.0.0:8443", f"127.0.0.1:{port}").replace("0.0.0.0:9443", f"127.0.0.1:{admin}")
        for component, server in redis.items():
            text = text.replace(f"ria-{component}:6379", f"localhost:{server.port}")
        # The volume of the audit log is shared.
        shared = folder / "audit"
        shared.mkdir(exist_ok=True)
        text = text.replace(f"{root}/var/lib/osak/audit/", f"{shared}/")
        path.write_text(text, encoding="utf-8")
        (path.parent / "tls").mkdir(exist_ok=True)
        (path.parent / "tls" / "cert.pem").write_bytes(self.secrets["osak-tls"]["tls.crt"])
        return NodeProcess(
            path,
            f"https://localhost:{port}",
            f"http://127.0.0.1:{admin}",
            environment={"POD_NAME": name},
        )

    def redis(self, folder: Path, component: str = "redis") -> RedisServer:
        """A Redis of the release, not started yet, with its ``redis.conf`` on this machine."""
        root = folder / component
        kind = "StatefulSet" if component == "redis" else "Deployment"
        pod = pod_of(self.release.one(kind, f"ria-{component}"))
        self.release.write_files(pod, root, self.secrets)
        port = quiet_ports(1)[0]
        text = (root / "etc/osak-redis/config/redis.conf").read_text(encoding="utf-8")
        text = moved_to(root, text).replace("port 6379", f"port {port}").replace("bind *", "bind 127.0.0.1")
        (root / "redis.conf").write_text(text, encoding="utf-8")
        return RedisServer(root, port)


def redis_login(folder: Path) -> dict[str, bytes]:
    """Password and users as the README tells operators to make them: its own commands, but for kubectl."""
    text = (CHART / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```sh\n([^`]*> users\.acl\n)", text)
    assert found is not None, "the README shows how to make users.acl"
    subprocess.run(["sh", "-euc", found[1]], cwd=folder, check=True, timeout=20)
    return {name: (folder / name).read_bytes() for name in ("password", "users.acl")}
