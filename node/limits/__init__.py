# SPDX-License-Identifier: MIT
"""What a stranger can make a node do at most: rates, addresses they are counted by, and work at once."""
