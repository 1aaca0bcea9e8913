# SPDX-License-Identifier: MIT
"""Asking where a certificate says, and every place and answer where it ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from osak.shares.certificates.settings import RevocationSettings
from osak.shares.errors import StatusError
from osak.status_fetch import GuardedResolver, StatusFetch

TYPE = "application/ocsp-response"


class Place:
    """A server that notes what it is asked, and answers whatever a test wants."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.response: web.StreamResponse = web.Response(body=b"answer", content_type=TYPE)
        self.never = asyncio.Event()
        self.hangs = False
        self.port = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        if self.hangs:
            await self.never.wait()
        return self.response

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ocsp?a=%2F"


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """It listens at loopback."""
    place = Place()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", place.answer)
    server = TestServer(app)
    await server.start_server()
    assert server.port is not None
    place.port = server.port
    yield place
    place.never.set()
    await server.close()


def fetch(**settings: Any) -> StatusFetch:
    chosen: dict[str, Any] = {"networks": [ip_network("127.0.0.0/8"), ip_network("::1")], **settings}
    return StatusFetch(RevocationSettings.model_validate(chosen))


async def test_a_question(place: Place) -> None:
    """A question is posted as it is, to the URL as it stands, with no cookie and no word of who asks."""
    assert await fetch()(place.url, b"question", 100) == b"answer"
    assert place.bodies == [b"question"]
    (request,) = place.requests
    assert (request.method, request.raw_path) == ("POST", "/ocsp?a=%2F")
    assert request.headers["Content-Type"] == "application/ocsp-request"
    assert "Cookie" not in request.headers
    assert "Authorization" not in request.headers


async def test_a_list(place: Place) -> None:
    """A list is got, of whatever type its server says, up to the last byte that is allowed."""
    place.response = web.Response(body=b"x" * 100, content_type="text/plain")
    assert await fetch()(place.url, None, 100) == b"x" * 100
    assert place.requests[0].method == "GET"


@pytest.mark.parametrize(
    "response",
    [
        web.Response(status=302, headers={"Location": "http://127.0.0.1/"}),
        web.Response(status=204, content_type=TYPE),
        web.Response(status=500, content_type=TYPE),
        web.Response(body=b"answer", content_type="text/html"),
        web.Response(body=b"x" * 101, content_type=TYPE),
    ],
    ids=["redirect", "nothing", "broken", "a page", "too long"],
)
async def test_answers_that_are_none(place: Place, response: web.Response) -> None:
    """A redirect is not followed, an error or a page is no answer, and too long is too long."""
    place.response = response
    with pytest.raises(StatusError):
        await fetch()(place.url, b"question", 100)
    assert len(place.requests) == 1


async def test_no_answer_in_time(place: Place) -> None:
    """A server that hangs is left."""
    place.hangs = True
    with pytest.raises(StatusError, match="in time"):
        await fetch(timeout="1s")(place.url, b"question", 100)


async def test_nobody_there(place: Place) -> None:
    """A port where nobody listens gives no answer."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(StatusError):
            await fetch()(f"http://127.0.0.1:{unused.getsockname()[1]}/", b"question", 100)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "2130706433"]
)
async def test_private_addresses(place: Place, host: str) -> None:
    """The machine itself is not asked, by number or by name, unless the configuration says so."""
    with pytest.raises(StatusError):
        await fetch(networks=())(f"http://{host}:{place.port}/", b"question", 100)
    assert place.requests == []


async def test_a_name_that_may_be_asked(place: Place) -> None:
    """A name is asked at those of its addresses that are allowed."""
    assert await fetch()(f"http://localhost:{place.port}/", b"question", 100) == b"answer"


async def test_a_name_with_both_kinds_of_addresses() -> None:
    """Of a name's addresses only those that may be asked are left, so no name leads inside."""

    class Names(AbstractResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [
                ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
                for address in ("10.0.0.1", "8.8.8.8", "127.0.0.1")
            ]

        async def close(self) -> None:
            pass

    found = await GuardedResolver((), Names()).resolve("both.example", 80)
    assert [one["host"] for one in found] == ["8.8.8.8"]
