# SPDX-License-Identifier: MIT
"""What a node keeps, in one file that is useless without the node key, and back from it (docs/adr/0026)."""
