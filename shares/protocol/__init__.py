# SPDX-License-Identifier: MIT
"""What node and coordinator say to each other, byte for byte.

One module a noun: ``urls`` (where a share lives), ``headers`` (names of HTTP headers),
``messages`` (JSON bodies), ``codes`` (stable error codes), ``share_set`` (which shares belong
together), ``recipient`` (who may fetch a share), ``ticket`` (the SD-JWT a recipient signs),
``capsule`` (upstream's key-capsules API, for nodes with that role) and ``times``.
Everything is pure: bytes and strings in, values or ``MessageError`` out. The wire is upstream's
key-shares API (OpenAPI 1.0.1) with the additions of docs/protocol.md.
"""
