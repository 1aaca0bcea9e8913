# SPDX-License-Identifier: MIT
"""Capsule servers (CDOC2, SC03 and SC04): a record's key material kept by a server for the owner of a key.

``settings`` (the YAML), ``calls`` (HTTPS), ``recipient`` and ``receipt`` (encrypting), ``records``
(opening). A container
names a server by id alone; where that server is and how it is trusted stands in the configuration.
"""
