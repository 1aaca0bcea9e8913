# SPDX-License-Identifier: MIT
"""osak: threshold key shares for CDOC2 containers.

Holds no code. The packages are ``osak.shares``, ``osak.node``, ``osak.coordinator`` and
``osak.client``; their sources stand in the folders of the same names at the top of the
repository.
"""

__version__ = "0.1.0"
