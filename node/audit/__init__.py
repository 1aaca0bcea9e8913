# SPDX-License-Identifier: MIT
"""The audit log of a node: what it did, in a chain that shows every change, and who can be named by it."""
