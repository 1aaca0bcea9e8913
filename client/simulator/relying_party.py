# SPDX-License-Identifier: MIT
"""Who may ask: the relying party of the services' own demos, and nobody else."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

RP_UUID: Final = "00000000-0000-0000-0000-000000000000"
RP_NAME: Final = "DEMO"
# Smart-ID's third version wants a UUID of the fourth kind.
_RP_UUIDS: Final = (RP_UUID, "00000000-0000-4000-8000-000000000000")


def check_relying_party(body: Mapping[str, Any]) -> None:
    """Check the two members that name it.

    Raises:
        HTTPUnauthorized: somebody else.
    """
    if body["relyingPartyUUID"] not in _RP_UUIDS or body["relyingPartyName"] != RP_NAME:
        raise web.HTTPUnauthorized(text="no such relying party")
