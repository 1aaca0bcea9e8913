# SPDX-License-Identifier: MIT
"""Work that goes on beside the serving of requests."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager


@asynccontextmanager
async def in_background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """While the block lasts, let ``work`` go on; then it is cancelled, and gone when this ends.

    An error that ends it goes to the event loop's handler, so to the node's log: never silently.
    """
    task = asyncio.create_task(work)
    task.add_done_callback(_tell_of_error)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _tell_of_error(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        told = {"message": "work in the background ended", "exception": error, "task": task}
        task.get_loop().call_exception_handler(told)
