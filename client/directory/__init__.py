# SPDX-License-Identifier: MIT
"""The directory of people's certificates (LDAP): what a person, known by code, can open files with.

``settings`` (the YAML), ``ldap`` (the one file that speaks LDAP), ``means`` (which certificates are of
use), ``cache`` (answers for a while), ``lookup`` (all of it together). Who gets what for it is decided
elsewhere, in ``osak.client.recipient_plan``.
"""
