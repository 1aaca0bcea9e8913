# SPDX-License-Identifier: MIT
"""How one call reaches one server: one Protocol, and its HTTP adapter."""
