# SPDX-License-Identifier: MIT
"""osak: threshold key shares for CDOC2 containers.

Holds the version, the base of all errors and ``python -m osak``. The packages are ``osak.shares``,
``osak.node``, ``osak.coordinator`` and ``osak.client``; their sources stand in
the folders of the same names at the top of the repository.
"""

__version__ = "0.1.0"
