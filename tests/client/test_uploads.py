# SPDX-License-Identifier: MIT
"""What goes to servers for one container: all of it at once, and nothing of it stays if one fails."""

import asyncio
import itertools
from pathlib import Path

import pytest
from factories.directories import ID_CARD, JAAN, MARI, issue
from factories.people import TestCA
from simulator.real_servers import Answer, Authority, raw_server, reply

from osak.client import CapsuleServerError, ClientConfig
from osak.client.capsule_server.recipient import CapsuleServerRecipient
from osak.client.capsule_server.settings import CapsuleServer
from osak.client.uploads import Uploads
from osak.coordinator import Timeouts
from osak.shares.protocol.urls import ServerURL

CA = TestCA()
CONFIG = ClientConfig(timeouts=Timeouts(connect_seconds=20, request_seconds=20))


def _recipients(authority: Authority, port: int) -> list[CapsuleServerRecipient]:
    """Three owners of cards, at one capsule server."""
    url = ServerURL("localhost", port)
    server = CapsuleServer(url=url, fetch_url=url, tls=authority.trust)
    cards = [issue(CA, ID_CARD, code) for code in (MARI, JAAN, MARI)]
    return [CapsuleServerRecipient(card.certificate, "s1", server, CONFIG.timeouts) for card in cards]


def _answers_together(count: int) -> Answer:
    """Answers nobody before so many have asked: whoever waits for one answer first, waits for ever."""
    everybody, numbers = asyncio.Barrier(count), itertools.count()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await everybody.wait()
        location = f"Location: /key-capsules/KC{next(numbers):032x}"
        writer.write(reply("201 Created", b"", location))
        await writer.drain()
        await reader.read()

    return answer


async def test_nobody_waits_for_anybody_else(tmp_path: Path) -> None:
    """Every upload has begun before the first one has ended; records come in the order of recipients."""
    authority = Authority(tmp_path)
    async with raw_server(_answers_together(3), authority.server_context()) as raw:
        with Uploads(CONFIG) as uploads:
            stored = await asyncio.to_thread(uploads.store, [], _recipients(authority, raw.port))
    assert len(stored.records) == len(stored.capsules) == 3
    labels = [record.key_label for record in stored.records]
    assert [code for label in labels for code in (MARI, JAAN) if code in label] == [MARI, JAAN, MARI]


async def test_one_that_is_refused_fails_all(tmp_path: Path) -> None:
    """Two capsules are taken and one is not: that is an error, after all answers came."""
    authority = Authority(tmp_path)
    taken = reply("201 Created", b"", f"Location: /key-capsules/KC{'ab' * 16}")
    answers = iter([reply("500 Internal Server Error"), taken, taken])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))
        await writer.drain()
        await reader.read()

    async with raw_server(answer, authority.server_context()) as raw:
        with pytest.raises(CapsuleServerError, match="capsule server s1"), Uploads(CONFIG) as uploads:
            await asyncio.to_thread(uploads.store, [], _recipients(authority, raw.port))
    assert raw.connections == 3


def test_nothing_to_store_asks_nobody() -> None:
    """Most containers need no server."""
    with Uploads(CONFIG) as uploads:
        assert uploads.store([]).records == ()
