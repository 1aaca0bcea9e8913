# SPDX-License-Identifier: MIT
"""People by code in, what they can open files with out: cache, then one conversation, then judgement.

All or nothing: a directory that does not answer is an error, never an empty answer.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from osak.client.directory.cache import LookupCache
from osak.client.directory.means import Found, sort_certificates
from osak.client.directory.settings import DirectorySettings
from osak.client.errors import UsageError
from osak.client.event_loop import run
from osak.shares.certificates.anchors import read_authorities

if TYPE_CHECKING:
    from osak.client.directory.ldap import Answer

# Of the whole process: library calls read their configuration anew each time, so nothing else outlives one.
_CACHE: Final = LookupCache()


def look_up(
    settings: DirectorySettings, serial_numbers: Iterable[str], *, cache: LookupCache = _CACHE
) -> dict[str, Found]:
    """What each of these people has, asked for all at once.

    Args:
        settings: which directory, whom to believe.
        serial_numbers: such as ``PNOEE-38001085718``; they were checked.
        cache: what was found before.

    Raises:
        DirectoryError: it cannot be reached or trusted, or answers what it should not. The text names it.
        ConfigurationError: the authorities' certificates cannot be read.
        OSError: likewise; the file is named.
        UsageError: the extra is not installed, or there are too many people.
    """
    wanted = list(dict.fromkeys(serial_numbers))
    anchors = read_authorities(settings.anchors)
    place = (str(settings.url), settings.base)
    known = {number: cache.get((*place, number)) for number in wanted}
    found = {number: (kept, True) for number, kept in known.items() if kept is not None}
    missing = [number for number in wanted if number not in found]
    for number, answer in _ask(settings, missing).items():
        found[number] = (tuple(answer.certificates), answer.is_whole)
        if answer.certificates and answer.is_whole:
            cache.put((*place, number), tuple(answer.certificates), settings.cache_for.total_seconds())
    now = datetime.now(UTC)
    return {
        number: sort_certificates(found[number][0], number, anchors, now, is_whole=found[number][1])
        for number in wanted
    }


def _ask(settings: DirectorySettings, serial_numbers: list[str]) -> "dict[str, Answer]":
    if not serial_numbers:
        return {}
    try:
        # Imported here: the library comes with an extra.
        from osak.client.directory.ldap import find_certificates  # noqa: PLC0415 - see the line above
    except ModuleNotFoundError as error:
        raise UsageError(f"{error.name} is missing: install osak[directory] to look people up") from error
    return run(find_certificates(settings, serial_numbers))
