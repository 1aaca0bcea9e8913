# SPDX-License-Identifier: MIT
"""``make bench``: every figure as a ratio against a peer measured in the same run.

``make bench BENCH="sharing network"`` runs only those parts; ``container`` takes most of the time. ``load``
says what a node bears and ``soak`` whether its memory grows in ten minutes; those two run only when named.
"""

import sys
from importlib import import_module
from pathlib import Path

PARTS = ("sharing", "container", "network")
# Part: its module and function.
NAMED = {"load": ("bench.load", "run"), "soak": ("bench.load", "soak")}


def main(chosen: list[str]) -> int:
    """Run the chosen parts, all if none is named."""
    unknown = sorted(set(chosen) - {*PARTS, *NAMED})
    if unknown:
        known = ", ".join((*PARTS, *NAMED))
        print(f"no such part: {', '.join(unknown)}; there are: {known}", file=sys.stderr)  # noqa: T201 - a bench prints
        return 2
    for part in chosen or PARTS:
        print(f"\n{part}", flush=True)  # noqa: T201 - a bench prints
        module, function = NAMED.get(part, (f"bench.{part}", "run"))
        getattr(import_module(module), function)()
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main(sys.argv[1:]))
