# SPDX-License-Identifier: MIT
"""Options for what a person has in hand: a card, or a phone with Smart-ID or Mobile-ID.

Nothing is touched before all options have been found to make sense, and the libraries for it are
imported only then.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from osak.client.cli.conversation import TerminalConversation
from osak.client.cli.options import FILE
from osak.client.cli.terminal import Terminal, ask_secret, read_secret_text
from osak.client.errors import UsageError

if TYPE_CHECKING:
    from osak.client.configuration import Configuration
    from osak.client.keys import Keys

IDENTITY_NAMES: Final = ("id_card", "pkcs11_module", "slot", "pin_file", "smart_id", "mobile_id", "phone")


def identity_options() -> tuple[Callable[[Any], Any], ...]:
    """The options whose values ``open_identity`` takes."""
    return (
        click.option("--id-card", is_flag=True, help="Your ID-card; you are asked for its PIN1."),
        click.option(
            "--pkcs11-module",
            type=FILE,
            help="With --id-card: the PKCS#11 module of your card, if it is not OpenSC's.",
        ),
        click.option(
            "--slot",
            metavar="N",
            type=click.IntRange(min=0),
            help="With --id-card: the slot, if there are several cards.",
        ),
        click.option(
            "--pin-file",
            type=FILE,
            help="With --id-card: read the PIN from this file's first line (/dev/fd/3: from a descriptor).",
        ),
        click.option(
            "--smart-id", metavar="CODE", help="Your Smart-ID; CODE is your national identity code."
        ),
        click.option(
            "--mobile-id", metavar="CODE", help="Your Mobile-ID; CODE is your national identity code."
        ),
        click.option(
            "--phone", metavar="NUMBER", help="With --mobile-id: its number with country code, +372…"
        ),
    )


def open_identity(
    terminal: Terminal,
    config: "Configuration",
    container: Path,
    *,
    id_card: bool,
    pkcs11_module: Path | None,
    slot: int | None,
    pin_file: Path | None,
    smart_id: str | None,
    mobile_id: str | None,
    phone: str | None,
) -> "list[Callable[[], Keys]]":
    """How to get the keys of each means that was named.

    Raises:
        UsageError: options that do not belong together.
    """
    if not id_card and (pkcs11_module, slot, pin_file) != (None, None, None):
        raise UsageError("--pkcs11-module, --slot and --pin-file belong to --id-card")
    if (mobile_id is None) != (phone is None):
        raise UsageError("--mobile-id and --phone go together")
    found: list[Callable[[], Keys]] = []
    if id_card:
        found.append(lambda: _card_keys(terminal, config, pkcs11_module, slot, pin_file))
    if smart_id is not None:
        found.append(lambda: _smart_id_keys(terminal, config, container, smart_id))
    if mobile_id is not None and phone is not None:
        found.append(lambda: _mobile_id_keys(terminal, config, container, mobile_id, phone))
    return found


def _card_keys(
    terminal: Terminal, config: "Configuration", module: Path | None, slot: int | None, pin_file: Path | None
) -> "Keys":
    from osak.client.identity.card import PINSource  # noqa: PLC0415 - see the docstring above
    from osak.client.identity_keys import card_keys  # noqa: PLC0415 - as above

    pin = PINSource(_ask_pin)
    if pin_file is not None:
        pin = PINSource(lambda question: read_secret_text(pin_file, question), attended=False)
    opening = card_keys(config, pin, module=module, slot=slot, tell=terminal.tell)
    return click.get_current_context().with_resource(opening)


def _smart_id_keys(terminal: Terminal, config: "Configuration", container: Path, person: str) -> "Keys":
    from osak.client.identity_keys import smart_id_keys  # noqa: PLC0415 - see the docstring above

    return smart_id_keys(config, person, TerminalConversation(terminal), file_name=container.name)


def _mobile_id_keys(
    terminal: Terminal, config: "Configuration", container: Path, person: str, phone: str
) -> "Keys":
    from osak.client.identity_keys import mobile_id_keys  # noqa: PLC0415 - see the docstring above

    return mobile_id_keys(config, person, phone, TerminalConversation(terminal), file_name=container.name)


def _ask_pin(question: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError("no terminal to ask for the PIN: give it with --pin-file")
    return ask_secret(question)
