# SPDX-License-Identifier: MIT
"""What is no request at all is refused as everything is: counted, logged, without the client's bytes."""

import asyncio
import gc
import gzip
import json

import pytest
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from factories.open_port import OpenPort, come_true, open_port

from osak.node.config import LimitSettings

SECRET = b"kiisu-kiisu"
HOST = b"Host: node\r\n"
GET = b"GET /health/live HTTP/1.1\r\n" + HOST
POST = b"POST /health/live HTTP/1.1\r\n" + HOST
TOO_LONG = SECRET * 1000
MALFORMED = {
    "too many headers": GET + b"".join(b"X-%d: %b\r\n" % (number, SECRET) for number in range(65)) + b"\r\n",
    "no HTTP": SECRET + b" " + SECRET + b"\r\n\r\n",
    "an unknown method": b"BREW /" + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECRET,
    "another version": b"GET / HTTP/9." + SECRET + b"\r\n\r\n",
    "a header without a colon": b"GET / HTTP/1.1\r\n" + SECRET + b"\r\n\r\n",
    "a folded header": GET + b"X-A: b\r\n " + SECRET + b"\r\n\r\n",
    "a zero byte": GET + b"X-A: " + SECRET + b"\0\r\n\r\n",
    "no host": b"GET /" + SECRET + b" HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: " + SECRET + b"\r\n\r\n",
    "a target that is no URL": b"GET http://[" + SECRET + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + SECRET,
    "a negative length": POST + b"Content-Length: -5\r\n\r\n" + SECRET,
    "a broken chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n" + SECRET + b"\r\n",
    "an unknown expectation": GET + b"Expect: " + SECRET + b"\r\n\r\n",
    "garbage after a request": GET + b"\r\n" + SECRET + b" x\r\n\r\n",
}
TOO_LARGE = {
    "a field": GET + b"X-A: " + TOO_LONG + b"\r\n\r\n",
    "a field's name": GET + TOO_LONG + b": a\r\n\r\n",
    "the request line": b"GET /" + TOO_LONG + b" HTTP/1.1\r\n" + HOST + b"\r\n",
}


async def refusal(port: OpenPort, sent: bytes) -> tuple[int, dict[str, object], dict[str, str]]:
    """Send bytes; what the last answer was, after which the connection must be closed."""
    connection = await port.connect()
    connection.writer.write(sent)
    return last_of(await connection.rest())


def last_of(answers: bytes) -> tuple[int, dict[str, object], dict[str, str]]:
    """The last of several answers: status, problem document and headers."""
    assert SECRET not in answers
    assert len(answers) < 2000
    head, _, body = answers.rpartition(b"\r\n\r\n")
    line, *fields = head[head.rindex(b"HTTP/1.") :].decode().split("\r\n")
    headers = dict(field.lower().split(": ", 1) for field in fields)
    return int(line.split()[1]), json.loads(body), headers


def assert_refused_as_all_are(
    port: OpenPort, problem: dict[str, object], headers: dict[str, str], error: str
) -> None:
    """The answer says nothing of the software, and is found again in the log and the metrics."""
    assert headers["content-type"] == "application/problem+json"
    assert headers["server"] == "osak"
    assert headers["x-request-id"] == problem["request_id"]
    line = port.lines("request")[-1]
    assert line["request_id"] == problem["request_id"]
    assert (line["status"], line["code"]) == (problem["status"], problem["code"])
    assert line["reason"].startswith(error)
    assert SECRET.decode() not in port.log.getvalue()
    assert port.number("osak_node_refusals_total", error=error) == 1
    labels = {"method": "OTHER", "route": "(unknown)", "status": str(problem["status"])}
    assert port.number("osak_node_requests_total", **labels) == 1


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_what_is_no_request(sent: bytes) -> None:
    """It is answered 400 with a problem document, and the connection is closed."""
    async with open_port(LimitSettings()) as port:
        status, problem, headers = await refusal(port, sent)
        assert (status, problem["code"]) == (400, "bad-request")
        assert_refused_as_all_are(port, problem, headers, "MalformedHTTPError")


@pytest.mark.parametrize("sent", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_that_is_too_large(sent: bytes) -> None:
    """A line or field of more than 8 KiB is answered 431, without a word of it."""
    async with open_port(LimitSettings()) as port:
        status, problem, headers = await refusal(port, sent)
        assert (status, problem["code"]) == (431, "head-too-large")
        assert_refused_as_all_are(port, problem, headers, "HeadTooLargeError")


FIELD = b"X-%d: " + SECRET.ljust(4000, b"s") + b"\r\n"


@pytest.mark.parametrize("before", [b"", GET + b"\r\n"], ids=["first", "after another"])
async def test_a_head_of_fields_that_fit_one_by_one(before: bytes) -> None:
    """It is refused as it comes, so that no memory is taken by heads that never end."""
    async with open_port(LimitSettings()) as port:
        connection = await port.connect()
        connection.writer.write(before + GET)
        sent = 0
        answers = asyncio.ensure_future(connection.rest())
        while not answers.done():
            assert sent < 15
            connection.writer.write(FIELD % sent)
            sent += 1
            await asyncio.wait([answers], timeout=0.05)
        status, problem, headers = last_of(await answers)
        assert (status, problem["code"]) == (431, "head-too-large")
        assert_refused_as_all_are(port, problem, headers, "HeadTooLargeError")


async def test_large_bodies_are_no_heads() -> None:
    """Who sends a body that is too large is told so, however it comes, and a head after it counts anew."""
    async with open_port(LimitSettings()) as port:
        connection = await port.connect()
        connection.writer.write(GET + b"Content-Length: 101100\r\n\r\n" + bytes(1100))
        head = await connection.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413")
        await connection.reader.readuntil(b"}")
        for _ in range(10):
            connection.writer.write(bytes(10_000))
            await connection.writer.drain()
        assert await connection.ask() == b"HTTP/1.1 200 OK"


async def test_nothing_stays_of_what_was_refused() -> None:
    """What came is let go of at once: megabytes of garbage in circles would wait long for its collector."""
    gc.collect()
    gc.disable()
    try:
        async with open_port(LimitSettings()) as port:
            for sent in (SECRET + b" x\r\n\r\n", GET + b"X-A: " + TOO_LONG, GET + (FIELD % 1) * 15):
                connection = await port.connect()
                connection.writer.write(sent)
                for _ in range(5):
                    connection.writer.write(bytes(300_000))
                await connection.rest()
            await port.settles_at(0)
        assert [kept for kept in gc.get_objects() if isinstance(kept, HttpProcessingError)] == []
    finally:
        gc.enable()


async def test_a_field_that_just_fits() -> None:
    """8 KiB are read."""
    async with open_port(LimitSettings()) as port:
        connection = await port.connect()
        connection.writer.write(GET + b"X-A: " + b"a" * 8180 + b"\r\n\r\n")
        assert (await connection.reader.readline()).startswith(b"HTTP/1.1 200")


async def test_a_client_that_leaves_in_the_middle_of_a_body() -> None:
    """It is counted as a bad request: no stranger may raise the alert on internal faults."""
    async with open_port(LimitSettings()) as port:
        connection = await port.connect()
        connection.writer.write(GET + b"Content-Length: 500\r\n\r\nhalf")
        await port.settles_at(1)
        await connection.leave()
        await come_true(lambda: bool(port.lines("request")))
        assert port.lines("request")[0]["reason"].startswith("BadRequestError: the client left")
        assert port.number("osak_node_refusals_total", error="InternalError") == 0
        assert port.lines("unexpected") == []


async def test_compressed_bodies() -> None:
    """They are not unpacked: what comes is what is counted, and no decompressor reads a stranger's bytes."""
    async with open_port(LimitSettings()) as port:
        body = gzip.compress(bytes(900_000))
        connection = await port.connect()
        connection.writer.write(GET + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body))
        connection.writer.write(body)
        assert (await connection.reader.readline()).startswith(b"HTTP/1.1 200")


async def test_a_fault_that_no_middleware_caught() -> None:
    """It is "internal", told to the operator by its type and place, and to nobody by its text."""

    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError(SECRET.decode())

    app = web.Application()
    app.router.add_get("/health/live", fail)
    async with open_port(LimitSettings(), app=app) as port:
        status, problem, headers = await refusal(port, GET + b"\r\n")
        assert (status, problem["code"]) == (500, "internal")
        assert_refused_as_all_are(port, problem, headers, "InternalError")
        (line,) = port.lines("unexpected")
        assert line["reason"] == "RuntimeError"
        assert "fail" in line["place"]


async def test_a_fault_after_an_answer_was_begun() -> None:
    """The connection is cut, so that nobody takes what came for the whole."""

    async def fail(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"begun")
        raise RuntimeError(SECRET.decode())

    app = web.Application()
    app.router.add_get("/health/live", fail)
    async with open_port(LimitSettings(), app=app) as port:
        connection = await port.connect()
        connection.writer.write(GET + b"\r\n")
        assert (await connection.rest()).endswith(b"\r\n\r\nbegun")
        assert port.number("osak_node_refusals_total", error="InternalError") == 0
