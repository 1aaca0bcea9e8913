# SPDX-License-Identifier: MIT
"""What `helm test` runs, against a real node that the chart configured."""

import asyncio
import sys
from pathlib import Path

from factories.chart import Object, merged, render
from factories.chart_matrix import ROLES, SESSIONS
from factories.chart_nodes import ChartNode
from factories.node_processes import PERSON, NodeProcess, started
from factories.people import TestCA

CREDENTIAL: Object = {"test": {"credential": {"existingSecret": "tester"}}}
SECRETS = {"tester": {"person.p12": PERSON.p12(), "password": b"passwd\n"}}


async def _run(node: ChartNode, process: NodeProcess, folder: Path) -> tuple[int, str]:
    """The test pod's container as a process: its exit code and what it printed."""
    pod = node.release.one("Pod", "ria-test")["spec"]
    root = folder / "test"
    node.release.write_files(pod, root, node.secrets)
    command = [
        part.replace("ria:8443", process.url.removeprefix("https://")).replace("=/", f"={root}/")
        for part in pod["containers"][0]["command"]
    ]
    assert command[:2] == ["/opt/osak/bin/python", "-I"]
    command[:3] = [sys.executable, "-I", f"{root}{command[2]}"]
    running = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await running.communicate()
    assert running.returncode is not None
    return running.returncode, printed.decode()


async def test_it_stores_fetches_and_takes_back(tmp_path: Path) -> None:
    """With a person whom the node trusts, the whole way of a share is gone, and nothing stays."""
    node = ChartNode.make(CREDENTIAL, SECRETS)
    process = node.process("ria-0", tmp_path)
    async with started(process):
        code, printed = await _run(node, process, tmp_path)
    assert code == 0, printed
    assert "stored a share for etsi/PNOEE-30303039914" in printed
    assert "refused it to a stranger" in printed
    assert "fetched it, and it is the one that was stored" in printed
    assert "took it back, and it is gone" in printed
    assert "passwd" not in printed


async def test_without_a_person_it_says_what_it_did_not_try(tmp_path: Path) -> None:
    """It stores and takes back, sees a stranger refused, and does not claim more."""
    node = ChartNode.make({})
    process = node.process("ria-0", tmp_path)
    async with started(process):
        code, printed = await _run(node, process, tmp_path)
    assert code == 0, printed
    assert "NOT FETCHED: name a Secret" in printed
    assert "fetched it" not in printed
    assert "took it back" in printed


async def test_it_fails_for_a_person_whom_the_node_does_not_trust(tmp_path: Path) -> None:
    """A missing trust anchor, for example, is found."""
    other = {"tester": {"person.p12": TestCA().issue().p12(), "password": b"passwd"}}
    node = ChartNode.make(CREDENTIAL, other)
    process = node.process("ria-0", tmp_path)
    async with started(process):
        code, printed = await _run(node, process, tmp_path)
    assert code == 1
    assert "failed: GET answered 401, not 200" in printed


async def test_it_fails_for_another_certificate(tmp_path: Path) -> None:
    """Whoever answers at the Service with another certificate than the Secret's is not the node."""
    node, other = ChartNode.make({}), ChartNode.make({})
    process = node.process("ria-0", tmp_path)
    async with started(process):
        code, printed = await _run(other, process, tmp_path)
    assert code == 1
    assert "certificate verify failed" in printed


async def test_it_fails_when_nobody_is_there(tmp_path: Path) -> None:
    """A node that is down fails the test at once, in a sentence."""
    node = ChartNode.make({})
    code, printed = await _run(node, node.process("ria-0", tmp_path), tmp_path)
    assert code == 1
    assert "failed: " in printed
    assert "Traceback" not in printed


async def test_it_stores_as_a_known_sender(tmp_path: Path) -> None:
    """Where only named senders may store, the test brings the token of one along; without it, it fails."""
    senders = {
        "uploads": {
            "senders": [
                {
                    "name": "helm test",
                    "tokenSHA256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                }
            ]
        }
    }
    token = {"test": {"token": {"existingSecret": "token"}}}
    closed = ChartNode.make(senders)
    known = ChartNode.make({**senders, **token}, {"token": {"token": b"test\n"}})
    for node, wanted in ((closed, 1), (known, 0)):
        process = node.process(f"ria-{wanted}", tmp_path)
        async with started(process):
            code, printed = await _run(node, process, tmp_path)
        assert code == wanted, printed


async def test_it_knows_that_sessions_are_wanted(tmp_path: Path) -> None:
    """A node that gives nothing without a session is well; the test sees that, and says so."""
    node = ChartNode.make(merged(SESSIONS, CREDENTIAL), SECRETS)
    process = node.process("ria-0", tmp_path)
    async with started(process):
        code, printed = await _run(node, process, tmp_path)
    assert code == 0, printed
    assert "gave nothing to somebody without a session" in printed
    assert "NOT FETCHED: the node wants a session" in printed
    assert "took it back, and it is gone" in printed


def test_the_test_sees_no_key() -> None:
    """The test's pod mounts of the TLS Secret the certificate alone, and nothing of the node's key."""
    pod = render(ROLES).one("Pod", "ria-test")["spec"]
    secrets = {
        volume["secret"]["secretName"]: volume["secret"] for volume in pod["volumes"] if "secret" in volume
    }
    assert set(secrets) == {"osak-tls", "tester", "tester-token"}
    assert [item["key"] for item in secrets["osak-tls"]["items"]] == ["tls.crt"]
