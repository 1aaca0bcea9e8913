# SPDX-License-Identifier: MIT
"""What a directory said is remembered for its time, and for so many people at most."""

from osak.client.directory.cache import LookupCache


def test_an_answer_has_its_time() -> None:
    """It is there until its time is over, and then it is gone."""
    clock = [100.0]
    cache = LookupCache(clock=lambda: clock[0])
    cache.put("mari", (b"x",), 10)
    clock[0] = 109.9
    assert cache.get("mari") == (b"x",)
    clock[0] = 110.0
    assert cache.get("mari") is None
    assert cache.get("jaan") is None


def test_the_oldest_goes_when_there_are_too_many() -> None:
    """Memory is bounded; an answer that was renewed counts as new."""
    cache = LookupCache(max_people=2, clock=lambda: 0.0)
    for name in ("mari", "jaan", "mari", "kati"):
        cache.put(name, (name.encode(),), 10)
    assert [cache.get(name) for name in ("mari", "jaan", "kati")] == [(b"mari",), None, (b"kati",)]
