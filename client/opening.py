# SPDX-License-Identifier: MIT
"""Opens a container with one credential, as far as its payload: what decrypting and re-encrypting share.

A record that the credential opens on its own is tried first, without any network. Then records that a
capsule server completes; then the person's shares are collected with one signature. Nothing of the
payload is read here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from osak.client.configuration import Configuration
from osak.client.container import ContainerHeader, PayloadKeys, Unlocker, read_header, unlock
from osak.client.container.errors import NoRecipientError
from osak.client.inputs import AnyPath, reading, remaining_bytes

if TYPE_CHECKING:
    from cryptography import x509

    from osak.client.identity.files import PrivateKey
    from osak.coordinator import Credential, Outcome


@dataclass(frozen=True, slots=True)
class Keys:
    """What a recipient opens with.

    Attributes:
        unlocker: opens records that need no server.
        credential: signs tickets for share servers; None where the means cannot.
        private_key: opens records that a capsule server completes; None where the means cannot.
        certificate: of that key; capsule servers want to see it.
    """

    unlocker: Unlocker = field(repr=False)
    credential: "Credential | None" = field(default=None, repr=False)
    private_key: "PrivateKey | None" = field(default=None, repr=False)
    certificate: "x509.Certificate | None" = field(default=None, repr=False)


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
        payload_keys, outcomes = _unlock(
            header, keys, config, trust_container_servers=trust_container_servers
        )
        yield OpenContainer(source, remaining_bytes(source), header, payload_keys, outcomes)


def _unlock(
    header: ContainerHeader, keys: Keys, config: Configuration, *, trust_container_servers: bool
) -> tuple[PayloadKeys, "tuple[Outcome, ...]"]:
    try:
        return unlock(header, keys.unlocker, config.container_limits()), ()
    except NoRecipientError as error:
        unserved = error
    # Imported here: it loads all that speaks to servers, and most containers open without.
    from osak.client.served_records import ServedRecords  # noqa: PLC0415 - see the line above

    served = ServedRecords(
        header,
        config,
        keys.credential,
        keys.private_key,
        keys.certificate,
        trust_container_servers=trust_container_servers,
    ).unlock()
    if served is None:
        raise unserved
    return served
