# SPDX-License-Identifier: MIT
"""Limits as clients meet them: 429 and 503 with Retry-After, and nobody locked out by others."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from factories.nodes import LocalNode
from factories.people import TestCA

from osak.node.config import load_node_config
from osak.node.errors import StorageError
from osak.node.storage.base import StoredShare
from osak.node.storage.memory import MemoryShareStore
from osak.shares.errors import ConfigurationError

AUTHORITY = TestCA()


def write_config(folder: Path, limits: str) -> Path:
    """The files of a node whose YAML has these limits."""
    (folder / "ca.pem").write_bytes(AUTHORITY.certificate_pem)
    (folder / "node.key").write_bytes(bytes(32))
    (folder / "node.yaml").write_text(
        "id: ria\norganisation: RIA\npublic_url: https://node.example:8443\nlisten: 127.0.0.1:0\n"
        "tls: {certificate_file: ca.pem, key_file: ca.pem}\nstorage: {kind: memory}\n"
        f"trust: {{anchors: [ca.pem]}}\nsealing: {{key_file: node.key}}\nlimits: {{{limits}}}\n"
    )
    return folder / "node.yaml"


Start = Callable[..., Any]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a node with these limits."""
    async with AsyncExitStack() as stack:

        async def start_node(limits: str, store: MemoryShareStore | None = None) -> LocalNode:
            config = load_node_config(write_config(tmp_path, limits), {})
            node = LocalNode(config, AUTHORITY.issue(), io.StringIO(), store or MemoryShareStore())
            await node.start()
            stack.push_async_callback(node.stop)
            return node

        yield start_node


async def test_an_address_that_comes_too_often(start: Start) -> None:
    """The next request is refused with 429, says when to come again, and does not touch the store."""
    node = await start("rates: {per_address: 3/h}")
    for _ in range(3):
        await node.store_share()
    refused = await node.upload()
    assert refused.status == 429
    assert 1100 < int(refused.headers["Retry-After"]) <= 1200
    problem = await refused.json()
    assert problem["code"] == "too-many-requests"
    assert await node.store.remove_expired(2**60) == 3
    assert node.log_lines()[-1]["reason"].startswith("TooManyRequestsError")
    assert (await node.admin.get("/health/live")).status == 200


async def test_forwarded_addresses_of_strangers_do_not_count(start: Start) -> None:
    """Nobody gets a fresh bucket by writing another address into a header."""
    node = await start("rates: {per_address: 2/h}")
    statuses = [(await node.upload(X_Forwarded_For=f"192.0.2.{number}")).status for number in range(3)]
    assert statuses == [201, 201, 429]


async def test_forwarded_addresses_of_trusted_proxies_count(start: Start) -> None:
    """Behind a configured proxy each client has its own bucket."""
    node = await start("rates: {per_address: 1/h}, trusted_proxies: [127.0.0.0/8, '::1']")
    asked = ["192.0.2.1", "192.0.2.2", "192.0.2.1"]
    assert [(await node.upload(X_Forwarded_For=text)).status for text in asked] == [201, 201, 429]


async def test_one_share(start: Start) -> None:
    """Too many requests for one share from one address are refused; another share is not."""
    node = await start("rates: {per_share: 2/h}")
    first, second = await node.store_share(), await node.store_share()
    assert [(await node.client.post(f"{first}/nonce")).status for _ in range(3)] == [200, 200, 429]
    assert (await node.client.post(f"{first.upper()}/nonce")).status != 200
    assert (await node.client.post(f"{second}/nonce")).status == 200


async def test_one_person(start: Start) -> None:
    """A person is given so many shares, and the nonce of a refused request is not spent."""
    node = await start("rates: {per_recipient: 1/m}")
    first, second = await node.store_share(), await node.store_share()
    x5c = {"x-cdoc2-auth-x5c": node.person.x5c}
    ticket = {"x-cdoc2-auth-ticket": await node.ticket(first), **x5c}
    assert (await node.client.get(first, headers=ticket)).status == 200
    assert (await node.client.get(first, headers=ticket)).status == 429
    ticket = {"x-cdoc2-auth-ticket": await node.ticket(second), **x5c}
    assert (await node.client.get(second, headers=ticket)).status == 429


async def test_everybody_together(start: Start) -> None:
    """The rate of all clients is counted over all of them."""
    node = await start("rates: {total: 1/h}, trusted_proxies: [127.0.0.1]")
    asked = ["192.0.2.1", "192.0.2.2"]
    assert [(await node.upload(X_Forwarded_For=text)).status for text in asked] == [201, 429]


class WaitingStore(MemoryShareStore):
    """Keeps every upload waiting until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived, self.go_on = asyncio.Event(), asyncio.Event()

    async def add(self, share: StoredShare) -> None:
        """Wait, then keep it."""
        self.arrived.set()
        await self.go_on.wait()
        await super().add(share)


async def test_work_at_once_is_bounded(start: Start) -> None:
    """One request more than may be worked on is told so at once, and the slot comes back."""
    store = WaitingStore()
    node = await start("max_concurrent_requests: 1", store)
    upload = asyncio.ensure_future(node.upload())
    await store.arrived.wait()
    refused = await node.upload()
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert json.loads(await refused.read())["code"] == "overloaded"
    store.go_on.set()
    assert (await upload).status == 201
    assert (await node.upload()).status == 201


class BrokenStore(MemoryShareStore):
    """Cannot be reached."""

    async def add(self, share: StoredShare) -> None:
        """Fail."""
        raise StorageError("away")


async def test_a_store_that_is_away_says_when_to_try_again(start: Start) -> None:
    """503 carries Retry-After."""
    refused = await (await start("", BrokenStore())).upload()
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("rate", ["0/m", "5", "5/w", "-1/m", "5/m ", "1e3/s", "3"])
async def test_malformed_rates(tmp_path: Path, rate: str) -> None:
    """A rate that cannot be read stops the start and names its line."""
    with pytest.raises(ConfigurationError, match=r"limits\.rates\.per_share"):
        load_node_config(write_config(tmp_path, f"rates: {{per_share: '{rate}'}}"), {})


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0"])
async def test_everybody_as_a_proxy(tmp_path: Path, everybody: str) -> None:
    """Who trusted all addresses would let each client choose by which it is counted."""
    with pytest.raises(ConfigurationError, match=r"trusted_proxies.*name the proxies"):
        load_node_config(write_config(tmp_path, f"trusted_proxies: ['{everybody}']"), {})


async def test_malformed_proxies(tmp_path: Path) -> None:
    """A proxy is an address or a network."""
    with pytest.raises(ConfigurationError, match="trusted_proxies"):
        load_node_config(write_config(tmp_path, "trusted_proxies: [proxy.example]"), {})
