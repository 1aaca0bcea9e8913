# SPDX-License-Identifier: MIT
"""The kinds of recipients: one file a kind, each with the writer of its record and the unlocker.

A new kind is one file here, one capsule and one line in the header's reader and builder. Holds no code.
"""
