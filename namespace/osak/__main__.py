# SPDX-License-Identifier: MIT
"""``python -m osak``: the same as the command ``osak``, wherever that one is not on the path."""

import sys

from osak.client.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
