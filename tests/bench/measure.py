# SPDX-License-Identifier: MIT
"""How a figure comes about: best of several short runs, peers measured in the same minute.

Machines are noisy and shared, so figures are ratios of two things measured in turn; an absolute
number is only shown beside the ratio it belongs to.
"""

import gc
import statistics
import time
from collections.abc import Callable


def best_seconds(action: Callable[[], object], *, runs: int = 5, least_seconds: float = 0.05) -> float:
    """Seconds for one call of ``action``: the best of ``runs`` loops of at least ``least_seconds``."""
    calls = 1
    while True:
        took = _loop(action, calls)
        if took >= least_seconds:
            break
        calls = max(calls * 2, int(calls * least_seconds / max(took, 1e-9)))
    return min([took, *(_loop(action, calls) for _ in range(runs - 1))]) / calls


def median_seconds(action: Callable[[], object], *, runs: int = 5) -> float:
    """Median seconds of single calls, for work that takes long enough to be timed alone."""
    return statistics.median(_loop(action, 1) for _ in range(runs))


def _loop(action: Callable[[], object], calls: int) -> float:
    gc.collect()
    start = time.perf_counter()
    for _ in range(calls):
        action()
    return time.perf_counter() - start


def show(what: str, figure: str, *comparisons: str) -> None:
    """Print one line of results."""
    print(f"  {what:<44} {figure:>14}  {'  '.join(comparisons)}", flush=True)  # noqa: T201 - a bench prints
