# SPDX-License-Identifier: MIT
"""Ways in which a share server can answer, or not: each plays one call of a simulated node.

``act`` does what an honest node would do. A behaviour decides when it happens, whether its reply
arrives, and what the caller sees instead.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar, cast

from osak.coordinator.errors import BadReply, Refused, TimedOut, Unreachable, Untrusted
from osak.shares.protocol.messages import Problem, ShareMessage

_Reply = TypeVar("_Reply")


class Behaviour(Protocol):
    """How one call goes."""

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        """Answer one call; ``request_seconds`` is how long the caller waits."""
        ...


@dataclass(frozen=True)
class Honest:
    """Does its work after ``seconds``; when that is too long, the caller has left but the work is done."""

    seconds: float = 0.02

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(min(self.seconds, request_seconds))
        reply = act()
        if self.seconds >= request_seconds:
            raise TimedOut("did not answer in time")
        return reply


@dataclass(frozen=True)
class Dead:
    """Nobody listens."""

    seconds: float = 0.001

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(self.seconds)
        raise Unreachable("could not be reached: connection refused", request_sent=False)


@dataclass(frozen=True)
class HalfOpen:
    """Accepts and never answers."""

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(request_seconds)
        raise TimedOut("did not answer in time")


@dataclass(frozen=True)
class Refusing:
    """Answers with an error."""

    status: int = 404
    seconds: float = 0.02

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(self.seconds)
        raise Refused(Problem(self.status, "not-found", "No such share."))


@dataclass(frozen=True)
class Garbage:
    """Answers something that is not the protocol."""

    seconds: float = 0.02

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(self.seconds)
        raise BadReply("answered something that is not the protocol: not well-formed JSON")


@dataclass(frozen=True)
class Impostor:
    """Shows a certificate that is not the server's."""

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(0.01)
        raise Untrusted("showed a certificate that is not trusted: the server's key is not the pinned one")


@dataclass(frozen=True)
class ReplyLost:
    """Does its work, then the connection breaks."""

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(0.02)
        act()
        raise Unreachable("broke the connection off without an answer")


@dataclass(frozen=True)
class Lying:
    """Returns shares that were changed by XOR with ``mask``, repeated over all bytes."""

    mask: bytes = b"\x01"
    seconds: float = 0.02

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        await asyncio.sleep(self.seconds)
        reply = act()
        if not isinstance(reply, ShareMessage):
            return reply
        masks = self.mask * len(reply.share)
        changed = bytes(byte ^ mask for byte, mask in zip(reply.share, masks, strict=False))
        return cast("_Reply", replace(reply, share=changed))


@dataclass
class Stumbling:
    """Is away for the first ``times`` calls, then does its work."""

    times: int
    then: Behaviour = field(default_factory=Honest)

    async def play(self, act: Callable[[], _Reply], request_seconds: float) -> _Reply:
        if self.times > 0:
            self.times -= 1
            raise Unreachable("could not be reached: connection refused", request_sent=False)
        return await self.then.play(act, request_seconds)
