# SPDX-License-Identifier: MIT
"""Whose certificates to believe; for nodes, and for clients that encrypt to a certificate.

One module a question: ``anchors`` (whom do we trust to begin with?), ``path`` (does this certificate come
from them?), ``profile`` (is it for what it is shown for?), ``sources`` (who can tell whether it was taken
back, and may be asked?), ``ocsp`` and ``crl`` (what did they say?), ``inquiry`` (whom to ask first, and whom
then?), ``settings`` (the YAML). Everything is pure: bytes and times in, values or errors out. Asking itself
is an argument, for only nodes and clients have a network.
"""
