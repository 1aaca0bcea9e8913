# SPDX-License-Identifier: MIT
"""Where the client's YAML stands. Reads none; only here the client looks at the environment for it."""

import os
from collections.abc import Mapping
from pathlib import Path

CONFIG_VARIABLE = "OSAK_CONFIG"
CONFIG_FILE_NAME = "osak.yaml"


def config_path(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The configuration file in force: given, ``$OSAK_CONFIG``, ``./osak.yaml``, or the user's own."""
    if given is not None:
        return given
    if environment.get(CONFIG_VARIABLE):
        return Path(environment[CONFIG_VARIABLE])
    here = Path(CONFIG_FILE_NAME)
    if here.is_file():
        return here
    import platformdirs  # noqa: PLC0415 - the last place to look at, and only this place needs it

    own = platformdirs.user_config_path("osak") / CONFIG_FILE_NAME
    return own if own.is_file() else None
