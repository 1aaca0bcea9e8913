# SPDX-License-Identifier: MIT
"""What a node does when nobody can read what it tells."""

import errno
import io

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from osak.node.telemetry import create_telemetry, observe_requests


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, _: str) -> int:
        """Take nothing."""
        raise OSError(errno.ENOSPC, "No space left on device")


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
