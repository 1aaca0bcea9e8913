# SPDX-License-Identifier: MIT
"""What a Redis must be like so that it cannot lose what it acknowledged (docs/adr/0015).

Asked of every master at the start and at each readiness check, since a failover or a ``CONFIG SET`` can bring
other settings. Each complaint names the setting to change. ``allow_volatile`` lets all of it pass, but never
a clock that is wrong: Redis erases by its own clock.
"""

from collections.abc import Callable
from typing import Any, Final

from osak.node.errors import StorageError
from osak.node.storage.redis_database import RedisDatabase
from osak.node.storage_settings import RedisStorageSettings

# Half of what redis_rows.GRACE_SECONDS allows for would do; clocks that are kept at all differ by less.
MAX_CLOCK_DIFFERENCE_SECONDS: Final = 3600
_WANTED: Final = (
    ("appendonly", ("yes",)),
    ("appendfsync", ("always",)),
    # With yes, Redis syncs nothing as long as a child rewrites the file: minutes, of a large one.
    ("no-appendfsync-on-rewrite", ("no",)),
    ("maxmemory-policy", ("noeviction",)),
)


async def check_redis(
    database: RedisDatabase, settings: RedisStorageSettings, clock: Callable[[], float]
) -> None:
    """Return if Redis answers and keeps what it acknowledges.

    Raises:
        StorageError: it does not; the text names all settings to change.
    """
    for seconds, _ in await database.ask_masters("TIME"):
        difference = int(clock()) - int(seconds)
        if abs(difference) > MAX_CLOCK_DIFFERENCE_SECONDS:
            raise StorageError(f"the clocks of this node and of Redis differ by {abs(difference)} seconds")
    if settings.allow_volatile:
        return
    problems = [*await _configuration(database), *await _replication(database, settings)]
    if problems:
        raise StorageError(
            "Redis could lose acknowledged shares: "
            + "; ".join(dict.fromkeys(problems))
            + " (for trials only: storage.allow_volatile: true)"
        )


async def _configuration(database: RedisDatabase) -> list[str]:
    problems = []
    for name, wanted in _WANTED:
        try:
            answers = await database.ask_masters("CONFIG", "GET", name)
        except StorageError as error:
            if "NoPermission" not in str(error):
                raise
            return ["its settings cannot be read: allow this user `+config|get`"]
        for answer in answers:
            value = _pairs(answer).get(name, "unknown")
            if value not in wanted:
                problems.append(f"it has `{name} {value}`, set `{name} {wanted[0]}`")
    return problems


async def _replication(database: RedisDatabase, settings: RedisStorageSettings) -> list[str]:
    problems = []
    for answer in await database.ask_masters("INFO", "replication"):
        found = answer if isinstance(answer, dict) else {}
        replicas = int(found.get("connected_slaves", 0))
        if found.get("role") != "master":
            problems.append("this server is a replica: name its master, or use mode sentinel or cluster")
        elif replicas and not settings.replicas:
            problems.append(
                f"it has {replicas} replicas, and one that takes over may lack the last writes: "
                "set storage.replicas to 1 or more"
            )
        elif replicas < settings.replicas:
            problems.append(f"storage.replicas is {settings.replicas}, but a master has only {replicas}")
    return problems


def _pairs(answer: Any) -> dict[str, str]:
    """CONFIG GET's answer, which comes as a mapping or as a flat list of bytes."""
    if isinstance(answer, dict):
        items = list(answer.items())
    else:
        items = list(zip(answer[::2], answer[1::2], strict=True))
    return {_text(name): _text(value) for name, value in items}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
