# SPDX-License-Identifier: MIT
"""The command line: a thin skin over the library. No cryptography and no HTTP in here."""
