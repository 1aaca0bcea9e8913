# SPDX-License-Identifier: MIT
"""What a node does when nobody can read what it tells."""

import errno
import io

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from osak.node.errors import ANSWERS
from osak.node.telemetry import create_telemetry, observe_requests


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, _: str) -> int:
        """Take nothing."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_refusals_begin_with_none() -> None:
    """Every reason is there from the start: an alert on a rise must see the first refusal of its kind."""
    registry = create_telemetry(io.StringIO(), "1").registry
    for error in ANSWERS:
        labels = {"error": error.__name__}
        assert registry.get_sample_value("osak_node_refusals_total", labels) == 0


async def test_a_log_that_cannot_be_written_stops_no_request() -> None:
    """On a full disk requests are answered as ever, and the lines that are lost are counted."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="here")

    telemetry = create_telemetry(Full(), "1")
    app = web.Application(middlewares=[observe_requests(telemetry)])
    app.router.add_get("/", answer)
    async with TestClient(TestServer(app)) as client:
        for number in (1, 2):
            assert await (await client.get("/")).text() == "here"
            assert telemetry.registry.get_sample_value("osak_node_log_lines_lost_total") == number
