# SPDX-License-Identifier: MIT
"""One organisation's share server: an application, not a library, so nothing here is public.

A request's way in: ``routes`` -> ``middleware`` -> ``handlers`` -> ``service`` -> ``auth``,
``nonces``, ``sealing`` and ``storage``. A node knows nothing of containers, thresholds or other nodes.
"""
