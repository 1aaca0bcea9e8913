# SPDX-License-Identifier: MIT
"""The one table of what a node answers: method, path, handler. What is not here does not exist.

Which tables an application gets follows from the node's roles; see ``app``.
"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from aiohttp import web

from osak.node.handlers.capsules import create_capsule, refuse_port, release_capsule
from osak.node.handlers.health import report_alive, report_metrics, report_ready
from osak.node.handlers.identity import describe_node
from osak.node.handlers.nonces import issue_nonce
from osak.node.handlers.sessions import issue_session_nonce
from osak.node.handlers.shares import create_share, release_share, revoke_share, tell_releases
from osak.shares.protocol.capsule import KEY_CAPSULES_PATH, capsule_path
from osak.shares.protocol.session import SESSION_NONCE_PATH
from osak.shares.protocol.urls import (
    KEY_SHARES_PATH,
    NODE_IDENTITY_PATH,
    nonce_path,
    releases_path,
    share_path,
)


class Route(NamedTuple):
    """One line of the table."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.Response]]


_SHARE_ID: Final = "{share_id}"

_TRANSACTION_ID: Final = "{transaction_id}"

SHARE_ROUTES: Final = (
    Route("POST", KEY_SHARES_PATH, create_share),
    Route("POST", nonce_path(_SHARE_ID), issue_nonce),
    Route("GET", share_path(_SHARE_ID), release_share),
    Route("GET", releases_path(_SHARE_ID), tell_releases),
    Route("DELETE", share_path(_SHARE_ID), revoke_share),
    Route("POST", SESSION_NONCE_PATH, issue_session_nonce),
)
CAPSULE_UPLOAD_ROUTES: Final = (
    Route("POST", KEY_CAPSULES_PATH, create_capsule),
    Route("GET", capsule_path(_TRANSACTION_ID), refuse_port),
)
CAPSULE_FETCH_ROUTES: Final = (
    Route("GET", capsule_path(_TRANSACTION_ID), release_capsule),
    Route("POST", KEY_CAPSULES_PATH, refuse_port),
)
IDENTITY_ROUTES: Final = (Route("GET", NODE_IDENTITY_PATH, describe_node),)
ADMIN_ROUTES: Final = (
    Route("GET", "/health/live", report_alive),
    Route("GET", "/health/ready", report_ready),
    Route("GET", "/metrics", report_metrics),
)


def add_routes(app: web.Application, routes: tuple[Route, ...], prefix: str = "") -> None:
    """Put a table into an application, below ``prefix``."""
    for route in routes:
        app.router.add_route(route.method, prefix + route.path, route.handler)
