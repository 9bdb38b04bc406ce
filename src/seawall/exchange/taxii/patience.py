"""Waiting for a busy server: as long as it asks for (``Retry-After``, RFC 9110 section 10.2.3), within our bounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from seawall.exchange.bounds import Bounds
from seawall.exchange.faults import Busy

FIRST_SECONDS = 0.5  # when the server does not say how long; doubled each time


class Patience:
    """All the waiting of one synchronisation."""

    def __init__(self, peer: str, bounds: Bounds, wait: Callable[[float], None]) -> None:
        self._peer = peer
        self._bounds = bounds
        self._wait = wait
        self._times = 0
        self._left = bounds.patience_seconds

    def wait(self, retry_after: str | None) -> None:
        """Wait as asked; raises Busy with the seconds asked for when that is longer than is left to us."""
        own = FIRST_SECONDS * 2**self._times
        asked = seconds_of(retry_after, self._bounds.retry_after_most)
        seconds = max(own, asked) if asked is not None else own
        self._times += 1
        if seconds > self._left or self._times > self._bounds.patience_times:
            raise Busy(self._peer, max(1, round(seconds)))
        self._left -= seconds
        self._wait(seconds)


def seconds_of(retry_after: str | None, most: int) -> float | None:
    """The seconds that a ``Retry-After`` header means, at most ``most``; None when it says nothing usable."""
    if retry_after is None:
        return None
    text = retry_after.strip()[:64]
    if text.isascii() and text.isdigit():
        return float(min(int(text), most))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year, day or zone that no calendar has
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), float(most))
