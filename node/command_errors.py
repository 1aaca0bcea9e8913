# SPDX-License-Identifier: MIT
"""How the commands of ``osak node`` end when they fail: one sentence and an exit code, never a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from osak.node.errors import NodeError
from osak.shares.errors import ConfigurationError


class UsageCommandError(click.ClickException):
    """A configuration or usage that cannot work."""

    exit_code = 2


class SystemCommandError(click.ClickException):
    """A file, a port or the store is not there."""

    exit_code = 6


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn errors into exit codes: 2 for usage and configuration, 6 for files, ports and the store."""
    try:
        yield
    except ConfigurationError as error:
        raise UsageCommandError(str(error)) from error
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise SystemCommandError(f"{place}{error.strerror or error}") from error
    except NodeError as error:
        raise SystemCommandError(str(error)) from error
