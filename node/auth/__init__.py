# SPDX-License-Identifier: MIT
"""Who asks? ``base`` is the seam, ``sd_jwt`` the CDOC2 ticket, ``certificates`` whom to believe.

A new kind of ticket is one file that implements ``base.Authenticator``.
"""
