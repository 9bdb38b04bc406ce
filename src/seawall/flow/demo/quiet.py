"""The quiet demonstration: the same day, with the overlap found by private set intersection through a relay.

No suspect is told to the other side. Each side commits to its suspects and to what it merely met; old enough ones are
compared, suspects with suspects and suspects with what the other side merely met. Of what both hold the suspecting side
tells when and in which sectors it saw it. The relay is a process of its own and no line connects the
sides. Commitments have to be a day old, so comparing goes on for a day after the last event.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from statistics import median

import msgspec

from seawall.flow.commitments import commit_candidates
from seawall.flow.demo.lifetime import AFTER_SLICE, OTHER, Demonstration, Say
from seawall.flow.demo.relay import RelayProcess
from seawall.flow.demo.sides import CODE_NAMES, agree, introduce
from seawall.flow.exchange import sync_peer
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.post import deliver
from seawall.flow.relay_ceremony import accept, invite, set_relay
from seawall.flow.screens import node_screens
from seawall.flow.simulator import Day
from seawall.flow.warning import refresh_warnings, warnings_if_told
from seawall.match import candidate_table, summaries
from seawall.model import ObservableType, SightingSummary, Warning
from seawall.model.overlap import OverlapItem

HOUR = 3_600_000_000  # microseconds
TOLD = ("sighting",)  # what goes without a click: of what both hold, when and where it was seen
AGE_HOURS = 24  # how old a commitment must be, as a circle has it unless its terms say otherwise
EVERY = 8  # slices of the day from one comparison to the next: three times a day, as a node's job might
LATER = (13, 25)  # hours after the day's last event at which is compared
TALKS = 24  # turns of one comparison; a run with all its lanes takes about ten


class QuietFigures(msgspec.Struct, frozen=True):
    """What comparing in private cost. Seconds; None where nothing was found."""

    common: int  # values that both sides hold
    commitment_age_seconds: int
    compared: int  # comparisons begun
    median_wait_seconds: float | None  # from when both had a value to when the comparison showed it
    median_usable_lead_if_told_at_once_seconds: float | None  # had the first side told it when it first suspected it
    median_usable_lead_lost_seconds: float | None  # that less what was left, value by value
    plain_recall: float | None = None  # of the same day with every suspect told to the other side as it arises
    plain_precision: float | None = None
    plain_median_usable_lead_seconds: float | None = None


class QuietDemonstration(Demonstration):
    """Two nodes that only a relay connects. Use as a context manager."""

    def __init__(self, folder: Path, day: Day, lang: str, say: Say) -> None:
        super().__init__(folder, day, lang, say)
        self.compared = self._slices = 0
        self.suspected: dict[str, dict[tuple[str, str], int]] = {side: {} for side in OTHER}
        self._relay: RelayProcess | None = None

    @property
    def relay(self) -> RelayProcess:
        """The relay, while the demonstration lives."""
        if self._relay is None:
            raise RuntimeError("the demonstration has not begun")
        return self._relay

    def _connect(self) -> None:
        relay = RelayProcess(self.folder / "relay", self.clock)
        tickets = {side: relay.mailbox(side.lower()) for side in OTHER}
        self._relay = self._stack.enter_context(relay)
        for side, other in OTHER.items():
            introduce(self.nodes[side], self.nodes[other], other, f"https://{CODE_NAMES[other]}.invalid")
            agree(self.nodes[side], other, TOLD)
        for side, ticket in tickets.items():
            mailbox, read, write = ticket
            set_relay(
                self.nodes[side], CODE_NAMES[OTHER[side]], url=relay.url, pin=relay.pin, mailbox=mailbox,
                read_token=read, write_token=write,
            )  # fmt: skip
        for side, other in OTHER.items():
            file = relay.folder / f"{side.lower()}.invitation"
            invite(self.nodes[side], CODE_NAMES[other], file)
            accept(self.nodes[other], file)

    def _first_contact(self) -> None:
        """Each side states its terms, in sealed notices."""
        for side in (*OTHER, *OTHER):
            self.relay.tell_time()
            sync_peer(self.nodes[side], CODE_NAMES[OTHER[side]])

    def sync(self, side: str) -> None:
        """Commit to what is new; behind every eighth slice, one comparison begun by ``side``."""
        for each, node in self.nodes.items():
            commit_candidates(node)
            self._note_suspects(each)
        self._slices += 1
        if self._slices % EVERY == 0:
            self.compare(side)

    def compare(self, side: str) -> None:
        """One comparison, with as many turns as it takes."""
        self.relay.tell_time()
        other = OTHER[side]
        caller, called = self.nodes[side], self.nodes[other]
        self.compared += 1
        run_overlap(caller, CODE_NAMES[other], limit=1)
        for _ in range(TALKS):
            moved = [deliver(called, CODE_NAMES[side]), deliver(caller, CODE_NAMES[other])]
            if not any(one.sent or one.received for one in moved):
                break

    def _note_suspects(self, side: str) -> None:
        """Remember when each value was first committed to here."""
        held, now = self.suspected[side], self.clock()
        for type in ObservableType:
            for one in self.nodes[side].store.commitments.ranked(type.value, now):
                held.setdefault((type.value, one.value), now)

    def live_through(self) -> None:
        """The day, and the day after it, in which what was committed to late becomes old enough."""
        super().live_through()
        end = self.clock()
        self.compare("TW")  # whatever came last is cosigned now, so a day later it is old enough
        for number, hour in enumerate(LATER):
            self.say("The day after: comparing", number, len(LATER))
            self.clock.move_to(end + hour * HOUR + AFTER_SLICE)
            self.compare(("TW", "KR")[number % 2])
        for side, node in self.nodes.items():
            refresh_warnings(node)
            held = node.store.overlaps.count(CODE_NAMES[OTHER[side]])
            self.figures[side]["sent"] = self.figures[side]["received"] = held
        self._keep_what_crossed()

    def _keep_what_crossed(self) -> None:
        for file in sorted(self.relay.recorded.iterdir()):
            self.crossed.keep(sender="relay", recipient="relay", what="sealed", body=file.read_bytes())

    def quiet_figures(self, warnings: dict[str, list[Warning]]) -> QuietFigures:
        """How long what both had took to show, and what that cost of the lead."""
        items = {(one.type.value, one.value): one for one in self._found()}
        waits = [
            (item.found_at - max(self.suspected[side][key] for side in OTHER)) / 1_000_000
            for key, item in items.items()
            if all(key in self.suspected[side] for side in OTHER)
        ]
        at_once, lost = self._leads(warnings)
        return QuietFigures(
            common=len(items),
            commitment_age_seconds=AGE_HOURS * 3_600,
            compared=self.compared,
            median_wait_seconds=median(waits) if waits else None,
            median_usable_lead_if_told_at_once_seconds=median(at_once) if at_once else None,
            median_usable_lead_lost_seconds=median(lost) if lost else None,
        )

    def plainly_warned(self) -> dict[str, list[Warning]]:
        """What each side would warn about, had the other told every suspect when it first suspected it, as in the
        demonstration without --quiet: drawn from the same lakes by the same function; nothing crosses."""
        drawn = {}
        for side, other in OTHER.items():
            since = self.suspected[other]
            told = [
                msgspec.structs.replace(one, origin=CODE_NAMES[other], told_at=since.get((one.type.value, one.value)))
                for one in _suspects(self.nodes[other])
            ]
            drawn[side] = warnings_if_told(self.nodes[side], told)
        return drawn

    def _found(self) -> list[OverlapItem]:
        found: list[OverlapItem] = []
        after: int | None = 0
        while after is not None:
            page = self.nodes["TW"].store.overlaps.list(CODE_NAMES["KR"], after=after, limit=10_000)
            found += page.items
            after = page.next
        return found

    def _leads(self, warnings: dict[str, list[Warning]]) -> tuple[list[float], list[float]]:
        """Of each value that both sides are warned about: the lead had it been told at once, and what of it is lost."""
        best: dict[tuple[str, str], Warning] = {}
        for item in (one for several in warnings.values() for one in several if one.other_first_seen is not None):
            key = (item.type.value, item.value)
            if key not in best or (item.usable_lead_seconds or 0) > (best[key].usable_lead_seconds or 0):
                best[key] = item
        at_once, lost = [], []
        for key, item in best.items():
            told = self.suspected.get(item.first_side, {}).get(key)
            if told is None or item.other_first_seen is None:
                continue
            lead = max(0.0, (item.other_first_seen - told) / 1_000_000)
            at_once.append(lead)
            lost.append(max(0.0, lead - (item.usable_lead_seconds or 0.0)))
        return at_once, lost


def _suspects(node: Node) -> Iterable[SightingSummary]:
    with node.lake.reading() as session:
        yield from summaries(candidate_table(session, node_screens(node)))
