# SPDX-License-Identifier: MIT
"""The vectors of the scheme hold for osak, which had no part in making them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from osak.client.container import key_schedule
from osak.shares import (
    DuplicateShareError,
    ForeignShareError,
    InvalidSecretError,
    InvalidShareError,
    NoConsistentSharesError,
    Share,
    SharesError,
    Threshold,
    ThresholdError,
    TooFewSharesError,
    WrongShareError,
    add,
    combine,
    combine_robust,
    commit,
    interpolate_at,
    share_zero,
    split,
)
from osak.shares.field import exponential, logarithm

DOCUMENT: Mapping[str, Any] = json.loads((Path(__file__).parent / "sharing.json").read_text(encoding="utf-8"))
SETS: Mapping[str, Any] = {one["name"]: one for one in DOCUMENT["sets"]}
ERRORS: Mapping[str, type[SharesError]] = {
    "threshold": ThresholdError,
    "secret-length": InvalidSecretError,
    "too-few": TooFewSharesError,
    "share-length": InvalidShareError,
    "index": ThresholdError,
    "duplicate-index": DuplicateShareError,
    "foreign-index": ForeignShareError,
    "commitment-mismatch": WrongShareError,
    "inconsistent": NoConsistentSharesError,
}


def threshold_of(case: Mapping[str, Any]) -> Threshold:
    """The case's t and n."""
    return Threshold(case["threshold"], case["nodes"])


def shares_of(values: Mapping[str, str]) -> list[Share]:
    """Shares by index, as JSON writes them."""
    return [Share(int(index), bytes.fromhex(value)) for index, value in values.items()]


def given(blocks: Sequence[str]) -> Any:
    """A source of randomness that gives these blocks and knows how many are asked for."""
    drawn = bytes.fromhex("".join(blocks))

    def source(count: int) -> bytes:
        assert count == len(drawn)
        return drawn

    return source


@pytest.mark.parametrize("case", SETS.values(), ids=str)
def test_split(case: Mapping[str, Any]) -> None:
    """The same randomness gives the same KEK, shares and commitments."""
    first, *coefficients = case["random"]
    salt = bytes.fromhex(case["salt"])
    kek = key_schedule.shares_kek(bytes.fromhex(first), salt, case["recipient_id"])
    assert kek.hex() == case["kek"]
    shares = {share.index: share for share in split(kek, threshold_of(case), given(coefficients))}
    for share in shares_of(case["shares"]):
        assert shares[share.index] == share
        assert commit(share, salt).hex() == case["commitments"][str(share.index)]


@pytest.mark.parametrize("case", DOCUMENT["combine"], ids=str)
def test_combine(case: Mapping[str, Any]) -> None:
    """The shares with these indices, in this order, give the secret."""
    made = SETS[case["set"]]
    shares = [Share(index, bytes.fromhex(made["shares"][str(index)])) for index in case["indices"]]
    commitments = {int(index): bytes.fromhex(value) for index, value in made["commitments"].items()}
    salt = bytes.fromhex(made["salt"])
    assert combine(shares, threshold_of(made), salt=salt, commitments=commitments).hex() == case["secret"]


@pytest.mark.parametrize("case", DOCUMENT["refresh"], ids=str)
def test_refresh(case: Mapping[str, Any]) -> None:
    """A sharing of zero, added share by share, gives these shares, and they the same secret."""
    made = SETS[case["set"]]
    zero = share_zero(threshold_of(made), given(case["random"]))
    assert list(zero) == shares_of(case["shares_of_zero"])
    after = [add(old, change) for old, change in zip(shares_of(made["shares"]), zero, strict=True)]
    assert after == shares_of(case["shares"])
    found = combine_robust(after, threshold_of(made), lambda secret: secret.hex() == case["secret"])
    assert found.liars == ()


@pytest.mark.parametrize("case", DOCUMENT["repair"], ids=str)
def test_repair(case: Mapping[str, Any]) -> None:
    """T other shares give a lost one back."""
    shares = SETS[case["set"]]["shares"]
    helpers = [Share(index, bytes.fromhex(shares[str(index)])) for index in case["from"]]
    assert interpolate_at(helpers, case["index"]) == Share(case["index"], bytes.fromhex(case["share"]))


@pytest.mark.parametrize("case", DOCUMENT["liars"], ids=str)
def test_liars(case: Mapping[str, Any]) -> None:
    """Without valid commitments the secret is found all the same, and the wrong shares are named."""
    threshold = threshold_of(SETS[case["set"]])
    found = combine_robust(
        shares_of(case["shares"]), threshold, lambda secret: secret.hex() == case["secret"]
    )
    assert list(found.liars) == case["liars"]


@pytest.mark.parametrize("case", DOCUMENT["refused"], ids=str)
def test_refused(case: Mapping[str, Any]) -> None:
    """What makes no sense is refused for the promised reason, and wrong shares are named."""
    with pytest.raises(SharesError) as caught:
        if case["do"] == "split":
            split(bytes.fromhex(case["secret"]), threshold_of(case), bytes)
        else:
            combine(
                [Share(index, bytes.fromhex(value)) for index, value in case["shares"]],
                threshold_of(case),
                salt=bytes.fromhex(case["salt"]),
                commitments={int(i): bytes.fromhex(value) for i, value in case["commitments"].items()},
            )
    assert type(caught.value) is ERRORS[case["reason"]]
    if "indices" in case:
        assert isinstance(caught.value, WrongShareError | ForeignShareError)
        assert list(caught.value.indices) == case["indices"]


def test_every_reason_is_explained_and_shown() -> None:
    """A reason that stands at a vector is in the list, and every one of the list has a vector."""
    assert {case["reason"] for case in DOCUMENT["refused"]} == DOCUMENT["reasons"].keys() == ERRORS.keys()


def test_field() -> None:
    """Products and inverses in the field are those of AES (FIPS 197, 4.2)."""
    for a, b, product in DOCUMENT["products"]:
        assert exponential(logarithm(a) + logarithm(b)) == product
    for a, inverse in DOCUMENT["inverses"]:
        assert exponential(-logarithm(a)) == inverse
