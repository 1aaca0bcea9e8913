# SPDX-License-Identifier: MIT
"""Options that several commands of ``osak node`` have."""

from pathlib import Path

import click

config_option = click.option(
    "-c",
    "--config",
    "config_file",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The node's YAML.",
)
