"""The threads in which messages are handled and answered: few, and none of those that serve TAXII and notices.

Handling a peer's messages may take minutes and happens one after the other for each peer, so a second request that
brings some would only hold a thread. A peer therefore has one place to bring, and few to ask.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import ParamSpec, TypeVar

from seawall.exchange.places import Places
from seawall.exchange.post.bounds import PostBounds

CLOSE_SECONDS = 10.0  # what is still being handled then was not acknowledged, and comes again
P = ParamSpec("P")
T = TypeVar("T")


class Handling:
    """One for each app. ``bringing`` and ``asking`` are the places of each peer."""

    def __init__(self, bounds: PostBounds) -> None:
        self.bringing = Places(1, bounds.retry_seconds)
        self.asking = Places(bounds.asked_at_once, bounds.retry_seconds)
        self._long = ThreadPoolExecutor(bounds.handled_at_once, "post-handling")
        self._short = ThreadPoolExecutor(bounds.answered_at_once, "post-answering")
        self._running: set[Future[object]] = set()

    async def answer(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What looks at the books and is soon done."""
        return await self._in(self._short, partial(function, *args, **kwargs))

    async def handle(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What may take long."""
        return await self._in(self._long, partial(function, *args, **kwargs))

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
        context = contextvars.copy_context()  # one glance at the circles for each request
        future = threads.submit(context.run, call)
        self._running.add(future)  # type: ignore[arg-type]  # of any result
        future.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Nothing new is begun; what runs has a while to end."""
        for threads in (self._long, self._short):
            threads.shutdown(wait=False, cancel_futures=True)
        wait(list(self._running), CLOSE_SECONDS)
