"""A small node in memory behind the API: two sectors, one warning, one peer, one indicator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from seawall.api import (
    Caller,
    CircleView,
    EventCount,
    LedgerHead,
    Metric,
    NodeAbout,
    NodeStatus,
    PeerView,
)
from seawall.flow.orders_shown import StatusWish
from seawall.model import Actor, Fault, NotFound, ObservableType, Pap, Refused, Tlp, UserRole, Visibility
from seawall.model.answer import Verdict
from seawall.model.indicator import IndicatorEntry

MIDNIGHT = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z
HOUR = 3_600_000_000
TOKENS = {
    "a" * 40: Actor("ann", UserRole.ANALYST),
    "r" * 40: Actor("rita", UserRole.READER),
    "t" * 40: Actor("siem", UserRole.TAXII),
}
HOSTILE_TEXT = "<img src=x onerror=alert(1)>"


class PlainRows(msgspec.Struct, frozen=True):
    """A page of rows."""

    items: Sequence[Mapping[str, object]]
    next: int | None = None


class FakeDesk:
    """Implements ``WarningDesk`` over a fake node's warnings: answers are kept, and told to whoever waits."""

    def __init__(self, node: FakeNode) -> None:
        self._node = node
        self.said: dict[str, dict[str, object]] = {}

    def authenticate(self, token: str) -> Actor:
        return self._node.authenticate(token)

    def page(self, actor: Actor, state: str, language: str, *, after: int, limit: int) -> dict[str, object]:
        caller = Caller(actor, self._node.visibility(actor))
        rows = [
            self._row(row, place) for place, row in enumerate(self._node.warnings(caller, after=0, limit=100).items)
        ]
        rows = [row for row in rows if state in ("all", row["state"])]
        desk = {
            "budget_per_day": 20, "raised_today": len(rows), "below_budget": 3, "answers": 10, "refuted": 7,
            "held_by_answers": 0, "false_alarm_share": 0.7, "false_alarm_interval": [0.3968, 0.8922],
        }  # fmt: skip
        following = after + limit if after + limit < len(rows) else None
        return {"items": rows[after : after + limit], "next": following, "desk": desk}

    def _row(self, row: Mapping[str, object], place: int) -> dict[str, object]:
        level = ("critical", "high", "medium", "low")[place % 4]
        made = {**row, "severity": level, "state": "open", "group": "label:storm", "answer": None}
        return {**made, "snoozed_until": None, **self.said.get(str(row["value"]), {})}

    def show(self, actor: Actor, value: str, language: str) -> dict[str, object]:
        return {"value": value}

    def answer(self, actor: Actor, value: str, verdict: Verdict, note: str, language: str) -> dict[str, object]:
        if actor.role is not UserRole.ANALYST:
            raise Refused("E-FLOW-004", "{name} may not answer.", name=actor.name)
        self.said[value] = {"state": "answered", "answer": verdict.value}
        way = {"peer": "harbour", "state": "goes", "text": "It goes with the next exchange.", "id": "x", "circle": "c"}
        return {"value": value, "type": "ipv4", "answer": verdict.value, "goes_back": [way]}

    def snooze(self, actor: Actor, value: str, until: str) -> dict[str, object]:
        self.said[value] = {"state": "snoozed", "snoozed_until": until}
        return {"value": value, "type": "ipv4", "snoozed_until": until}

    def undo(self, actor: Actor, value: str, language: str) -> dict[str, object]:
        self.said.pop(value, None)
        return {"value": value, "type": "ipv4", "answer": None, "goes_back": []}

    def mark(self) -> str:
        return str(self.said)


class FakeNode:
    """Implements ``NodeService``; ``empty`` makes a node on its first day."""

    def __init__(self, *, empty: bool = False) -> None:
        self.empty = empty
        self.desk = FakeDesk(self)
        self.orders = FakeOrders(self)
        self.asked: list[tuple[str, Visibility]] = []

    def authenticate(self, token: str) -> Actor:
        try:
            return TOKENS[token]
        except KeyError:
            raise Refused("E-STORE-032", "This token is not valid here; ask an administrator for a new one.") from None

    def visibility(self, actor: Actor) -> Visibility:
        return Visibility(Tlp.RED if actor.role is UserRole.ANALYST else Tlp.GREEN)

    def about(self) -> NodeAbout:
        return NodeAbout("5b1d", "Taipei node", "TW", "government", "Asia/Taipei", "en", "12345 67890", "0.1.0")

    def status(self, caller: Caller) -> NodeStatus:
        self.asked.append(("status", caller.visibility))
        if self.empty:
            return NodeStatus(0, 0, 0, 0, 0, None, None)
        return NodeStatus(2_400_000, 1_000_000, 431, 17, 3, MIDNIGHT + HOUR, MIDNIGHT, MIDNIGHT, MIDNIGHT + 24 * HOUR)

    def events(self, caller: Caller, since: int | None, until: int | None) -> Sequence[EventCount]:
        self.asked.append(("events", caller.visibility))
        if self.empty:
            return []
        return [
            EventCount(MIDNIGHT + hour * HOUR, "TW", sector, 40_000 + 3_000 * ((hour * weight) % 11), 40 * weight)
            for hour in range(24)
            for weight, sector in enumerate(("energy", "finance", "government", "health", "semiconductor", "water"), 1)
            if (since is None or MIDNIGHT + hour * HOUR >= since) and (until is None or MIDNIGHT + hour * HOUR < until)
        ]

    def observations(self, caller: Caller, where: Sequence[str], *, after: int, limit: int) -> PlainRows:
        self.asked.append(("observations", caller.visibility))
        for condition in where:
            if "=" not in condition:
                raise Fault("E-FLOW-010", "{given} is no condition; write column=value.", given=repr(condition))
        return PlainRows([{"event": after + number, "where": list(where)} for number in range(limit)], after + limit)

    def sightings(self, caller: Caller, *, after: int, limit: int) -> PlainRows:
        self.asked.append(("sightings", caller.visibility))
        return PlainRows([{"after": after}][:0], None if limit else 0)

    def warnings(self, caller: Caller, *, after: int, limit: int) -> PlainRows:
        self.asked.append(("warnings", caller.visibility))
        if self.empty:
            return PlainRows([])
        values = ["203.0.113.7", "update.example.net", HOSTILE_TEXT, "198.51.100.23"]
        rows = [
            {
                "value": value,
                "type": "ipv4" if value[0].isdigit() else "domain",
                "first_side": "TW",
                "first_seen": "2026-03-14T03:12:00.000000Z",
                "other_side": "KR" if number % 2 == 0 else None,
                "other_first_seen": "2026-03-14T08:14:00.000000Z" if number % 2 == 0 else None,
                "raw_lead_seconds": 18120.988645 if number % 2 == 0 else None,
                "usable_lead_seconds": 18000.5 if number % 2 == 0 else None,
                "sectors": ["water", "health"],
                "confidence": 90 - 10 * number,
            }
            for number, value in enumerate(values)
        ]
        return PlainRows(rows[after : after + limit], after + limit if after + limit < len(rows) else None)

    def indicator(self, caller: Caller, kind: ObservableType, value: str) -> IndicatorEntry:
        self.asked.append(("indicator", caller.visibility))
        if (kind, value) != (ObservableType.DOMAIN, "update.example.net"):
            raise NotFound("E-STORE-010", "There is no such indicator that you may see.")
        return IndicatorEntry(
            type=kind,
            value=value,
            indicator_id="indicator--1",
            campaign="c1",
            description=HOSTILE_TEXT,
            confidence=80,
            tlp=Tlp.AMBER_STRICT,
            pap=Pap.GREEN,
            valid_from=MIDNIGHT,
            valid_until=None,
            origin=None,
            external_id=None,
            sources=("feed",),
            body=b"{}",
        )

    def peers(self, caller: Caller) -> Sequence[PeerView]:
        self.asked.append(("peers", caller.visibility))
        if self.empty:
            return []
        return [
            PeerView(
                "harbour", "Seoul", "verified", "https://192.0.2.1:8701", "1 2", ("tw-kr",), MIDNIGHT, 431, 212, 12
            ),
            PeerView(
                "lantern", "Busan", "suspended", "https://192.0.2.2:8701", "3 4", (), None, 0, 0, 0, "did not answer"
            ),
        ]

    def circles(self, caller: Caller) -> Sequence[CircleView]:
        self.asked.append(("circles", caller.visibility))
        if self.empty:
            return []
        return [CircleView("tw-kr", 1, ("harbour",), (), "amber", "green", "red", ("sighting",), True, 1)]

    def ledger_head(self, caller: Caller) -> LedgerHead:
        self.asked.append(("ledger", caller.visibility))
        return LedgerHead(0 if self.empty else 7, "ab" * 32)

    def metrics(self) -> Sequence[Metric]:
        return [
            Metric("lake_events", "Rows in the lake.", "gauge", 2_400_000),
            Metric("sync_seconds", "Last synchronisation.", "gauge", 0.0625, (("peer", 'har"bour\n'),)),
        ]


class FakeOrders:
    """Implements ``OrderDesk`` over a fake node: one point whose agent reported, one that is silent, two orders."""

    def __init__(self, node: FakeNode) -> None:
        self._node = node
        self.killed: dict[str, object] | None = None

    def authenticate(self, token: str) -> Actor:
        return self._node.authenticate(token)

    def page(self, actor: Actor, wish: StatusWish, language: str) -> dict[str, object]:
        rows = [] if self._node.empty else [self._row("203.0.113.7", "active"), self._row(HOSTILE_TEXT, "watch")]
        return {"items": rows[wish.after : wish.after + wish.limit], "next": None}

    def _row(self, value: str, state: str) -> dict[str, object]:
        effect = "block" if state == "active" else "watch"
        where = {"point": "edge", "zone": "internet-edge", "effect": effect, "why": "It is so there."}
        return {
            "value": value, "type": "ipv4", "action": "block", "state": state, "lane": "own", "why": "Our own word.",
            "points": [where], "since": "2026-03-14T08:00:00Z", "starts_at": "2026-03-14T08:00:00Z",
            "expires_at": "2026-03-21T08:00:00Z", "release": "12:ab34", "source": "ours", "hits": 3,
            "last_hit": "2026-03-14T09:00:00Z", "undo": "0011223344556677",
        }  # fmt: skip

    def summary(self) -> dict[str, object]:
        heard = {
            "heard_at": "2026-03-14T09:00:00Z", "held": 2, "drift": {"missing": 1, "unexpected": 0}, "behind": 4,
            "trouble": "",
        }  # fmt: skip
        silent = {"heard_at": None, "held": None, "drift": None, "behind": None, "trouble": ""}
        points = [
            {"name": "edge", "zone": "internet-edge", "tools": ["nftables"], "killed_by": None, **heard},
            {"name": "plant", "zone": "ot", "tools": ["suricata"], "killed_by": "ann", **silent},
        ]
        return {"killed": self.killed, "points": [] if self._node.empty else points}
