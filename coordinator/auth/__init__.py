# SPDX-License-Identifier: MIT
"""How a recipient proves who they are: one Protocol, one file for each means."""
