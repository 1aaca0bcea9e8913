# SPDX-License-Identifier: MIT
"""What operators do to a node's data by command, in the audit log.

A segment has one writer, and the node may be running, so commands write a chain of their own: the folder
``acts`` in the audit log's folder. They open it only to add a record, and wait for each other. It is checked
by ``osak node audit verify`` as the node's own is. What an act will do is noted before it is done.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from osak.node.audit.keys import AuditKeys
from osak.node.audit.log import AuditLog
from osak.node.audit.record import Event

_FOLDER: Final = "acts"


def acts_folder(audit_folder: Path) -> Path:
    """Where the chain of acts lies, if there were any."""
    return audit_folder / _FOLDER


class Acts:
    """Notes acts; without an audit log it is mute."""

    def __init__(
        self, audit_folder: Path | None, keys: AuditKeys, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = audit_folder
        self._keys = keys
        self._clock = clock

    async def note(self, event: Event, **fields: Any) -> None:
        """Write one record and sign it; it is on the disk when this returns.

        Raises:
            AuditError: it was not written: then the act must not be done.
            OSError: the folder cannot be used.
        """
        if self._folder is None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = AuditLog.open(acts_folder(self._folder), self._keys, self._clock, waits=True)
        try:
            await log.write(event, **fields)
        finally:
            await log.close(says_stop=False)
