# SPDX-License-Identifier: MIT
"""What a recipient can prove identity with, one file a means.

Each gives an ``Unlocker`` for records that a key opens, a ``Credential`` that signs tickets for share
servers, or both.
"""
