# SPDX-License-Identifier: MIT
"""From the shares that came to the secret, and a judgement on each share.

The rules: only a secret that the caller's check accepts ever leaves. A share that matches its
commitment is good; t of them make the secret. A share that does not match is a lie, unless the whole
set was refreshed since the container was written: so when no share matches, or nothing else is left to
try, t-subsets of all shares are tried, and the polynomial that leads to the secret names the liars.
For n-of-n there are no commitments and every share is needed. Pure: no clock, no network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from osak.coordinator.placement import Placement, Scheme
from osak.shares import (
    NoConsistentSharesError,
    Share,
    Threshold,
    WrongShareError,
    combine,
    combine_all,
    combine_robust,
    verify_commitment,
)
from osak.shares.threshold import MAX_SHARES


class Verdict(Enum):
    """What is known of a share that came."""

    GOOD = "good"
    """It belongs to the secret."""
    UNPROVEN = "unproven"
    """It carries no commitment, and no secret has been found that it could belong to."""
    WRONG = "wrong"
    """It does not belong to the container."""


@dataclass(slots=True)
class Recovery:
    """The shares of one container as they come in, and the secret once there is one.

    Attributes:
        needed: how many good shares make the secret.
        contradicted: whether enough committed shares came and the caller's check refused their secret.
    """

    scheme: Scheme
    needed: int
    salt: bytes = field(repr=False)
    is_secret: Callable[[bytes], bool] = field(repr=False)
    contradicted: bool = False
    _tried: int = 0
    _verdicts: dict[int, Verdict] = field(default_factory=dict)
    _shares: dict[int, Share] = field(default_factory=dict, repr=False)
    _commitments: dict[int, bytes] = field(default_factory=dict, repr=False)

    @property
    def verdicts(self) -> Mapping[int, Verdict]:
        """What is known of each share that came, by index."""
        return self._verdicts

    def add(self, placement: Placement, share: Share) -> Verdict:
        """Take in a share and compare it with its commitment, if there is one."""
        index = placement.index
        self._shares[index] = share
        if placement.commitment is None:
            self._verdicts[index] = Verdict.UNPROVEN
        else:
            self._commitments[index] = placement.commitment
            try:
                verify_commitment(share, self.salt, placement.commitment)
            except WrongShareError:
                self._verdicts[index] = Verdict.WRONG
            else:
                self._verdicts[index] = Verdict.GOOD
        return self._verdicts[index]

    @property
    def usable(self) -> int:
        """How many shares count towards ``needed``: all that are not known to be wrong."""
        return sum(verdict is not Verdict.WRONG for verdict in self._verdicts.values())

    @property
    def received(self) -> int:
        """How many shares came, good or not."""
        return len(self._shares)

    def recover(self, *, nothing_else_left: bool) -> bytes | None:
        """Return the secret if the shares so far lead to it.

        Args:
            nothing_else_left: no hope for enough good shares; try also what seems wrong.
        """
        if self.scheme == "n-of-n":
            return self._recover_all() if self.received == self.needed else None
        good = [self._shares[index] for index in self._with(Verdict.GOOD)]
        if len(good) >= self.needed:
            return self._recover_committed(good)
        suspicious = nothing_else_left or not good or self._with(Verdict.UNPROVEN)
        if suspicious and max(self.needed, self._tried + 1) <= self.received:
            return self._recover_robustly()
        return None

    def _recover_committed(self, good: list[Share]) -> bytes | None:
        threshold = Threshold(self.needed, MAX_SHARES)
        try:
            secret = combine(good, threshold, salt=self.salt, commitments=self._commitments)
        except NoConsistentSharesError:
            self.contradicted = True
            return None
        self.contradicted = not self.is_secret(secret)
        return None if self.contradicted else secret

    def _recover_robustly(self) -> bytes | None:
        self._tried = self.received
        threshold = Threshold(self.needed, MAX_SHARES)
        try:
            found = combine_robust(self._shares.values(), threshold, self.is_secret)
        except NoConsistentSharesError:
            return None
        self._verdicts.update(dict.fromkeys(found.right, Verdict.GOOD))
        self._verdicts.update(dict.fromkeys(found.liars, Verdict.WRONG))
        self._verdicts.update(dict.fromkeys(found.undecided, Verdict.UNPROVEN))
        return found.secret

    def _recover_all(self) -> bytes | None:
        # XOR does not care about order or index, only combine_all does: it wants them counted.
        counted = [Share(number, share.value) for number, share in enumerate(self._shares.values(), start=1)]
        try:
            secret = combine_all(counted, self.needed, self.is_secret)
        except NoConsistentSharesError:
            self.contradicted = True
            return None
        self._verdicts.update(dict.fromkeys(self._shares, Verdict.GOOD))
        return secret

    def _with(self, verdict: Verdict) -> list[int]:
        return [index for index, known in self._verdicts.items() if known is verdict]
