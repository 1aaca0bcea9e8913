# SPDX-License-Identifier: MIT
"""Opening records that a capsule server completes: which are mine, and what the server's answer is worth.

A container is a stranger's and so is its server id: it leads to a configured server or nowhere. The answer
must be for this record's key; whether it opens the container, the header HMAC decides.
"""

from collections.abc import Mapping
from dataclasses import replace

from osak.client.capsule_server.recipient import capsule_of_message
from osak.client.capsule_server.settings import CapsuleServer
from osak.client.container import (
    ContainerHeader,
    Curve,
    ECCapsule,
    KeyServerCapsule,
    PayloadKeys,
    PrivateKeyUnlocker,
    Recipient,
    public_key_bytes,
    unlock,
)
from osak.client.container.errors import DamagedContainerError, WrongKeyError
from osak.client.errors import CapsuleServerError, UnknownCapsuleServerError
from osak.client.event_loop import run
from osak.client.identity.files import PersonalKey, PrivateKey
from osak.coordinator import Timeouts

_MAX_SHOWN_CHARACTERS = 200


def capsule_records(header: ContainerHeader, key: PrivateKey) -> list[Recipient]:
    """The usable records that a capsule server keeps for this key."""
    mine = public_key_bytes(key.public_key())
    return [
        record
        for record in header.recipients
        if record.problem is None
        and isinstance(record.capsule, KeyServerCapsule)
        and record.capsule.recipient_public_key == mine
    ]


def open_record(
    header: ContainerHeader,
    record: Recipient,
    person: PersonalKey,
    servers: Mapping[str, CapsuleServer],
    timeouts: Timeouts,
) -> PayloadKeys:
    """Fetch what a record lacks, and open the container with it.

    Raises:
        UnknownCapsuleServerError: no configured server has the record's id; nobody was asked.
        CapsuleServerError: the server has nothing for this person, cannot be reached, or its answer does not
            open the container.
    """
    from osak.client.capsule_server.calls import fetch_capsule  # noqa: PLC0415 - only now is a server needed

    capsule = record.capsule
    assert isinstance(capsule, KeyServerCapsule), "capsule_records picks no others"
    server = servers.get(capsule.keyserver_id)
    if server is None:
        raise UnknownCapsuleServerError(
            f"no capsule server {shown_id(capsule)} in the configuration; it keeps the key to this file"
        )
    message = run(
        fetch_capsule(capsule.keyserver_id, server, capsule.transaction_id, person, timeouts=timeouts)
    )
    answer = capsule_of_message(message)
    if (_curve(answer), answer.recipient_public_key) != (capsule.curve, capsule.recipient_public_key):
        raise CapsuleServerError(f"capsule server {capsule.keyserver_id} returned a capsule for another key")
    completed = replace(header, recipients=(replace(record, capsule=answer),))
    try:
        return unlock(completed, PrivateKeyUnlocker(person.private_key))
    except (WrongKeyError, DamagedContainerError) as error:
        raise CapsuleServerError(
            f"capsule server {capsule.keyserver_id} returned a capsule that does not open this file;"
            " either it is not what the sender stored, or the file was changed"
        ) from error


def shown_id(capsule: KeyServerCapsule) -> str:
    """The server's id as the container has it, safe to show on a terminal."""
    text = capsule.keyserver_id[:_MAX_SHOWN_CHARACTERS]
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _curve(capsule: object) -> Curve | None:
    return capsule.curve if isinstance(capsule, ECCapsule) else None
