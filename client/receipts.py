# SPDX-License-Identifier: MIT
"""A sender's receipt: the file that can take back the shares of one container.

Whoever has it can revoke them, so it is for its owner's eyes alone, is never replaced, and nothing of it is
shown. It is there before the container is, and gone if the container does not come to be.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from osak.client.errors import UsageError
from osak.client.inputs import AnyPath
from osak.client.key_files import read_small_file
from osak.client.output import atomic_output

if TYPE_CHECKING:
    from osak.coordinator import Receipt

_VERSION: Final = 1
_MAX_BYTES: Final = 2**20
_FIELDS: Final = ("server_id", "server_url", "share_id", "revocation_token")


class ReceiptFile:
    """Where a receipt goes; what ends in an error removes it again."""

    def __init__(self, path: AnyPath | None) -> None:
        """Take the path; None writes nothing."""
        self._path = None if path is None else Path(path)
        self._is_there = False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Remove the receipt if the block fails: its shares are taken back then."""
        try:
            yield
        except BaseException:
            if self._is_there and self._path is not None:
                self._path.unlink(missing_ok=True)
            raise

    @contextmanager
    def writing(self) -> Iterator[Callable[[Sequence["Receipt"]], object]]:
        """Something to give the receipts to; the file has its name when the block ends.

        Raises:
            OutputExistsError: there is a file of that name, and it is never replaced.
            OutputError: it cannot be written.
        """
        if self._path is None:
            yield lambda _: None
            return
        with atomic_output(self._path) as file:
            os.fchmod(file.fileno(), 0o600)
            yield lambda receipts: file.write(_to_json(receipts))
        self._is_there = True


def read_receipts(path: AnyPath) -> "tuple[Receipt, ...]":
    """The receipts in a file that ``osak encrypt --receipt`` wrote.

    Raises:
        UsageError: it cannot be read, or is no such file.
    """
    # Imported here: only who revokes needs it.
    from osak.coordinator import Receipt  # noqa: PLC0415 - see the line above
    from osak.shares.errors import MessageError  # noqa: PLC0415 - as above
    from osak.shares.protocol.strict_json import parse_object  # noqa: PLC0415 - as above

    try:
        value = parse_object(read_small_file(Path(path)), _MAX_BYTES)
        shares = value["shares"]
        if set(value) != {"osak_receipt", "shares"} or value["osak_receipt"] != _VERSION or not shares:
            raise UsageError(f"{path} is no receipt of this version")
        return tuple(Receipt(**_checked(share)) for share in shares)
    except (MessageError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is no receipt that osak encrypt wrote") from error


def _checked(share: Any) -> dict[str, str]:
    if set(share) != set(_FIELDS) or not all(isinstance(text, str) for text in share.values()):
        raise TypeError("a receipt has four texts")
    return dict(share)


def _to_json(receipts: "Sequence[Receipt]") -> bytes:
    shares = [{name: getattr(receipt, name) for name in _FIELDS} for receipt in receipts]
    return json.dumps({"osak_receipt": _VERSION, "shares": shares}, indent=2).encode() + b"\n"
