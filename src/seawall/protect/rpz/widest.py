"""Of names that lie below another name of their zone only the topmost is given to resolvers: it stands for them all.

Beside ``*.bad.example`` a record of ``deep.mid.bad.example`` does harm: then ``mid.bad.example`` exists in the zone
without a record, the wildcard no longer speaks for it (RFC 4592 section 2.2.2), and BIND lets it pass (measured with
9.18; Unbound and PowerDNS do not). When the topmost name goes, those below it come in the same step.

A name that leads to the sinkhole covers names of its own kind only, and so does one that is blocked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from seawall.protect.rpz.zones import IP_TRIGGER, LED

MAX_KNOWN = 50_000  # answers about names above others that one transfer remembers
FEW = 8  # names for which the zone is searched by SQLite, one by one: 40 ms each in a zone of 300,000
IN_ZONE = (
    "NOT (substr(e.owner, 1, 1) = x'ff' AND EXISTS"
    " (SELECT 1 FROM entries b WHERE b.zone = e.zone AND b.owner = substr(e.owner, 2)))"
)
"""Whether an entry is in its zone at all: one that is blocked as well as led to the sinkhole is blocked."""

Held = Callable[[bytes], bool]


class Widest:
    """The names of one zone, at the moment of its snapshot. ``here``: what is true of its entries."""

    def __init__(self, connection: sqlite3.Connection, here: str, which: tuple[int, ...]) -> None:
        self._connection, self._here, self._which = connection, here, which
        self._known: dict[bytes, bool] = {}

    def only(self, owners: Sequence[bytes]) -> list[bytes]:
        """Those that lie below no other name of the zone."""
        return [owner for owner in owners if not _covered(owner, self._held)]

    def between(self, gone: list[bytes], came: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """The same change as resolvers see it. ``gone``, ``came``: names that left and entered the zone."""
        left, entered = set(gone), set(came)

        def held_before(owner: bytes) -> bool:
            return owner in left or (owner not in entered and self._held(owner))

        out_gone = [owner for owner in gone if not _covered(owner, held_before)]
        out_came = [owner for owner in came if not _covered(owner, self._held)]
        for owner in self._below(left | entered):
            if owner not in entered:
                was, now = _covered(owner, held_before), _covered(owner, self._held)
                if was and not now:
                    out_came.append(owner)
                elif now and not was:
                    out_gone.append(owner)
        return out_gone, out_came

    def _held(self, owner: bytes) -> bool:
        """Whether the name is in the zone now."""
        known = self._known.get(owner)
        if known is None:
            query = f"SELECT 1 FROM entries e WHERE {self._here} AND owner = ? AND {IN_ZONE} LIMIT 1"
            known = self._connection.execute(query, (*self._which, owner)).fetchone() is not None
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[owner] = known
        return known

    def _below(self, changed: set[bytes]) -> list[bytes]:
        """Names of the zone that lie below one of these."""
        names = [owner for owner in changed if not owner.endswith(IP_TRIGGER)]
        query = f"SELECT DISTINCT owner FROM entries e WHERE {self._here} AND {IN_ZONE}"
        if len(names) <= FEW:
            ends = [name.removeprefix(LED) for name in names]
            found = chain.from_iterable(
                self._connection.execute(f"{query} AND substr(owner, ?) = ?", (*self._which, -len(end), end))
                for end in ends
            )
        else:
            found = chain(self._connection.execute(query, self._which))
        return list({owner for (owner,) in found if any(above in changed for above in _above(owner))})


def _covered(owner: bytes, held: Held) -> bool:
    return any(map(held, _above(owner)))


def _above(owner: bytes) -> Iterator[bytes]:
    """The names above a name, the nearest first; an address has none."""
    if owner.endswith(IP_TRIGGER):
        return
    mark, name = (LED, owner[1:]) if owner.startswith(LED) else (b"", owner)
    while name := name[name[0] + 1 :]:
        yield mark + name
