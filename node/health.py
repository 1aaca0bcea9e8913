# SPDX-License-Identifier: MIT
"""``osak node health``: asks a running node's admin port whether it is ready; for containers without curl."""

import http.client
import json
from http import HTTPStatus
from typing import Final

from osak.node.config import ListenAddress
from osak.node.errors import StorageError

_TIMEOUT_SECONDS: Final = 5
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is never listened on here
_MAX_REPLY_BYTES: Final = 4096


def ask_health(address: ListenAddress) -> str:
    """Return ``ready``, asked on this machine where the node's admin port listens.

    Raises:
        StorageError: the node says that it is not ready.
        OSError: nobody listens there, or not in time.
    """
    host = _EVERYWHERE.get(address.host, address.host)
    connection = http.client.HTTPConnection(host, address.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        with connection.getresponse() as reply:
            body = reply.read(_MAX_REPLY_BYTES)
    except http.client.HTTPException as error:
        raise OSError(f"{host}:{address.port} is no node's admin port") from error
    finally:
        connection.close()
    if reply.status != HTTPStatus.OK:
        raise StorageError(f"not ready: {_title(body)}")
    return "ready"


def _title(body: bytes) -> str:
    try:
        members = json.loads(body)
    except ValueError:
        return "no reason given"
    title = members.get("title") if isinstance(members, dict) else None
    return title if isinstance(title, str) and title.isprintable() else "no reason given"
