# SPDX-License-Identifier: MIT
"""Whose KEK is to be shared, and among which servers. Says nothing of how shares get there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osak.client.container import RecipientWriter
from osak.client.errors import UsageError

if TYPE_CHECKING:
    from osak.coordinator import Group, Scheme


@dataclass(frozen=True, slots=True)
class ShareTarget:
    """A recipient whose KEK is shared among servers.

    Attributes:
        recipient_id: ``etsi/PNOEE-…``.
        group_name: the group's name, written into the container as a hint.
        group: the servers and the threshold.
        scheme: ``t-of-n``, or ``n-of-n`` for the official programs.
        plain_label: label the record with the bare id.
    """

    recipient_id: str
    group_name: str
    group: "Group"
    scheme: "Scheme"
    plain_label: bool = False


def require_recipients(
    recipients: Sequence[RecipientWriter], targets: Sequence[ShareTarget], served: Sequence[object] = ()
) -> None:
    """Refuse a container for nobody, and a person who is named twice.

    Raises:
        UsageError: so it is.
    """
    if not recipients and not targets and not served:
        raise UsageError("nobody could open this file: name a recipient")
    people = [target.recipient_id for target in targets]
    if len(set(people)) != len(people):
        raise UsageError("the same person is named twice")
