# SPDX-License-Identifier: MIT
"""Between the coordinator's words and the container's: placements here, capsules there.

For t-of-n the record is osak's ``ThresholdSharesCapsule``; for n-of-n the official
``KeySharesCapsule``, which names servers by URL only and carries no commitments.
"""

from dataclasses import dataclass

from osak.client.container import KeyShare, KeySharesCapsule, ThresholdShare, ThresholdSharesCapsule
from osak.coordinator import Distribution, Placement, Scheme


@dataclass(frozen=True, slots=True)
class ShareQuest:
    """What a container says about getting one KEK back; all of it written by a stranger.

    Attributes:
        recipient_id: whose shares they are.
        placements: where they lie.
        needed: how many open the container.
        scheme: how they were made.
        salt: key of the commitments.
        group: the group's name, a hint.
    """

    recipient_id: str
    placements: tuple[Placement, ...]
    needed: int
    scheme: Scheme
    salt: bytes
    group: str


def capsule_for(
    distribution: Distribution, recipient_id: str, group: str, scheme: Scheme
) -> KeySharesCapsule | ThresholdSharesCapsule:
    """The capsule that records where a KEK's shares were put."""
    if scheme == "n-of-n":
        places = tuple(KeyShare(place.server_url, place.share_id) for place in distribution.placements)
        return KeySharesCapsule(shares=places, salt=distribution.salt, recipient_id=recipient_id)
    return ThresholdSharesCapsule(
        shares=tuple(_threshold_share(place) for place in distribution.placements),
        salt=distribution.salt,
        recipient_id=recipient_id,
        threshold=distribution.threshold,
        share_set=distribution.share_set,
        group=group,
    )


def quest_for(capsule: KeySharesCapsule | ThresholdSharesCapsule) -> ShareQuest:
    """What to fetch for a capsule that was read from a container."""
    if isinstance(capsule, KeySharesCapsule):
        placements = tuple(
            Placement("", share.server_base_url, share.share_id, number)
            for number, share in enumerate(capsule.shares, start=1)
        )
        return ShareQuest(capsule.recipient_id, placements, len(placements), "n-of-n", capsule.salt, "")
    placements = tuple(
        Placement(share.server_id, share.server_base_url, share.share_id, share.index, share.commitment)
        for share in capsule.shares
    )
    return ShareQuest(
        capsule.recipient_id, placements, capsule.threshold, "t-of-n", capsule.salt, capsule.group
    )


def _threshold_share(place: Placement) -> ThresholdShare:
    assert place.commitment is not None, "t-of-n placements always carry a commitment"
    return ThresholdShare(place.server_url, place.share_id, place.index, place.commitment, place.server_id)
