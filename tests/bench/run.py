# SPDX-License-Identifier: MIT
"""``make bench``: every figure as a ratio against a peer measured in the same run.

``make bench BENCH="sharing network"`` runs only those parts; ``container`` takes most of the time.
"""

import sys
from importlib import import_module
from pathlib import Path

PARTS = ("sharing", "container", "network")


def main(chosen: list[str]) -> int:
    """Run the chosen parts, all if none is named."""
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)  # noqa: T201 - a bench prints
        return 2
    for part in chosen or PARTS:
        print(f"\n{part}", flush=True)  # noqa: T201 - a bench prints
        import_module(f"bench.{part}").run()
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    sys.exit(main(sys.argv[1:]))
