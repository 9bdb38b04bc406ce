"""When lines go into the lake at once: an alarm about somebody new must not wait for the next commit.

A commit costs about as much for one line as for some thousands, so early ones may take a share of the time only. An
alarm about values that alarmed before does not hurry: what is to be told of them was told.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable

import pyarrow as pa

from seawall.flow.live_pace import Duty, Seconds
from seawall.ingest.live.looking import Looked
from seawall.model.observation import Basis

SHARE, SPARE = 0.1, 10.0  # of the time that early commits may take for long, and the seconds of a burst
REMEMBERED = 200_000  # values that alarmed; one forgotten hurries once more
ALARMS = frozenset({"alert", "drop"})  # EVE's kinds of lines that may be hostile
ENDS = ("src_high", "src_low", "dst_high", "dst_low")


class Hurry:
    """Remembers who alarmed, and how much early commits cost. One thread uses it."""

    def __init__(self, *, wanted: bool, seconds: Seconds = time.monotonic) -> None:
        """``wanted``: whether anybody is to be told of alarms at once."""
        self.wanted = wanted
        self._duty = Duty(SHARE, SPARE, seconds)
        self._known: OrderedDict[Hashable, None] = OrderedDict()
        self._new = False

    def look(self, looked: Looked) -> None:
        """Note the alarms of a block."""
        if not self.wanted:
            return
        for seen in looked.glimpses:
            if seen.kind in ALARMS or seen.action is not None:
                self._alarm((seen.src, seen.dst, seen.domain))
        for rows in looked.rows:
            self._rows(rows)

    def is_due(self) -> bool:
        """Whether to commit now. The caller then says how long that took."""
        return self._new and self._duty.free()

    def begun(self) -> None:
        """What alarmed is on its way into the lake."""
        self._new = False

    def took(self, seconds: float) -> None:
        """An early commit took so long."""
        self._duty.spent(seconds)

    def _rows(self, rows: pa.Table) -> None:
        basis = rows["basis"].to_pylist()
        if not any(one != Basis.NONE.value for one in basis):
            return
        columns = zip(*(rows[name].to_pylist() for name in ENDS), strict=True)
        for one, (src_high, src_low, dst_high, dst_low) in zip(basis, columns, strict=True):
            if one != Basis.NONE.value:
                self._alarm(((src_high, src_low), (dst_high, dst_low)))

    def _alarm(self, values: tuple[Hashable, ...]) -> None:
        for value in values:
            if value is not None and value not in self._known:
                self._new = True
                self._known[value] = None
                if len(self._known) > REMEMBERED:
                    self._known.popitem(last=False)
