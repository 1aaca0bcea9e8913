# SPDX-License-Identifier: MIT
"""Making a name durable: a file that was synced can still lose its name until its folder was synced too."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Return when the names in ``folder`` are on the disk.

    Raises:
        OSError: they may not be.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
