"""A room: the last lines that were said in it, and all who wait for more. Used from one event loop."""

import asyncio
import collections
from collections.abc import AsyncIterator

from contract import support_pb2

_KEPT = 100  # lines, as WatchRoom's history has it


class Room:
    def __init__(self):
        self._lines: collections.deque[support_pb2.Line] = collections.deque(maxlen=_KEPT)
        self._said = 0  # lines that ever were
        self._more = asyncio.Condition()
        self._closed = False

    async def say(self, line: support_pb2.Line) -> None:
        self._lines.append(line)
        self._said += 1
        async with self._more:
            self._more.notify_all()

    async def follow(self) -> AsyncIterator[support_pb2.Line]:
        """The lines that are kept, then each new one, until the room is closed. Who is too slow misses lines, and holds up nobody."""
        seen = 0
        while not self._closed:
            missing = min(self._said - seen, len(self._lines))
            lines = list(self._lines)[len(self._lines) - missing :]
            seen = self._said
            for line in lines:
                yield line
            async with self._more:
                await self._more.wait_for(lambda: self._closed or self._said > seen)

    async def close(self) -> None:
        self._closed = True
        async with self._more:
            self._more.notify_all()
