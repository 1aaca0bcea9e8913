# SPDX-License-Identifier: MIT
"""From whom a caller encrypts for to what each gets: reads keys, looks people up, asks nobody for a password.

What is at hand is read before the directory is asked, so that no code leaves for a request that cannot be.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from osak.client.configuration import Configuration
from osak.client.key_plan import plan_key, plan_secret
from osak.client.recipient_plan import KeySource
from osak.client.recipients import AnyRecipient, Certificate, Person, PublicKey
from osak.client.shared_secrets import Password, Secret

if TYPE_CHECKING:
    from osak.client.recipient_plan import PlannedRecipient


def plan_for(
    recipients: AnyRecipient | Iterable[AnyRecipient], config: Configuration, *, plain_labels: bool
) -> "tuple[PlannedRecipient, ...]":
    """What everybody gets, in the order given: put last what asks somebody for a password.

    Raises:
        UsageError: a recipient that cannot be, or a file that cannot be read.
        MessageError: a code that nobody can have.
        RecipientFileError: a certificate or key that cannot be used.
        InvalidInputError: a key that cannot receive CDOC2 files.
        DirectoryError: the directory does not answer as it should.
        UntrustedCertificateError: a certificate that the configuration does not believe in, or a revoked one.
        CertificateStatusError: nobody could tell, and the configuration wants to know.
    """
    if isinstance(recipients, str | Person | PublicKey | Certificate | Password | Secret):
        recipients = [recipients]
    planned: dict[int, PlannedRecipient] = {}
    people: dict[int, Person] = {}
    for place, recipient in enumerate(recipients):
        match recipient:
            case str():
                people[place] = Person(recipient)
            case Person():
                people[place] = recipient
            case PublicKey() | Certificate():
                planned[place] = plan_key(recipient, config)
            case _:
                planned[place] = plan_secret(recipient)
    if people:
        # Imported here: who encrypts for nobody's code needs nothing of shares.
        from osak.client.person_plan import plan_people  # noqa: PLC0415 - see the line above

        plans = plan_people(list(people.values()), config, plain_labels=plain_labels)
        planned |= zip(people, plans, strict=True)
    if config.trust is not None:
        # Imported here: without `trust` nobody's certificate is checked.
        from osak.client.recipient_trust import check_recipients  # noqa: PLC0415 - see the line above

        named = {
            place: source
            for place, recipient in planned.items()
            for source in [recipient.records[0].source]  # whoever was named by a key has one record
            if isinstance(source, KeySource) and source.number is None
        }
        for place, doubt in zip(named, check_recipients(list(named.values()), config.trust), strict=True):
            (record,) = planned[place].records
            planned[place] = replace(planned[place], records=(replace(record, doubt=doubt),))
    return tuple(planned[place] for place in sorted(planned))
