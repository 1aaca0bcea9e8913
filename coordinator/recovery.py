# SPDX-License-Identifier: MIT
"""From the shares that came to the secret, and a judgement on each share.

The rules: only a secret that the caller's check accepts ever leaves. A share that matches its
commitment is good; t of them make the secret. A share that does not match is a lie, unless the whole
set was refreshed since the container was written: so when no share matches, or nothing else is left to
try, t-subsets of all shares are tried, and the polynomial that leads to the secret names the liars.
That can be thousands of tries, each with a check of the caller's that takes as long as a stranger's
container is big: so they are made one at a time, and the caller decides how long to go on. Early
tries, made before all shares came, have one allowance together; the last ones have their own.
For n-of-n there are no commitments and every share is needed. Pure: no clock, no network.
"""

from collections.abc import Callable, Iterator, Mapping
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
    verify_commitment,
)
from osak.shares.robust import MAX_WORK, search_robustly
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
    _early_work: int = 0
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

    def attempts(self, *, still_to_come: int) -> Iterator[bytes | None]:
        """Try to make the secret of the shares so far: None after each try that failed, at last the secret.

        Args:
            still_to_come: how many more shares may come; without hope for enough good ones, what
                seems wrong is tried too.
        """
        if self.scheme == "n-of-n":
            if self.received == self.needed:
                yield self._recover_all()
            return
        good = [self._shares[index] for index in self._with(Verdict.GOOD)]
        if len(good) >= self.needed:
            yield self._recover_committed(good)
            return
        hopeless = self.usable + still_to_come < self.needed
        suspicious = hopeless or not good or self._with(Verdict.UNPROVEN)
        allowed = still_to_come == 0 or self._early_work < MAX_WORK
        if suspicious and allowed and max(self.needed, self._tried + 1) <= self.received:
            yield from self._search()

    def _recover_committed(self, good: list[Share]) -> bytes | None:
        threshold = Threshold(self.needed, MAX_SHARES)
        try:
            secret = combine(good, threshold, salt=self.salt, commitments=self._commitments)
        except NoConsistentSharesError:
            self.contradicted = True
            return None
        self.contradicted = not self.is_secret(secret)
        return None if self.contradicted else secret

    def _search(self) -> Iterator[bytes | None]:
        self._tried = self.received
        threshold = Threshold(self.needed, MAX_SHARES)
        for found in search_robustly(self._shares.values(), threshold, self.is_secret):
            self._early_work += self.needed
            if found is None:
                yield None
                continue
            self._verdicts.update(dict.fromkeys(found.right, Verdict.GOOD))
            self._verdicts.update(dict.fromkeys(found.liars, Verdict.WRONG))
            self._verdicts.update(dict.fromkeys(found.undecided, Verdict.UNPROVEN))
            yield found.secret

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
