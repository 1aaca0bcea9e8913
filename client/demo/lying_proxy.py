# SPDX-License-Identifier: MIT
"""A dishonest server for the demo: passes everything on, but flips one bit of every share it returns.

It stands before an honest node with that node's own certificate, as a thief of the node's key could.
Started as ``python -m osak.client.demo.lying_proxy LISTEN_PORT NODE_PORT CERTIFICATE KEY``.
"""

import asyncio
import base64
import json
import ssl
import sys

from aiohttp import ClientSession, web

_HOST = "127.0.0.1"
_HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding", "content-encoding"}


def lie(body: bytes) -> bytes:
    """The same reply with the lowest bit of the share's first byte flipped."""
    members = json.loads(body)
    share = bytearray(base64.b64decode(members["share"]))
    share[0] ^= 1
    return json.dumps({**members, "share": base64.b64encode(share).decode("ascii")}).encode()


async def serve(listen_port: int, node_port: int, certificate: str, key: str) -> None:
    """Serve until cancelled."""
    no_checks = ssl.create_default_context()
    no_checks.check_hostname, no_checks.verify_mode = False, ssl.CERT_NONE
    async with ClientSession() as session:

        async def handle(request: web.Request) -> web.Response:
            headers = {
                name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP
            }
            url = f"https://{_HOST}:{node_port}{request.path_qs}"
            async with session.request(
                request.method, url, headers=headers, data=await request.read(), ssl=no_checks
            ) as reply:
                body = await reply.read()
                released = request.method == "GET" and reply.status == 200 and b'"share"' in body
                passed = {
                    name: value for name, value in reply.headers.items() if name.lower() not in _HOP_BY_HOP
                }
                return web.Response(status=reply.status, headers=passed, body=lie(body) if released else body)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        await web.TCPSite(runner, _HOST, listen_port, ssl_context=context).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
