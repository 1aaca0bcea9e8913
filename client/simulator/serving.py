# SPDX-License-Identifier: MIT
"""The simulator over HTTPS: one address for all services, and the files that others need to trust it.

Into its folder go the people's authority (``people-ca.pem``: the anchor for nodes and clients), the
authority of its own TLS certificate, and ``credentials.yaml`` to paste into a client's configuration
(``credentials-v3.yaml`` with version 3 of Smart-ID, ``credentials-proxy.yaml`` behind a proxy). The
authorities' keys stay there too, so that a second run is trusted like the first; they protect nothing.
"""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import yaml
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from osak.client.errors import UsageError
from osak.client.simulator.auth_server import AUTH_SERVER_PATH, KEYS_FILE, AuthServer, auth_server_key
from osak.client.simulator.authority import Authority, write_private
from osak.client.simulator.mobile_id import MOBILE_ID_PATH, MobileID
from osak.client.simulator.phones import Phones
from osak.client.simulator.proxy import CLIENT_ID, PROXY_PATH, TOKEN_PATH, Proxy
from osak.client.simulator.relying_party import RP_NAME, RP_UUID
from osak.client.simulator.rp_server import RP_SERVER_PATH, RPServer
from osak.client.simulator.smart_id_v2 import SMART_ID_PATH, SmartIDv2
from osak.client.simulator.smart_id_v3 import SCHEME, SMART_ID_V3_PATH, SmartIDv3

PEOPLE: Final = "people"
TLS: Final = "tls"
LOOPBACK: Final = "127.0.0.1"
_MARK: Final = "osak-eid-simulator"
_PATHS: Final = {"smart_id": SMART_ID_PATH, "mobile_id": MOBILE_ID_PATH}
# Only where they differ from a client's own defaults.
_VERSION_3: Final = {"api": "v3", "scheme": SCHEME}
_CREDENTIALS: Final = "credentials.yaml"
_CREDENTIALS_3: Final = "credentials-v3.yaml"
_CREDENTIALS_PROXY: Final = "credentials-proxy.yaml"
_CREDENTIALS_RP_SERVER: Final = "credentials-rp-server.yaml"
_HEAD: Final = "# For tests only: these services are simulated, and nobody of their people exists.\n"


@dataclass(frozen=True, slots=True)
class EIDAddress:
    """Where a running simulator is, and what is needed to trust it.

    Attributes:
        url: ``https://host:port``.
        ca_file: authority of its TLS certificate.
        anchors: authority of its people.
        secret_file: of the client that its proxy knows.
        auth_server: gives people sessions; its keys lie in ``KEYS_FILE`` beside the anchors.
    """

    url: str
    ca_file: Path
    anchors: Path
    secret_file: Path
    auth_server: AuthServer

    @property
    def keys_file(self) -> Path:
        """The auth server's public keys, for nodes."""
        return self.anchors.parent / KEYS_FILE

    @property
    def rp_server_url(self) -> str:
        """Base URL of the rp-server; one of the auth server's servers where it is used."""
        return f"{self.url}{RP_SERVER_PATH}"

    def by_rp_server(self, **more: Any) -> dict[str, Any]:
        """``credentials.smart_id`` through the rp-server."""
        return self.version_3(**{"url": self.rp_server_url, "api": "rp-server", **more})

    def log_in_settings(self) -> dict[str, Any]:
        """``credentials.auth_server`` of a client's YAML."""
        return {"url": f"{self.url}{AUTH_SERVER_PATH}", "tls": {"ca_file": str(self.ca_file)}}

    def settings(self, service: str, **more: Any) -> dict[str, Any]:
        """``credentials.smart_id`` or ``credentials.mobile_id`` of a client's YAML."""
        return {
            "url": f"{self.url}{_PATHS[service]}",
            "relying_party_uuid": RP_UUID,
            "relying_party_name": RP_NAME,
            "anchors": [str(self.anchors)],
            "tls": {"ca_file": str(self.ca_file)},
            **more,
        }

    def version_3(self, **more: Any) -> dict[str, Any]:
        """``credentials.smart_id`` for version 3 of Smart-ID's API."""
        return self.settings("smart_id", **{"url": f"{self.url}{SMART_ID_V3_PATH}", **_VERSION_3, **more})

    def behind_proxy(self, settings: dict[str, Any], *, dpop: bool = True) -> dict[str, Any]:
        """The same service behind the simulator's proxy."""
        access = {
            "token_url": f"{self.url}{TOKEN_PATH}",
            "client_id": CLIENT_ID,
            "client_secret_file": str(self.secret_file),
            "dpop": dpop,
            "tls": {"ca_file": str(self.ca_file)},
        }
        url = settings["url"].replace(self.url, f"{self.url}{PROXY_PATH}")
        return {**settings, "url": url, "access": access}

    def write_credentials(self, folder: Path) -> Path:
        """Write YAML for a client's configuration into ``folder``: plain, with version 3, behind a proxy.

        Returns:
            The first file.
        """
        smart_id, mobile_id = self.settings("smart_id"), self.settings("mobile_id")
        proxied = (self.behind_proxy(smart_id), self.behind_proxy(mobile_id))
        with_sessions = {"auth_server": self.log_in_settings()} if self.auth_server.servers else {}
        by_name = {
            _CREDENTIALS: (smart_id, mobile_id),
            _CREDENTIALS_3: (self.version_3(), mobile_id),
            _CREDENTIALS_PROXY: proxied,
            _CREDENTIALS_RP_SERVER: (self.by_rp_server(), mobile_id),
        }
        if self.rp_server_url not in self.auth_server.servers:
            del by_name[_CREDENTIALS_RP_SERVER]
        for name, (smart, mobile) in by_name.items():
            credentials = {"smart_id": smart, "mobile_id": mobile, **with_sessions}
            text = yaml.safe_dump({"credentials": credentials}, sort_keys=False, allow_unicode=True)
            (folder / name).write_text(_HEAD + text, encoding="utf-8")
        return folder / _CREDENTIALS


def people_in(folder: Path) -> Phones:
    """Everybody's phones, with the authority that is kept in ``folder``.

    Raises:
        UsageError: the folder holds something else.
        OSError: it cannot be read or written.
    """
    return Phones(Authority.kept_in(folder, PEOPLE))


def application(
    phones: Phones, proxy: Proxy, auth_server: AuthServer, key: ec.EllipticCurvePrivateKey
) -> web.Application:
    """All services behind one address, and behind a proxy; every answer says that it is a simulator's."""
    app = web.Application()
    proxy.add_to(app)
    auth_server.add_to(app)
    RPServer(SmartIDv3(phones), key.public_key()).add_to(app)
    for service in (SmartIDv2(phones), SmartIDv3(phones), MobileID(phones)):
        service.add_to(app)
        service.add_to(app, PROXY_PATH)
    app.on_response_prepare.append(_mark)
    return app


def check_loopback(host: str) -> None:
    """Check that only this computer reaches ``host``.

    Raises:
        UsageError: others can, or it is no address.
    """
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError as error:
        raise UsageError(f"{host} is not an IP address") from error
    if not is_loopback:
        raise UsageError(f"{host} is not on this computer alone: --anywhere lets others in on purpose")


@asynccontextmanager
async def serve(
    phones: Phones,
    folder: Path,
    *,
    proxy: Proxy | None = None,
    servers: Sequence[str] = (),
    host: str = LOOPBACK,
    port: int = 0,
) -> AsyncIterator[EIDAddress]:
    """Run the simulator while the block runs.

    Args:
        phones: of ``people_in(folder)``.
        folder: keeps its files.
        proxy: before the services; a new one unless one is given.
        servers: base URLs of the share servers that people get sessions with.
        host: IP address to listen at; others than this computer's are the caller's decision.
        port: 0 takes a free one.

    Raises:
        UsageError: the folder holds something else.
        OSError: the port is taken, or the folder cannot be written.
    """
    authority = Authority.kept_in(folder, TLS)
    server = authority.issue_server(host, "localhost")
    pair = folder / "tls.pem"
    write_private(pair, server.certificate_pem + server.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    gate = proxy or Proxy()
    secret_file = folder / "proxy-secret"
    write_private(secret_file, gate.client_secret.encode())
    key = auth_server_key(folder)
    auth_server = AuthServer(phones, key, servers)
    runner = web.AppRunner(
        application(phones, gate, auth_server, key), handler_cancellation=True, access_log=None
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        name = f"[{host}]" if ":" in host else host
        url = f"https://{name}:{runner.addresses[0][1]}"
        yield EIDAddress(url, folder / f"{TLS}-ca.pem", folder / f"{PEOPLE}-ca.pem", secret_file, auth_server)
    finally:
        await runner.cleanup()


async def _mark(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = _MARK
