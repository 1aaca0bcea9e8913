# SPDX-License-Identifier: MIT
"""Encrypt, decrypt and inspect CDOC2 containers: the client as a library.

The command line in ``cli`` is a thin skin over these use cases. Containers as bytes and streams are
in ``container``; means of identification in ``identity``.
"""
