# SPDX-License-Identifier: MIT
"""``osak node backup`` and ``restore`` as operators use them: a node that serves, a lost disk, a kill."""

import asyncio
import base64
import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from factories.node_processes import PERSON, SQLITE, NodeProcess, make_node, started
from factories.redis_servers import redis_server
from factories.rows import sealed_capsule, sealed_share

from osak.node.cli import node as command
from osak.node.key_ring import read_ring
from osak.node.role_stores import open_role_stores
from osak.node.storage.sqlite import SQLiteShareStore
from osak.shares.protocol.messages import ShareMessage

ROWS = 100_000
# What a backup or restore may take beyond an empty one's memory, whatever the number of rows.
MEMORY_KIB = 24 * 1024
TOKEN = b"t" * 32


async def osak_node(*arguments: str | Path) -> Result:
    """Run a command of ``osak node``."""
    return await asyncio.to_thread(CliRunner().invoke, command, [*map(str, arguments)])


async def upload_revocable(node: NodeProcess, share: bytes) -> str:
    """Upload a share that its sender can revoke; return its path."""
    digest = base64.b64encode(hashlib.sha256(TOKEN).digest()).decode()
    body = ShareMessage(share, PERSON.recipient_id).to_json()
    async with node.client.post(
        f"{node.url}/key-shares", data=body, headers={"x-revocation-hash": digest}
    ) as response:
        assert response.status == 201
        return response.headers["Location"]


async def revoke(node: NodeProcess, path: str) -> None:
    """Take a share back as its sender."""
    token = base64.b64encode(TOKEN).decode()
    async with node.client.delete(node.url + path, headers={"x-revocation-token": token}) as response:
        assert response.status == 204


async def go_on_uploading(node: NodeProcess) -> None:
    """Uploads that never stop."""
    while True:
        assert (await node.upload(b"x" * 32))[0] == 201


def acts(node: NodeProcess) -> list[dict[str, object]]:
    """What the log of acts says, without its checkpoints."""
    lines = []
    for path in sorted((node.config_file.parent / "audit" / "acts").glob("audit-*.log")):
        lines += [
            json.loads(line.partition(" ")[2]) for line in path.read_text(encoding="ascii").splitlines()
        ]
    return [line for line in lines if line["event"] != "checkpoint"]


def lose_the_disk(node: NodeProcess) -> None:
    """The database is gone."""
    for path in node.config_file.parent.glob("shares.sqlite*"):
        path.unlink()


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_a_lost_disk(tmp_path: Path, kind: str) -> None:
    """All from before the backup is there again, but what was revoked since; both acts are in the log."""
    with redis_server(tmp_path / "redis") as server:
        section = f"  kind: redis\n  addresses: ['127.0.0.1:{server.port}']\n" if kind == "redis" else SQLITE
        node, file = make_node(tmp_path, section), tmp_path / "backup"
        shares = [bytes([number]) * 32 for number in range(60)]
        async with started(node):
            paths = [(await node.upload(share))[1] for share in shares]
            revoked = await upload_revocable(node, b"r" * 32)
            assert (await node.fetch(paths[0], await node.ticket(paths[0])))[0] == 200
            uploading = asyncio.create_task(go_on_uploading(node))
            done = await osak_node("backup", "-c", node.config_file, "-o", file)
            uploading.cancel()
            assert (done.exit_code, done.stdout) == (0, ""), done.output
            await revoke(node, revoked)
        if kind == "redis":
            server.ask("FLUSHALL")
        else:
            lose_the_disk(node)
        done = await osak_node("restore", "-c", node.config_file, file)
        assert done.exit_code == 0, done.output
        assert "there already: 0, expired: 0, revoked since and left out: 1, erased: 0" in done.output
        async with started(node):
            for path, share in zip(paths, shares, strict=True):
                assert await node.fetch(path, await node.ticket(path)) == (200, share)
            async with node.client.post(f"{node.url}{revoked}/nonce") as response:
                assert response.status == 404
            verified = await osak_node("audit", "verify", "-c", node.config_file)
    assert "acts: whole: 4 lines" in verified.output
    noted = verified.output.partition("acts: end: ")[2].partition("\n")[0]
    for end, code in ((noted, 0), (noted.replace("4:", "5:"), 6)):
        arguments = ("audit", "verify", "-c", node.config_file, "--noted-acts", end)
        assert (await osak_node(*arguments)).exit_code == code
    made, put_back = acts(node)
    assert (made["event"], put_back["event"]) == ("backup", "restore")
    assert made["backup"] == put_back["backup"]
    assert (put_back["shares"], put_back["revoked"]) == (made["shares"], 1)
    assert file.stat().st_mode & 0o077 == 0
    content = file.read_bytes()
    assert [path for path in paths if path.rpartition("/")[2].encode() in content] == []


async def test_without_an_audit_log(tmp_path: Path) -> None:
    """If nothing tells what was revoked since, the operator must say that it may come back."""
    node, file = make_node(tmp_path), tmp_path / "backup"
    async with started(node):
        path = await upload_revocable(node, b"r" * 32)
        assert (await osak_node("backup", "-c", node.config_file, "-o", file)).exit_code == 0
        await revoke(node, path)
    lose_the_disk(node)
    log = node.config_file.parent / "audit"
    kept = tmp_path / "kept"
    shutil.move(log, kept)
    done = await osak_node("restore", "-c", node.config_file, file)
    assert (done.exit_code, "--accept-revoked" in done.output) == (6, True)
    assert not log.exists()
    done = await osak_node("restore", "-c", node.config_file, file, "--audit", kept)
    assert (done.exit_code, "restored: 0" in done.output) == (0, True), done.output
    await asyncio.sleep(1 - time.time() % 1 + 0.01)  # the log counts whole seconds: let the next begin
    async with started(node):  # its log begins after the backup
        pass
    done = await osak_node("restore", "-c", node.config_file, file)
    assert (done.exit_code, "this log begins after" in done.output) == (6, True)
    done = await osak_node("restore", "-c", node.config_file, file, "--accept-revoked")
    assert (done.exit_code, "restored: 1" in done.output) == (0, True), done.output
    assert [line["revoked_unknown"] for line in acts(node)] == [False, True]
    done = await osak_node("restore", "-c", node.config_file, file, "--audit", kept)
    assert (done.exit_code, "left out: 1, erased: 1" in done.output) == (0, True), done.output
    assert rows_in(node) == 0
    done = await osak_node("restore", "-c", node.config_file, file, "--accept-revoked", "--audit", kept)
    assert done.exit_code == 2


async def test_what_is_refused(tmp_path: Path) -> None:
    """A taken name, another key, a damaged file, a store in memory: a sentence each, no change."""
    node, file = make_node(tmp_path), tmp_path / "backup"
    async with started(node):
        await node.upload(b"s" * 32)
    assert (await osak_node("backup", "-c", node.config_file, "-o", file)).exit_code == 0
    content = file.read_bytes()
    done = await osak_node("backup", "-c", node.config_file, "-o", file)
    assert (done.exit_code, "is there already" in done.output, file.read_bytes()) == (2, True, content)
    done = await osak_node("backup", "-c", node.config_file, "-o", file, "--overwrite")
    assert (done.exit_code, file.read_bytes() != content) == (0, True)
    done = await osak_node("backup", "-c", node.config_file, "-o", tmp_path / "none" / "backup")
    assert done.exit_code == 6
    before = len(acts(node))
    file.write_bytes(content[:-1])
    done = await osak_node("restore", "-c", node.config_file, file)
    assert (done.exit_code, "damaged or cut" in done.output) == (6, True)
    file.write_bytes(content)
    key = node.config_file.parent / "node.key"
    key.rename(tmp_path / "node.key")
    key.write_bytes(bytes(32))
    done = await osak_node("restore", "-c", node.config_file, file)
    assert (done.exit_code, "put that key back, under sealing.old" in done.output) == (6, True)
    settings = node.config_file.read_text(encoding="utf-8").replace(SQLITE, "  kind: memory\n")
    node.config_file.write_text(settings, encoding="utf-8")
    for arguments in (("backup", "-o", tmp_path / "new"), ("restore", file)):
        done = await osak_node(*arguments, "-c", node.config_file)
        assert (done.exit_code, "memory belongs to one process" in done.output) == (2, True)
    assert names_in(tmp_path) == ["backup", "ca.pem", "node", "node.key"]
    assert len(acts(node)) == before


async def test_capsules_too(tmp_path: Path) -> None:
    """What a node keeps as a capsule server is in the same backup, and is not left out in silence."""
    node, file = make_node(tmp_path), tmp_path / "backup"
    shares_alone = node.config_file.read_text(encoding="utf-8")
    capsules = "capsules: {fetch_listen: '127.0.0.1:0', anchors: [trust/ca.pem]}\n"
    both = shares_alone.replace("roles: [shares]", "roles: [shares, capsules]") + capsules
    node.config_file.write_text(both, encoding="utf-8")
    key = read_ring(node.config.sealing).active
    rows = [sealed_capsule(number, key=key) for number in range(5)]
    async with open_role_stores(node.config) as stores:
        for row in rows:
            await stores.add(row)
    done = await osak_node("backup", "-c", node.config_file, "-o", file)
    assert (done.exit_code, "shares: 0, capsules: 5" in done.output) == (0, True), done.output
    lose_the_disk(node)
    node.config_file.write_text(shares_alone, encoding="utf-8")
    done = await osak_node("restore", "-c", node.config_file, file, "--accept-revoked")
    assert (done.exit_code, "this node keeps none" in done.output) == (2, True), done.output
    node.config_file.write_text(both, encoding="utf-8")
    done = await osak_node("restore", "-c", node.config_file, file, "--accept-revoked")
    assert (done.exit_code, "restored: 5" in done.output) == (0, True), done.output
    async with open_role_stores(node.config) as stores:
        assert [await stores.get(row) for row in rows] == rows


async def test_through_a_pipe(tmp_path: Path) -> None:
    """A backup on standard output is the same whole file, and what is said of it stands elsewhere."""
    node, file = make_node(tmp_path), tmp_path / "backup"
    async with started(node):
        await node.upload(b"s" * 32)
        done = await osak_node("backup", "-c", node.config_file, "-o", "-")
    assert (done.exit_code, done.stderr) == (0, "in the backup: shares: 1, capsules: 0\n")
    file.write_bytes(done.stdout_bytes)
    arguments = ["restore", "-c", str(node.config_file), "-"]
    done = await asyncio.to_thread(CliRunner().invoke, command, arguments, file.read_bytes())
    assert (done.exit_code, "there already: 1" in done.output) == (0, True), done.output


async def test_an_audit_log_that_cannot_be_written(tmp_path: Path) -> None:
    """What cannot be noted is not done: no backup appears, and nothing is restored."""
    node, file = make_node(tmp_path), tmp_path / "backup"
    async with started(node):
        await node.upload(b"s" * 32)
    assert (await osak_node("backup", "-c", node.config_file, "-o", file)).exit_code == 0
    lose_the_disk(node)
    last = max((node.config_file.parent / "audit" / "acts").glob("audit-*.log"))
    last.write_bytes(last.read_bytes().replace(b'"shares":1', b'"shares":2'))
    assert (await osak_node("backup", "-c", node.config_file, "-o", tmp_path / "other")).exit_code == 6
    assert not (tmp_path / "other").exists()
    assert (await osak_node("restore", "-c", node.config_file, file)).exit_code == 6
    with closing(sqlite3.connect(node.config_file.parent / "shares.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM shares").fetchone() == (0,)
    done = await osak_node("audit", "verify", "-c", node.config_file)
    assert (done.exit_code, "was changed" in done.output) == (6, True)


def measured(*arguments: str | Path) -> tuple[int, str]:
    """Run a command in a process of its own; return its largest size in KiB, and what it said."""
    code = (
        "import re, sys; from pathlib import Path; from osak.node.cli import node\n"
        "node(sys.argv[1:], standalone_mode=False)\n"
        'print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])'
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    said, _, size = done.stdout.strip().rpartition("\n")
    return int(size), said + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_many_shares_in_little_memory(tmp_path: Path) -> None:
    """A hundred thousand shares take as little memory as none; what a kill cut off, the next run restores."""
    node, file = make_node(tmp_path), tmp_path / "backup"
    key = read_ring(node.config.sealing).active
    small, _ = measured("backup", "-c", node.config_file, "-o", tmp_path / "small")
    store = await SQLiteShareStore.open(node.config_file.parent / "shares.sqlite")
    for start in range(0, ROWS, 1000):
        await asyncio.gather(*(store.add(sealed_share(start + one, key=key)) for one in range(1000)))
    await store.close()
    size, said = measured("backup", "-c", node.config_file, "-o", file)
    assert f"shares: {ROWS}, capsules: 0" in said
    assert size < small + MEMORY_KIB
    lose_the_disk(node)
    arguments = ("restore", "-c", node.config_file, file, "--accept-revoked")
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "osak.node", *map(str, arguments))
    await asyncio.to_thread(wait_for_rows, node)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    there = rows_in(node)
    assert 0 < there < ROWS
    size, said = measured(*arguments)
    assert f"restored: {ROWS - there}, there already: {there}" in said
    assert f"seals open: {ROWS}" in said
    assert size < small + MEMORY_KIB
    print(f"empty: {small} KiB, {ROWS} rows: {size} KiB, file: {file.stat().st_size} bytes")  # noqa: T201 - figures for the reader of -s


def names_in(folder: Path) -> list[str]:
    """Names of what is there, hidden or not."""
    return sorted(path.name for path in folder.iterdir())


def wait_for_rows(node: NodeProcess) -> None:
    """Return when there are some."""
    while rows_in(node) == 0:
        pass


def rows_in(node: NodeProcess) -> int:
    """How many shares lie in the database, if it is there."""
    path = node.config_file.parent / "shares.sqlite"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as database:
        try:
            return int(database.execute("SELECT count(*) FROM shares").fetchone()[0])
        except sqlite3.OperationalError:  # no table yet
            return 0
