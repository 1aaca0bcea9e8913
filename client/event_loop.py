# SPDX-License-Identifier: MIT
"""Where the synchronous client and asyncio meet: one way in each direction.

``run`` is how work in a thread asks servers. ``in_thread`` makes an async function of a synchronous
one: it runs in a thread, its progress is told in the caller's loop, and when the caller is
cancelled it is stopped, undoes what it did, and only then the cancellation goes on.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

from osak.client.cancellation import Cancellation, Stopped, current_cancellation

P = ParamSpec("P")
T = TypeVar("T")
_LISTENERS = ("progress", "on_signature")


def run(work: Coroutine[Any, Any, T], *, is_undo: bool = False) -> T:
    """Run to its end, in a loop of its own; an undo is not stopped.

    Raises:
        Stopped: the work that this is part of was asked to stop.
    """
    cancellation = current_cancellation.get()
    if cancellation is None or is_undo:
        return asyncio.run(work)
    try:
        return asyncio.run(_stoppable(work, cancellation))
    except asyncio.CancelledError as error:
        raise Stopped from error


async def _stoppable(work: Coroutine[Any, Any, T], cancellation: Cancellation) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    cancellation.on_stop(partial(loop.call_soon_threadsafe, task.cancel))
    try:
        return await task
    finally:
        cancellation.on_stop(None)


def in_thread(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The async twin of a function that may take ``progress`` or ``on_signature``."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        cancellation = Cancellation()
        for name in _LISTENERS:
            if kwargs.get(name) is not None:
                kwargs[name] = _told_in_loop(kwargs[name])  # type: ignore[arg-type]  # P is not known here
        work = asyncio.create_task(asyncio.to_thread(_call, cancellation, partial(function, *args, **kwargs)))
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            cancellation.stop()
            await _ended(work)
            raise
        return work.result()

    call.__name__ = f"{function.__name__}_async"
    return call


def _call(cancellation: Cancellation, function: Callable[[], T]) -> T:
    # Of this call alone: what runs in a thread has a copy of the caller's context.
    current_cancellation.set(cancellation)
    return function()


def _told_in_loop(listener: Callable[..., object]) -> Callable[..., object]:
    loop = asyncio.get_running_loop()
    return lambda *told: loop.call_soon_threadsafe(listener, *told)


async def _ended(work: "asyncio.Task[Any]") -> None:
    """Wait until it has ended, however, and however often this wait is cancelled."""
    while not work.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([work])
    if not work.cancelled():
        work.exception()  # seen: nobody else will ask for it
