# SPDX-License-Identifier: MIT
"""What people known by code get: the policy, applied to what the directory has of them.

The rules are:

- a card that the directory has gets a record in the container, at a capsule server, or both;
- the key is also shared among the servers of a group, so that the file outlives the card and opens with
  Mobile-ID and Smart-ID, unless the policy says otherwise (docs/adr/0018);
- nobody is left out: a person for whom no record comes about is an error;
- without a directory in the configuration nobody is looked up, and the key is shared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osak.client.configuration import Configuration
from osak.client.errors import UsageError
from osak.client.key_plan import card_record
from osak.client.recipient_plan import Lookup, PlannedRecipient, PlannedRecord
from osak.client.recipients import CardPlace, Person, SharesRule
from osak.client.share_targets import ShareTarget
from osak.shares.protocol.recipient import recipient_id_from_person, serial_number_from_recipient_id

if TYPE_CHECKING:
    from osak.client.directory.means import Found, Means
    from osak.coordinator import Group


def plan_people(
    people: Sequence[Person], config: Configuration, *, plain_labels: bool
) -> list[PlannedRecipient]:
    """What each gets; those who are to be looked up are, all at once.

    Raises:
        MessageError: a code that nobody can have.
        UsageError: wishes that cannot be met together, or by this configuration.
        DirectoryError: the directory does not answer as it should.
        CertificateStatusError: nobody could tell whether a card was revoked, and that is wanted.
    """
    wishes = [_wish(person, config) for person in people]
    if len({wish.recipient_id for wish in wishes}) != len(wishes):
        raise UsageError("the same person is named twice")
    found: dict[str, Found] = {}
    if config.directory is not None and any(wish.is_looked_up for wish in wishes):
        # Imported here: who has no directory needs none of it.
        from osak.client.directory.lookup import look_up  # noqa: PLC0415 - see the line above

        found = look_up(config.directory, [wish.serial_number for wish in wishes if wish.is_looked_up])
        if config.trust is not None:
            # Imported here: without `trust` no authority is asked.
            from osak.client.recipient_trust import believed  # noqa: PLC0415 - see the line above

            found = believed(found, config.trust)
    return [_plan(wish, found.get(wish.serial_number), config, plain_label=plain_labels) for wish in wishes]


@dataclass(frozen=True, slots=True)
class _Wish:
    """A person with the policy filled in."""

    person: Person
    recipient_id: str
    cards: CardPlace
    shares: SharesRule
    lookup: Lookup

    @property
    def serial_number(self) -> str:
        return serial_number_from_recipient_id(self.recipient_id)

    @property
    def is_looked_up(self) -> bool:
        return self.lookup == "asked"


def _wish(person: Person, config: Configuration) -> _Wish:
    if person.n_of_n and person.threshold is not None:
        raise UsageError("n-of-n needs every server: leave the threshold out")
    recipient_id = recipient_id_from_person(person.code)
    policy = config.policy
    cards = person.cards or policy.cards
    shares = person.shares or policy.shares
    if cards == "none" and shares == "never":
        raise UsageError("without cards and without shares nobody could open the file: choose one of them")
    if person.server is not None and cards not in ("server", "both"):
        raise UsageError("a capsule server for cards is named, but cards are not to go there: --cards server")
    if config.directory is None:
        if person.cards not in (None, "none") or shares == "never":
            raise UsageError(
                "cards are looked up in a directory, and the configuration has none: add the section"
                " directory, or name the person's certificate with --cert"
            )
        return _Wish(person, recipient_id, "none", "always", "no-directory")
    return _Wish(person, recipient_id, cards, shares, "not-asked" if cards == "none" else "asked")


def _plan(
    wish: _Wish, found: "Found | None", config: Configuration, *, plain_label: bool
) -> PlannedRecipient:
    cards = [means for means in found.means if means.is_card] if found else []
    records = _card_records(cards, wish, config)
    if wish.shares == "always" or (wish.shares == "without-card" and not cards):
        records.append(_shares(wish, _reason(wish, found), config, plain_label=plain_label))
    if not records:
        assert found is not None, "who is not looked up gets shares"
        raise UsageError(
            f"for {wish.serial_number} {_lack(found)}, and no shares are to be kept: choose"
            " --shares without-card, or name a certificate with --cert"
        )
    return PlannedRecipient(wish.recipient_id, tuple(records), wish.lookup, found)


def _card_records(cards: "Sequence[Means]", wish: _Wish, config: Configuration) -> list[PlannedRecord]:
    places: list[str | None] = []
    if wish.cards in ("container", "both"):
        places.append(None)
    if cards and wish.cards in ("server", "both"):
        places.append(_capsule_server(wish, config))
    wanted = [(card, place) for place in places for card in cards]
    return [card_record(card, place, number) for number, (card, place) in enumerate(wanted, start=1)]


def _reason(wish: _Wish, found: "Found | None") -> str:
    """Why the key is shared."""
    if wish.lookup == "no-directory":
        return "no directory in the configuration: nobody is looked up"
    if found is None:
        return "cards are not looked for"
    if any(means.is_card for means in found.means):
        return "a lost card does not lose the file; opens with Mobile-ID and Smart-ID too"
    if found.means:
        return f"{_lack(found)}; Mobile-ID signs for the servers"
    return f"{_lack(found)}; opens with Smart-ID, which no directory has, or any later card"


def _lack(found: "Found") -> str:
    """Why there is no card, as far as the directory tells."""
    if not found.is_whole:
        return "the directory has no card here; it sends us elsewhere for more, where nobody was asked"
    if found.passed_over:
        first, *more = found.passed_over
        others = f", and {len(more)} more" if more else ""
        return f"the directory has no card of use ({first.kind}: {first.why}{others})"
    return "the directory has no card" if found.means else "the directory has nothing"


def _shares(wish: _Wish, why: str, config: Configuration, *, plain_label: bool) -> PlannedRecord:
    person = wish.person
    name, group = config.group(person.group)
    if person.threshold is not None:
        group = _with_threshold(group, name, person.threshold)
    n_of_n = person.n_of_n
    if n_of_n is None:
        n_of_n = person.threshold is None and config.policy.scheme == "n-of-n"
    count = len(group.servers)
    needed = count if n_of_n else group.threshold
    target = ShareTarget(wish.recipient_id, name, group, "n-of-n" if n_of_n else "t-of-n", plain_label)
    return PlannedRecord(
        "SC07" if n_of_n else "t-of-n",
        "Smart-ID, Mobile-ID or card",
        f"shares at {count} servers of {name}, {'all' if n_of_n else f'any {needed}'} open it",
        why,
        target,
        group=name,
        needed=needed,
        servers=count,
    )


def _capsule_server(wish: _Wish, config: Configuration) -> str:
    server = wish.person.server or config.policy.capsule_server
    if server is None and len(config.capsule_servers) == 1:
        server = next(iter(config.capsule_servers))
    if server is None:
        known = ", ".join(config.capsule_servers) or "none"
        raise UsageError(
            f"which capsule server for cards? Use --server ID or set policy.capsule_server"
            f" (capsule_servers: {known})"
        )
    config.capsule_server(server)  # raises where there is none of that name
    return server


def _with_threshold(group: "Group", name: str, threshold: int) -> "Group":
    # Imported here: without a group nothing of servers is loaded.
    from osak.coordinator.group import MAX_THRESHOLD, Group  # noqa: PLC0415 - see the line above

    if threshold > len(group.servers):
        raise UsageError(f"threshold {threshold} is more than the {len(group.servers)} servers of {name}")
    if not 2 <= threshold <= MAX_THRESHOLD:
        raise UsageError(f"a threshold is 2 to {MAX_THRESHOLD} servers, not {threshold}")
    quorum = None if group.write_quorum is None else max(group.write_quorum, threshold)
    return Group(**{**dict(group), "threshold": threshold, "write_quorum": quorum})
