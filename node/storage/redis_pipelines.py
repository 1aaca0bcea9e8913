# SPDX-License-Identifier: MIT
"""Commands that come in one turn of the event loop go to Redis in one pipeline: one write, one read.

Most of what a command costs a node is redis-py's and the system's work for each exchange, so under load
ten that go together cost what three alone do; a lone one waits for nobody. Pipelines do not wait for each
other, and each has a connection of its own. A command that fails fails for who sent it; a connection that
breaks fails for all in the pipeline. A command that was asked for is sent, also if who asked has gone away.
"""

import asyncio
from typing import Any, Final, TypeAlias

_MAX_COMMANDS: Final = 64  # one that waits behind many waits long

Command: TypeAlias = tuple[str | bytes | int, ...]
_Asked: TypeAlias = tuple[Command, "asyncio.Future[Any]"]


class Pipelines:
    """Pipelines to one Redis server."""

    def __init__(self, client: Any, connections: asyncio.Semaphore) -> None:
        """Take redis-py's client, and how many connections may be in use at once."""
        self._client = client
        self._connections = connections
        self._waiting: list[_Asked] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, command: Command) -> Any:
        """The answer to one command.

        Raises:
            RedisError: an error, or the connection's.
            OSError: the connection's.
        """
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._waiting.append((command, answer))
        if len(self._waiting) == 1:
            loop.call_soon(self._send)
        return await answer

    def _send(self) -> None:
        asked, self._waiting = self._waiting, []
        for start in range(0, len(asked), _MAX_COMMANDS):
            task = asyncio.ensure_future(self._execute(asked[start : start + _MAX_COMMANDS]))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _execute(self, asked: list[_Asked]) -> None:
        """Send some commands together and hand the answers over."""
        try:
            async with self._connections:
                answers = await self._exchange([command for command, _ in asked])
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are told
            answers = [error] * len(asked)
        except asyncio.CancelledError:
            for _, future in asked:
                future.cancel()
            raise
        for (_, future), answer in zip(asked, answers, strict=True):
            if future.done():  # they were cancelled meanwhile
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def _exchange(self, commands: list[Command]) -> list[Any]:
        """An answer for each command, which may be an exception.

        Raises:
            RedisError: the connection broke.
            OSError: the same.
        """
        if len(commands) == 1:
            return [await self._client.execute_command(*commands[0])]
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        # Not raised by redis-py: its text would quote the command, and with it ids and rows.
        return list(await pipeline.execute(raise_on_error=False))
