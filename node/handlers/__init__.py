# SPDX-License-Identifier: MIT
"""HTTP in, service, HTTP out: each handler parses, asks the service once, and encodes."""
