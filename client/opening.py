# SPDX-License-Identifier: MIT
"""Opens containers with one credential, as far as their payload: what decrypting and re-encrypting share.

A record that the credential opens on its own is tried first, without any network. Then records that a
capsule server completes; then the person's shares are collected, for several containers with as few
signatures as possible. Nothing of the payload is read here.

A record that is damaged in itself hides no record of another kind. Where a record gave a KEK and the header
HMAC does not fit it, the header as a whole is not what was written: no server is asked then.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from osak.client.configuration import Configuration
from osak.client.container import ContainerHeader, PayloadKeys, read_header, unlock
from osak.client.container.errors import ContainerError, DamagedContainerError, NoRecipientError
from osak.client.inputs import AnyPath, reading, remaining_bytes
from osak.client.keys import Keys
from osak.errors import OsakError

if TYPE_CHECKING:
    from osak.client.served_records import Unlocked
    from osak.coordinator import Outcome, SigningRound


@dataclass(frozen=True, slots=True)
class OpenContainer:
    """A container whose header was proved right and whose payload is next in the stream.

    Attributes:
        source: stands at the payload.
        payload_bytes: what the stream has still to give; None if it cannot tell.
        header: every recipient record.
        payload_keys: open the payload.
        outcomes: one a server, if shares were collected.
    """

    source: BinaryIO = field(repr=False)
    payload_bytes: int | None
    header: ContainerHeader
    payload_keys: PayloadKeys
    outcomes: "tuple[Outcome, ...]"


@contextmanager
def open_container(
    container: AnyPath | BinaryIO, keys: Keys, *, config: Configuration, trust_container_servers: bool
) -> Iterator[OpenContainer]:
    """Unlock ``container``; a file is closed when the block ends, a caller's stream stays open.

    Raises:
        UsageError: there is no such file; or a capsule server is needed and is not configured, or has to
            see a certificate that was not given.
        ContainerError: damaged, hostile, or not for this credential.
        NotEnoughSharesError: too few servers returned a good share; names each server's outcome.
        UnknownServerError: the shares lie at servers that no configured group has.
        InvalidPlacementError: what a record says about its shares cannot be.
        CapsuleServerError: the capsule server gave nothing that opens the container.
    """
    with reading(container) as source:
        header = read_header(source, config.container_limits())
        (unlocked,) = unlock_headers(
            [header], keys, config=config, trust_container_servers=trust_container_servers
        )
        if isinstance(unlocked, Exception):
            raise unlocked
        yield OpenContainer(source, remaining_bytes(source), header, *unlocked)


def unlock_headers(
    headers: Sequence[ContainerHeader],
    keys: Keys,
    *,
    config: Configuration,
    trust_container_servers: bool,
    on_signature: "Callable[[SigningRound], object]" = lambda _: None,
) -> "list[Unlocked | OsakError]":
    """Unlock containers by their headers; what fails with one, see ``open_container``, is its result.

    A PIN that was wrong is the result of all that are not yet open: nobody is asked for it again.
    """
    found: list[Unlocked | OsakError] = []
    for header in headers:
        try:
            found.append((unlock(header, keys.unlocker, config.container_limits()), ()))
        except ContainerError as error:
            found.append(error)
        except OsakError as error:
            # Imported here: only what a person has in hand fails so.
            from osak.client.identity.errors import PINError  # noqa: PLC0415 - see the line above

            found.append(error)
            if isinstance(error, PINError):
                rest = [error] * (len(headers) - len(found))
                return [one if isinstance(one, tuple) else error for one in [*found, *rest]]
    unserved = [
        number
        for number, one in enumerate(found)
        if isinstance(one, NoRecipientError | DamagedContainerError)
    ]
    if not unserved:
        return found
    # Imported here: it loads all that speaks to servers, and most containers open without.
    from osak.client.served_records import ServedRecords  # noqa: PLC0415 - see the line above

    served = ServedRecords(keys, config, trust_container_servers, on_signature)
    results = served.unlock([headers[number] for number in unserved])
    for number, result in zip(unserved, results, strict=True):
        found[number] = result or found[number]
    return found
