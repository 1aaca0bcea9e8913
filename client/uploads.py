# SPDX-License-Identifier: MIT
"""What goes to servers for a container that is not finished yet: shares, and capsules of key owners.

``Uploads`` is entered before the output is begun and stores when told to, so that whatever fails until
the container has its name, its shares are taken back. A capsule cannot be taken back, for its server's
API has no such call; without the container and the owner's key it is of no use, and it expires.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from osak.client.stored_records import Stored

if TYPE_CHECKING:
    from osak.client.capsule_server.recipient import CapsuleServerRecipient
    from osak.client.configuration import Configuration
    from osak.client.server_storage import ServerStorage
    from osak.client.share_targets import ShareTarget


class Uploads:
    """Uploads for one container; a ``with`` block that fails takes back what can be taken back."""

    def __init__(self, config: "Configuration") -> None:
        """Keep how long to wait for servers, and which there are."""
        self._config = config
        self._storage: ServerStorage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self._storage is not None:
            self._storage.take_back()

    def store(
        self, targets: "Sequence[ShareTarget]", served: "Sequence[CapsuleServerRecipient]" = ()
    ) -> Stored:
        """Share a fresh KEK for every target and store every capsule, all at once; all or nothing.

        Raises:
            DistributionError: too few servers took their share; no share stays stored.
            CapsuleServerError: a capsule server did not take a capsule; likewise.
        """
        if not targets and not served:
            return Stored()
        # Imported here: most containers need no server.
        from osak.client.server_storage import ServerStorage  # noqa: PLC0415 - see the line above

        self._storage = ServerStorage(self._config)
        return self._storage.store(targets, served)
