# SPDX-License-Identifier: MIT
"""The key in a phone as an ``Unlocker``: it signs tickets for share servers, and decrypts nothing."""

from collections.abc import Sequence

from osak.client.container import Limits, Recipient
from osak.client.container.recipients.base import Candidate


class PhoneUnlocker:
    """Opens no record by itself."""

    def candidates(self, recipients: Sequence[Recipient], limits: Limits) -> Sequence[Candidate]:  # noqa: ARG002 - none fits
        """None."""
        return ()
