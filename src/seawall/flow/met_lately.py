"""What our hosts met since a moment, read from the lake into a table like that of blast radii, for a short while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from seawall.flow.node import Node
from seawall.flow.radius import fill, rows_of
from seawall.model import Observable
from seawall.protect.radius import DAY, Met
from seawall.store.radius import RadiusTable

if TYPE_CHECKING:
    from seawall.lake import LakeSession

LONGEST = DAY
"""Microseconds that are looked back at most: a day's rows bound the work, however long somebody was not judged."""


class MetLately(msgspec.Struct, frozen=True):
    """The answers about one stretch of time."""

    table: RadiusTable
    records: int  # of any sensor in that time

    def of(self, value: Observable) -> list[Met]:
        """What was met of a value: its address, network, name with everything below, or URL."""
        return [Met(*row) for row in rows_of(self.table, value) or []]


@contextmanager
def met_lately(node: Node, since: int, *, blocked_is_alarm: bool = True) -> Iterator[MetLately]:
    """What was met from ``since`` (microseconds UTC) until now, at most ``LONGEST`` back."""
    now = node.clock()
    since = max(since, now - LONGEST)
    with TemporaryDirectory(prefix="seawall-met-") as folder, node.lake.reading() as session:
        table = RadiusTable(Path(folder))
        records = 0
        with table.building() as writing:
            for day in range(since // DAY, now // DAY + 1):
                records += fill(writing, session, lately(session, day, since), blocked_is_alarm=blocked_is_alarm)
        try:
            yield MetLately(table, records)
        finally:
            table.close()


def lately(session: LakeSession, day: int, since: int) -> str:
    """Relation text: rows of one UTC day from ``since`` on."""
    if day not in session.days():
        return f"(SELECT * FROM {session.observations()} AS d WHERE false)"
    return f"(SELECT * FROM {session.observations(days=[day])} AS d WHERE time >= {int(since)})"


def most_calm(rows: Sequence[Met]) -> tuple[int, int, int]:
    """(sessions without alarm, own hosts that began one and never alarmed, alarms) of all rows together."""
    bits = alarm_bits = 0
    for row in rows:
        bits |= row.bits
        alarm_bits |= row.alarm_bits
    whole = Met(0, 0, 0, max((row.hosts for row in rows), default=0), bits, alarm_bits, None, None, None)
    return sum(row.out + row.inn for row in rows), whole.quiet_hosts, sum(row.alarms for row in rows)
