# SPDX-License-Identifier: MIT
"""Each call of the protocol made once, and the patience to make it with, for tests of the adapter."""

from collections.abc import Awaitable, Callable

from simulator.nodes import RECIPIENT
from simulator.real_servers import RawServer

from osak.coordinator import NodeTransport, Server, Timeouts, TLSSettings, UploadOptions
from osak.shares.protocol.messages import ShareMessage
from osak.shares.protocol.urls import ServerURL

SHARE_ID = "0123456789abcdef0123456789abcdef"
NONCE = b'{"nonce":"AAECAwQFBgcICQoLDA0ODw"}'
# Only where a timeout is what the test waits for; everywhere else a busy machine gets its time.
WAITING = Timeouts(connect_seconds=20, request_seconds=1)
SILENT = Timeouts(connect_seconds=0.2, request_seconds=20)
PATIENT = Timeouts(connect_seconds=20, request_seconds=20)
CallOnce = Callable[[NodeTransport, Server], Awaitable[object]]

EVERY_CALL: dict[str, CallOnce] = {
    "create": lambda transport, server: transport.create_share(
        server, ShareMessage(bytes(32), RECIPIENT), UploadOptions()
    ),
    "nonce": lambda transport, server: transport.request_nonce(server, SHARE_ID),
    "fetch": lambda transport, server: transport.fetch_share(server, SHARE_ID, "ticket", b"certificate"),
    "releases": lambda transport, server: transport.fetch_releases(
        server, SHARE_ID, "ticket", b"certificate"
    ),
    "revoke": lambda transport, server: transport.revoke_share(server, SHARE_ID, "token"),
    "identity": lambda transport, server: transport.read_identity(server),
}


def server_at(raw: RawServer, trust: TLSSettings, host: str = "localhost") -> Server:
    """A configured server at the port where ``raw`` listens."""
    return Server(id="raw", organisation="Raw", url=ServerURL(host, raw.port), tls=trust)
