# SPDX-License-Identifier: MIT
"""Shares on their way to servers, for a container that is not finished yet.

``ShareUploads`` is entered before the output is begun and stores when told to, so that whatever fails
until the container has its name, its shares are taken back.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from osak.client.configuration import Configuration
    from osak.client.share_storage import ShareStorage, Upload
    from osak.client.share_targets import ShareTarget


class ShareUploads:
    """Uploads for one container; a ``with`` block that fails takes them back."""

    def __init__(self, config: "Configuration") -> None:
        """Keep how long to wait for servers, and which there are."""
        self._config = config
        self._storage: ShareStorage | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self._storage is not None:
            self._storage.take_back()

    def store(self, targets: "Sequence[ShareTarget]") -> "list[Upload]":
        """Share a fresh KEK for every target, all at once; all or nothing.

        Raises:
            DistributionError: too few servers took their share; nothing stays stored.
        """
        if not targets:
            return []
        # Imported here: most containers need no server.
        from osak.client.share_storage import ShareStorage  # noqa: PLC0415 - see the line above

        self._storage = ShareStorage(self._config)
        return self._storage.store(targets)
