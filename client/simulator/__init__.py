# SPDX-License-Identifier: MIT
"""A country of people who do not exist: the eID services that osak speaks to, simulated on this computer.

For people without a contract with those services (``osak dev eid-sim``) and for the tests, which run the
same code. Signatures are real, by keys whose certificates a throw-away authority issues; nobody must
ever trust that authority with anything but tests. Nothing else in the client depends on this package
(docs/adr/0020).
"""
