# SPDX-License-Identifier: MIT
"""The image: what is in it, what docs/containers.md says to type, how a node in it lives and ends."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from factories.containers import NODE_IMAGE, ROOT, Engine
from factories.node_processes import AUTHORITY
from factories.quiet_ports import quiet_ports

from osak.node.tls import make_dev_certificate
from osak.shares.protocol.urls import ServerURL

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("containers")]
ONCE = ("run", "--rm", "--read-only", "--network=none")
PYTHON = (*ONCE, "--entrypoint", "/opt/osak/bin/python", NODE_IMAGE)
NAME = "osaktest-image"
CONFIG = "/var/lib/osak/node/node.yaml"
# Read only; what it finds a stranger could write, or could become root by, or learn.
LOOK = """
import json, os, stat
found = {"writable": [], "ours": [], "suspicious": []}
for folder, folders, files in os.walk("/"):
    if folder.startswith(("/proc", "/sys", "/dev", "/wheels")):
        folders.clear()
        continue
    for name in folders + files:
        path = os.path.join(folder, name)
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            continue
        if status.st_mode & 0o002 and not status.st_mode & stat.S_ISVTX:
            found["writable"].append(path)
        if path.startswith("/opt/osak") and (status.st_uid or status.st_mode & 0o6000):
            found["ours"].append(path)
        if path.startswith(("/opt", "/var/lib")) and name.endswith((".key", ".p12", ".git", "pip", "gcc")):
            found["suspicious"].append(path)
print(json.dumps(found))
"""


def test_what_is_in_it(running: Engine) -> None:
    """It brings a list of what is in it, no pip, and no secret; its commands work with a read-only root."""
    show = "import sys; sys.stdout.write(open('/opt/osak/sbom.cdx.json').read())"
    bill = json.loads(running.docker(*PYTHON, "-Ic", show))
    assert bill["bomFormat"] == "CycloneDX"
    parts = {part["name"] for part in bill["components"]}
    assert {"osak", "aiohttp", "cryptography", "redis", "python-pkcs11", "opentelemetry-sdk"} <= parts
    assert not {"pip", "setuptools", "pytest", "cyclonedx-bom"} & parts
    with pytest.raises(AssertionError, match="No module named pip"):
        running.docker(*PYTHON, "-Im", "pip", "--version")
    (image,) = json.loads(running.docker("inspect", NODE_IMAGE))
    assert not [line for line in image["Config"]["Env"] if "KEY" in line or "PASSWORD" in line]
    told = running.docker(*ONCE, NODE_IMAGE, "--help")
    assert "migrate" in told


def test_nobody_but_root_could_change_it(running: Engine) -> None:
    """Its files are root's, none is everybody's to write, and nothing came in that only lay about."""
    found = json.loads(running.docker(*PYTHON, "-Ic", LOOK))
    assert found == {"writable": [], "ours": [], "suspicious": []}


def test_it_needs_no_shell(running: Engine) -> None:
    """It runs on an image without one, or any package manager: all these tests use that."""
    for program in ("/bin/sh", "/bin/bash", "/usr/bin/apt-get", "/usr/bin/dpkg"):
        with pytest.raises(AssertionError, match="no such file"):
            running.docker(*ONCE, "--entrypoint", program, NODE_IMAGE)


def test_without_configuration_it_says_so(running: Engine) -> None:
    """Started without a volume it says what is missing, with exit code 6."""
    done = subprocess.run(
        ["docker", "run", "--rm", "--read-only", NODE_IMAGE],
        env=running.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 6
    assert "node.yaml" in done.stderr


@dataclass(frozen=True)
class Page:
    """docs/containers.md, typed by somebody in a folder with the files that it speaks of."""

    engine: Engine
    folder: Path
    port: int

    def type_(self, commands: str) -> str:
        """Run them in a shell, with names and a port that nobody else has; return what they print."""
        ours = commands.replace("-p 8443:", f"-p {self.port}:").replace("osak-node", NODE_IMAGE)
        ours = re.sub(r"(--name |-v |exec )osak\b(?![-/])", rf"\1{NAME}", ours)
        done = subprocess.run(
            ["sh", "-euc", ours],
            cwd=self.folder,
            env=self.engine.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def wait_for(self, health: str) -> None:
        """Return when Docker says so."""
        deadline = time.monotonic() + 120
        while self.state("{{.State.Health.Status}}") != health:
            assert time.monotonic() < deadline, self.engine.docker("logs", NAME)
            time.sleep(0.5)

    def state(self, what: str) -> str:
        """What the engine says of the node's container."""
        return self.engine.docker("inspect", "--format", what, NAME).strip()


@pytest.fixture
def page(running: Engine, tmp_path: Path) -> Iterator[Page]:
    """A folder with an authority and a certificate; containers and volumes are gone afterwards."""
    (tmp_path / "people-ca.pem").write_bytes(AUTHORITY.certificate_pem)
    (tmp_path / "tls").mkdir()
    url = ServerURL.parse("https://osak.ria.example:8443")
    certificate, key, _ = make_dev_certificate(url, datetime.now(UTC))
    for name, content in (("cert.pem", certificate), ("key.pem", key)):
        (tmp_path / "tls" / name).write_bytes(content)
        os.chown(tmp_path / "tls" / name, 10001, 10001)
    try:
        yield Page(running, tmp_path, quiet_ports(1)[0])
    finally:
        for command in (("rm", "--force", NAME), ("volume", "rm", "--force", NAME)):
            running.docker(*command)


def test_the_page_can_be_typed(page: Page) -> None:
    """The page's commands make a node and a backup; it tells when it hangs, and ends cleanly."""
    text = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(# Once:[^`]+)```", text)
    start, rest = commands.split("\n# Any command", 1)
    page.type_(start)
    page.wait_for("healthy")
    assert "whole: " in page.type_("#" + rest)
    assert (page.folder / "backup.osak").stat().st_size > 0
    # One that hangs is not well, and is so again when it goes on.
    process = int(page.state("{{.State.Pid}}"))
    os.kill(process, signal.SIGSTOP)
    page.wait_for("unhealthy")
    os.kill(process, signal.SIGCONT)
    page.wait_for("healthy")
    page.engine.docker("stop", NAME)
    assert page.state("{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false"


SOFTHSM = "/var/lib/osak/token"
MAKE_TOKEN = f"""
import pathlib, subprocess
pathlib.Path("{SOFTHSM}/tokens").mkdir(parents=True)
pathlib.Path("{SOFTHSM}/conf").write_text("directories.tokendir = {SOFTHSM}/tokens\\n")
make = "softhsm2-util --init-token --free --label osak --pin 1234 --so-pin 1234"
subprocess.run(make.split(), check=True)
node = pathlib.Path("/var/lib/osak/node")
(node / "pin").write_text("1234\\n")
(node / "pin").chmod(0o600)
yaml = node / "node.yaml"
token = "{{module: /usr/lib/softhsm/libsofthsm2.so, label: osak, key: node, pin_file: pin}}"
yaml.write_text(yaml.read_text().replace("key_file: node.key", "key_file: node.key\\n  token: " + token))
"""


def test_a_token_can_guard_the_key(page: Page) -> None:
    """A node in the image serves with a key that only a PKCS#11 token opens, and not without the token."""
    text = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(# Once:[^`]+)\n# Then", text)
    page.type_(commands)
    mounts = ("-v", f"{NAME}:/var/lib/osak", "-v", f"{page.folder}/tls:/var/lib/osak/node/tls:ro")
    once = (*ONCE, *mounts, "-e", f"SOFTHSM2_CONF={SOFTHSM}/conf")
    page.engine.docker(*once, "--entrypoint", "/opt/osak/bin/python", NODE_IMAGE, "-Ic", MAKE_TOKEN)
    page.engine.docker(*once, NODE_IMAGE, "key", "secret", "-c", CONFIG)
    sealed = "/var/lib/osak/node/sealed.key"
    page.engine.docker(*once, NODE_IMAGE, "key", "seal", "-c", CONFIG, "/var/lib/osak/node/node.key", sealed)
    page.engine.docker(
        *(*once, "--entrypoint", "/opt/osak/bin/python", NODE_IMAGE, "-Ic"),
        "import os; os.replace('/var/lib/osak/node/sealed.key', '/var/lib/osak/node/node.key')",
    )
    running = ("run", "-d", "--name", NAME, "--read-only", "--cap-drop", "ALL", *mounts)
    page.engine.docker(*running, "-e", f"SOFTHSM2_CONF={SOFTHSM}/conf", NODE_IMAGE)
    page.wait_for("healthy")
    page.engine.docker("rm", "--force", NAME)
    with pytest.raises(AssertionError, match=r"sealing\.token"):
        page.engine.docker(*ONCE, *mounts, NODE_IMAGE, "run", "-c", CONFIG)
