"""CrowdSec: our blocks (``ban``) and rate limits (``throttle``) as decisions of its local API.

Its own remediation components pull them; each obeys the types that it knows. We log in as a watcher (a *machine*:
``cscli machines add``) and make alerts that hold decisions, as ``cscli decisions import`` does. Each decision has a
duration that the local API counts itself, so a block ends also when this program is dead. What is only watched is not
sent: a component can only stop things. Hits are alerts of its other machines about values of ours; its components of
version 1.4 do not tell what they dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from seawall.messages import mark
from seawall.model import ObservableType, to_microseconds
from seawall.model.moments import parse_moment
from seawall.model.order import Change, Order
from seawall.model.unreadable import UNREADABLE
from seawall.protect.drivers.crowdsec_api import CrowdsecApi
from seawall.protect.drivers.held import Held, does, outcomes_of
from seawall.protect.drivers.interface import Drift, Outcome, ToolHit
from seawall.protect.feeds.crowdsec import DECISIONS

ORIGIN = SCENARIO = "seawall"
MAX_ALERT = 1_000  # decisions in one alert
NEAR = 5.0  # seconds by which an end may differ from the one asked for
MAX_TOLD = 10_000  # numbers of alerts that are remembered over a restart, the newest
LOOK_BACK = 120  # seconds before the last question that hits are asked for again: alerts come late
REFUSED = mark("CrowdSec did not take it: {detail}.")
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|µs|us|ns|m|s)")  # a duration as Go prints it
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


class Decision(msgspec.Struct, frozen=True):
    """One of ours as the local API holds it."""

    id: int
    value: str
    left: float  # seconds
    type: str


class CrowdsecDriver:
    """One local API, ``url`` like ``http://127.0.0.1:8080``; ``login``: a machine of its own, whose password is all
    that ``password_file`` holds."""

    name = "crowdsec"
    types = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR})

    def __init__(self, url: str, login: str, password_file: Path) -> None:
        self._api = CrowdsecApi(url, login, password_file)
        self._held = Held(self.types)
        self._ids: dict[str, int] = {}  # value -> the decision in force
        self._asked = 0.0  # when hits were asked for last, Unix seconds
        self._told: set[int] = set()  # alerts told already

    def prepare(self) -> None:
        """Log in, so that a wrong password is known at the start; hits count from the first time this is done."""
        self._api.log_in()
        if not self._asked:
            self._told |= {int(alert["id"]) for alert in self._others()}

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """New decisions first, then those that they replace and those that are over."""
        new, over = [], []
        for value, before, after in self._held.take(changes, at):
            if after is not None and _kind(after):
                if before is None or _kind(before) != _kind(after) or before.expires_at != after.expires_at:
                    new.append(after)
            elif value in self._ids:
                over.append(value)
        gone = [self._ids.pop(value) for value in (*over, *(order.value for order in new)) if value in self._ids]
        refused = self._decide(new, at)
        self._take_back(gone)
        return outcomes_of(changes, refused, REFUSED)

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """Compare every decision of ours with what shall be in force; add and take back."""
        self._held.replace(orders, at)
        wanted = {order.value: order for order in self._held if _kind(order)}
        self._ids, strange = {}, []
        for decision in self._ours():
            order = wanted.get(decision.value)
            right = order is not None and abs((order.expires_at - at) / 1e6 - decision.left) <= NEAR
            if right and decision.value not in self._ids and order is not None and decision.type == _kind(order):
                self._ids[decision.value] = decision.id
            else:
                strange.append(decision.id)
        missing = [order for value, order in wanted.items() if value not in self._ids]
        self._decide(missing, at)
        self._take_back(strange)
        return Drift(len(missing), len(strange), len(wanted))

    def expire(self, at: int) -> int:
        """The local API counts; what is over is only forgotten here. How many."""
        over = self._held.over(at)
        for value, _, after in self._held.take(over, at):
            if after is None or not _kind(after):
                self._ids.pop(value, None)
        return len(over)

    def hits(self) -> list[ToolHit]:
        """Alerts of other machines about values of ours, since the last call; the moments are the alerts'."""
        found: dict[str, ToolHit] = {}
        seen = set()
        for alert in self._others():
            seen.add(int(alert["id"]))
            order = self._held.of(str(alert["source"].get("value", "")))
            if int(alert["id"]) in self._told or order is None:
                continue
            at = to_microseconds(parse_moment(str(alert["created_at"])))
            held = found.get(order.value) or ToolHit(order.type, order.value, order.undo_id, at, at, 0)
            count = held.count + max(1, int(alert.get("events_count") or 1))
            first, last = min(held.first_seen, at), max(held.last_seen, at)
            found[order.value] = ToolHit(order.type, order.value, order.undo_id, first, last, count)
        self._told = seen
        return list(found.values())

    def position(self) -> str:
        """See ``Counting``: when alerts were asked for last, and which were told by then."""
        return msgspec.json.encode((self._asked, sorted(self._told)[-MAX_TOLD:])).decode()

    def resume(self, position: str) -> None:
        """See ``Counting``: CrowdSec keeps its alerts."""
        try:
            asked, told = msgspec.json.decode(position, type=tuple[float, list[int]])
        except UNREADABLE:
            return
        self._asked, self._told = asked, set(told)

    def clear(self) -> None:
        """Take back every decision of ours, whoever held them."""
        self._api.ask("DELETE", "/decisions", {"scenario": SCENARIO, "origin": ORIGIN})
        self._held.replace((), 0)
        self._ids = {}

    def close(self) -> None:
        """End the connection; the decisions stay until they run out."""
        self._api.close()

    def _decide(self, orders: Sequence[Order], at: int) -> dict[str, str]:
        """Make decisions, many an alert, and learn their numbers; what was refused, by value."""
        refused: dict[str, str] = {}
        for start in range(0, len(orders), MAX_ALERT):
            refused |= self._alert(orders[start : start + MAX_ALERT], at)
        return refused

    def _alert(self, orders: Sequence[Order], at: int) -> dict[str, str]:
        """One alert; when it is refused, halves are tried until the culprit is found alone."""
        answer = self._api.ask("POST", "/alerts", body=[_alert(orders, at)])
        if answer.status == 201:
            for alert_id in answer.document:
                alert = self._api.ask("GET", f"/alerts/{int(alert_id)}").document
                self._ids |= {decision.value: decision.id for decision in _decisions(alert)}
            return {}
        if len(orders) == 1:
            return {orders[0].value: answer.said}
        half = len(orders) // 2
        return self._alert(orders[:half], at) | self._alert(orders[half:], at)

    def _take_back(self, ids: Iterable[int]) -> None:
        for number in ids:
            self._api.ask("DELETE", f"/decisions/{number}")

    def _ours(self) -> Iterator[Decision]:
        asked = {"scenario": SCENARIO, "has_active_decision": "true", "limit": "0"}
        for alert in self._api.ask("GET", "/alerts", asked).document or ():
            yield from _decisions(alert)

    def _others(self) -> list[dict[str, Any]]:
        from time import time

        since = f"{round(time() - self._asked) + LOOK_BACK if self._asked else 1}s"
        self._asked = time()
        alerts = self._api.ask("GET", "/alerts", {"since": since, "limit": "0"}).document or []
        return [alert for alert in alerts if alert.get("scenario") != SCENARIO]


def _alert(orders: Sequence[Order], at: int) -> dict[str, object]:
    moment = datetime.fromtimestamp(at / 1e6, UTC).isoformat()
    decisions = [
        {
            "origin": ORIGIN,
            "scenario": SCENARIO,
            "type": _kind(order),
            "scope": "Range" if order.type is ObservableType.CIDR else "Ip",
            "value": order.value,
            "duration": f"{max(1, (order.expires_at - at) // 1_000_000)}s",
        }
        for order in orders
    ]
    return {
        "scenario": SCENARIO,
        "scenario_hash": "",
        "scenario_version": "",
        "message": SCENARIO,  # never somebody else's words
        "events": [],
        "events_count": len(orders),
        "capacity": 0,
        "leakspeed": "0",
        "simulated": False,
        "start_at": moment,
        "stop_at": moment,
        "source": {"scope": SCENARIO, "value": "orders"},
        "decisions": decisions,
    }


def _decisions(alert: dict[str, Any]) -> Iterator[Decision]:
    """Those in force; what is over has a negative duration."""
    for item in alert.get("decisions") or ():
        if item.get("origin") == ORIGIN and not str(item["duration"]).startswith("-"):
            yield Decision(
                int(item["id"]), str(item["value"]), _seconds(str(item["duration"])), str(item["type"]).lower()
            )


def _kind(order: Order) -> str:
    """The type of decision, which a component obeys if it knows it; empty: none, it only watches."""
    done = does(CrowdsecDriver.name, order)
    return DECISIONS[done] if done is not None else ""


def _seconds(duration: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))
