# SPDX-License-Identifier: MIT
"""Work beside the requests ends with its block, and not without a word before."""

import asyncio
from typing import Any

from osak.node.background import in_background


async def test_it_ends_with_the_block() -> None:
    """It goes on while the block lasts; afterwards it was cancelled, and has cleaned up."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with in_background(work()):
        await began.wait()
        assert not ended.is_set()
    assert ended.is_set()


async def test_an_error_is_told() -> None:
    """It reaches the event loop's handler, which the node's log listens to; the block goes on."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    async def work() -> None:
        raise ZeroDivisionError

    async with in_background(work()):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [type(context["exception"]) for context in told] == [ZeroDivisionError]
