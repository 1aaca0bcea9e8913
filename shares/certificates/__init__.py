# SPDX-License-Identifier: MIT
"""Whose certificates to believe; for nodes, and for clients that encrypt to a certificate.

One module a question: ``anchors`` (whom do we trust to begin with?), ``path`` (does this certificate come
from them?), ``profile`` (is it for what it is shown for?), ``settings`` (the YAML).
"""
