"""The hidden primary as one thing: changes of the order book in, zones served, notices out.

The zones live on disk (``book``); a thread of its own serves them (``server``) and tells the secondaries (``notices``).
``apply`` returns when the change is on disk and the notices are on their way; nobody waits for a resolver.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from seawall.model import Clock, Unavailable
from seawall.model.clock import system_clock
from seawall.model.order import Change, Order
from seawall.protect.drivers.interface import Drift, Outcome, ToolHit
from seawall.protect.rpz.book import Entry, ZoneBook
from seawall.protect.rpz.door import Door
from seawall.protect.rpz.logs import HitLogs
from seawall.protect.rpz.notices import Line, Notices
from seawall.protect.rpz.records import Records
from seawall.protect.rpz.server import Follower, Server
from seawall.protect.rpz.settings import RpzSettings, Secondary, checked
from seawall.protect.rpz.triggers import TYPES, in_force, kept_owner, zone_of
from seawall.protect.rpz.zones import LARGE, followed

LOG = logging.getLogger(__name__)
START_SECONDS = 30.0  # to wait for the sockets
CLOSE_SECONDS = 10.0
EXPIRE_EVERY = 1.0  # seconds between two looks for what has run out, whoever else looks


class RpzPrimary:
    """The zones of one point. ``clock``: microseconds UTC. Use from one thread, or several; writers take turns."""

    def __init__(self, settings: RpzSettings, clock: Clock = system_clock) -> None:
        """Raises Fault E-PROTECT-100..109 when the settings cannot be, Unavailable E-PROTECT-108 for the folder."""
        self._settings, self._clock = settings, clock
        self._secrets = checked(settings)
        self._records = Records(settings)
        self._longest = max(settings.zones, key=len)  # what fits into this one fits into all
        self._book = ZoneBook(Path(settings.folder) / "zones.db", self._records.terms, clock())
        self._logs = HitLogs(settings, self._book)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: Server | None = None
        self._advised = False
        self._notices: list[tuple[int, Notices]] = []
        self.port = settings.port  # after ``start``: the one that was free, when 0 was asked for

    def start(self) -> None:
        """Listen and begin to notify. Raises Unavailable E-PROTECT-110 when the port cannot be had."""
        if self._thread is not None and self._thread.is_alive():
            return
        started = threading.Event()
        failed: list[OSError] = []
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(started, failed)), name="rpz-primary", daemon=True
        )
        self._thread.start()
        started.wait(START_SECONDS)
        if failed or not started.is_set():
            self._thread = None
            reason = (failed[0].strerror or failed[0]) if failed else "no answer"
            raise Unavailable(
                "E-PROTECT-110",
                "Cannot listen for resolvers on {host} port {port}: {reason}.",
                host=self._settings.host, port=self._settings.port, reason=reason,
            )  # fmt: skip

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """Carry out changes in their order, as one step of each zone; what became of each of our types.

        Raises Unavailable E-PROTECT-108 when the disk takes nothing: then nothing of it holds.
        """
        outcomes, puts, gone = [], dict[str, Entry](), set[str]()
        for change in changes:
            order = change.order
            if order.type not in TYPES:
                continue
            puts.pop(order.undo_id, None)
            gone.add(order.undo_id)
            problem = detail = ""
            if change.op == "put" and in_force(order, at):
                entry = self._entry(order, at)
                if isinstance(entry, Entry):
                    puts[order.undo_id] = entry
                else:
                    problem, detail = entry
            outcomes.append(Outcome(change.sequence, order.undo_id, problem, detail))
        self._tell(self._book.change(puts.values(), gone, at))
        return outcomes

    def reconcile(self, orders: Iterable[Order], at: int) -> Drift:
        """Make the zones hold exactly what these orders say; what was missing and too many until now."""
        missing, unexpected, changed = self._book.replace(self._entries(orders, at), at)
        self._tell(changed)
        held = self._book.count()
        self._advise(held)
        return Drift(missing, unexpected, held)

    def expire(self, at: int) -> int:
        """Take out what has run out; how many."""
        count, changed = self._book.expire(at)
        self._tell(changed)
        return count

    def hits(self) -> list[ToolHit]:
        """What the resolvers whose logs we may read rewrote or let pass with a word, since the last call."""
        return self._logs.hits(self._clock())

    def clear(self) -> None:
        """Empty all zones: the kill switch. Secondaries are told at once."""
        self._tell(self._book.replace((), self._clock())[2])

    def followers(self) -> list[Follower]:
        """What each secondary was last given, in this process's life."""
        return list(self._server.followers.values()) if self._server is not None else []

    def serials(self) -> dict[str, int]:
        """The serial of each zone now."""
        return {name: self._book.version(zone) % 2**32 for zone, name in enumerate(self._settings.zones)}

    def close(self) -> None:
        """Stop serving. Secondaries keep what they have until the SOA's ``expire_seconds`` have passed."""
        if self._thread is not None:
            if self._loop is not None:
                with suppress(RuntimeError):  # it ended by itself
                    self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(CLOSE_SECONDS)
            self._thread = None
        self._book.close()

    def _entries(self, orders: Iterable[Order], at: int) -> Iterable[Entry]:
        for order in orders:
            if order.type in TYPES and in_force(order, at):
                entry = self._entry(order, at)
                if isinstance(entry, Entry):
                    yield entry

    def _entry(self, order: Order, at: int) -> Entry | tuple[str, str]:
        kind = zone_of(order, self._settings.alert_only, at)
        owner = kept_owner(order, kind, self._longest, sinkhole=bool(self._settings.sinkhole))
        if isinstance(owner, bytes):
            return Entry(order.undo_id, kind, owner, order.type, order.value, order.expires_at)
        return owner.reason, owner.detail

    def _advise(self, held: int) -> None:
        """Said once: who follows one large zone needs seconds for each new name."""
        whole = [one.address for one in self._settings.secondaries if one.port and not one.parts]
        if held > LARGE and whole and not self._advised:
            self._advised = True
            LOG.warning("%d names for %s in one zone: let them follow the parts", held, ", ".join(whole))

    def _tell(self, changed: set[int]) -> None:
        if changed and self._loop is not None:
            with suppress(RuntimeError):  # closed meanwhile
                self._loop.call_soon_threadsafe(self._poke, changed)

    def _poke(self, changed: set[int]) -> None:
        for zone, notices in self._notices:
            if zone in changed:
                notices.poke()

    async def _serve(self, started: threading.Event, failed: list[OSError]) -> None:
        settings = self._settings
        door = Door(settings.secondaries, self._secrets, self._records, self._book.version, self._seconds)
        server = Server(door, self._book, self._records, settings.zones, self._clock)
        self._stop = asyncio.Event()
        try:
            self.port = await server.open(settings.host, settings.port)
        except OSError as error:
            failed.append(error)
            started.set()
            return
        self._server, self._loop = server, asyncio.get_running_loop()
        self._notices, lines = [], []
        for secondary in settings.secondaries:
            notices = list(self._notices_to(secondary))
            self._notices += notices
            to = (secondary.address, secondary.port)
            lines += [Line([each for _, each in notices]).run(to)] if notices else []
        tasks = [asyncio.create_task(line) for line in lines]
        tasks.append(asyncio.create_task(self._expire_always()))
        started.set()
        await self._stop.wait()
        self._loop = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.close()

    def _notices_to(self, secondary: Secondary) -> Iterable[tuple[int, Notices]]:
        secret = self._secrets.get(secondary.key.lower().rstrip("."), b"") if secondary.key else b""
        for zone in followed(parts=secondary.parts) if secondary.port else ():
            name, now = self._records.names[zone], partial(self._now, zone)
            yield zone, Notices(secondary, name, now, secret, self._seconds)

    def _now(self, zone: int) -> tuple[int, bytes]:
        version = self._book.version(zone)
        return version, self._records.soa(version)

    async def _expire_always(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_EVERY)
            try:
                await asyncio.to_thread(self.expire, self._clock())
            except Unavailable as fault:
                LOG.warning("%s", fault)  # the disk; the next second may do better

    def _seconds(self) -> int:
        return self._clock() // 1_000_000
