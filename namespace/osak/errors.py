# SPDX-License-Identifier: MIT
"""The base of every error of osak, so that one ``except`` catches whatever any of its packages raises.

It stands beside the four packages, since nothing of ours may stand below ``osak.shares``. The trees
that grow from it are drawn in each package's own ``errors``.
"""


class OsakError(Exception):
    """Base of every error that osak raises on purpose; its text is a sentence for people."""
