# SPDX-License-Identifier: MIT
"""``python -m osak.node``: the same commands as ``osak node``, without the client installed around them."""

from osak.node.cli import node

if __name__ == "__main__":
    node(prog_name="osak node")
