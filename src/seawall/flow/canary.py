"""Canaries of a node: what is watched first is judged by what our own sensors saw since, and blocks or waits.

The job reads the lake since the eldest canary began; the fast path only reads what it found (``flow/trials.py``). Each
step is on the ledger, has a sentence for the screen, and can be undone: ``forget_canary`` lets it be watched anew,
``seawall protect undo`` takes the value back.
"""

from __future__ import annotations

from seawall.flow.context import WHOLE_NODE
from seawall.flow.met_lately import MetLately, met_lately, most_calm
from seawall.flow.node import Node
from seawall.flow.orders import orders_for
from seawall.flow.trials import Found, forget_trial, keep_trial
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Observable, Visibility, rfc3339
from seawall.model.order import Booked, OrderState
from seawall.policy import visibility
from seawall.protect.canary import CanaryEvidence, CanaryVerdict, judge
from seawall.protect.lanes import Trial

MOST = 10_000  # canaries judged in one run, the eldest change first; the others follow in the next
PAGE = 1_000
MINUTE = 60_000_000  # microseconds
ACTOR = "canary"


def tend_canaries(node: Node) -> str:
    """The job: judge what is watched; how many block now, how many wait for a person."""
    watched = canaries(node)
    if not watched or not node.settings.lake.store_telemetry:
        return f"{len(watched)} watched, none judged" if watched else "nothing is watched"
    found: dict[Trial, list[Observable]] = {Trial.PASSED: [], Trial.FAILED: []}
    with met_lately(node, min(item.since for item in watched)) as met:
        for item in watched:
            verdict, value = _judged(node, met, item), _value(item)
            if verdict.trial in found:
                _tell(node, item, verdict)
                keep_trial(node, [value], Found(verdict.trial, node.clock(), verdict.text, verdict.values))
                found[verdict.trial].append(value)
    orders_for(node, [value for values in found.values() for value in values])
    passed, failed = len(found[Trial.PASSED]), len(found[Trial.FAILED])
    return f"{passed} block now, {failed} wait for a person, {len(watched) - passed - failed} are watched"


def canaries(node: Node, seen: Visibility = WHOLE_NODE) -> list[Booked]:
    """Orders that are watched first, the eldest change first."""
    watched: list[Booked] = []
    after: int | None = 0
    while after is not None and len(watched) < MOST:
        page, after = node.store.orders.page(seen, after, PAGE, states=(OrderState.CANARY.value,))
        watched += page
    return watched[:MOST]


def describe_canaries(node: Node) -> list[dict[str, object]]:
    """What is watched first at this moment, as far as the asker may see it."""
    person = node.require("read")
    return [
        {
            "type": item.order.type.value,
            "value": item.order.value,
            "since": rfc3339(item.since),
            "why": item.why,
            "values": item.values,
        }
        for item in canaries(node, visibility(person))
    ]


def forget_canary(node: Node, value: Observable) -> None:
    """Undo: what a canary or a rollback found no longer counts, and the value is judged from the beginning."""
    person = node.require("enforce")
    node.ledger.record_event(
        LedgerEvent(EventKind.OVERRIDE, node.clock(), person.name, value.value, {"trial": "forgotten"})
    )
    forget_trial(node, value)
    orders_for(node, [value])


def _judged(node: Node, met: MetLately, item: Booked) -> CanaryVerdict:
    sessions, calm, alarms = most_calm(met.of(_value(item)))
    evidence = CanaryEvidence(
        watched_minutes=max(0, node.clock() - item.since) / MINUTE,
        telemetry=met.records,
        sessions=sessions,
        calm_hosts=calm,
        alarms=alarms,
    )
    asked = node.settings.protect
    return judge(evidence, asked.canary_minutes, asked.canary_hits)


def _tell(node: Node, item: Booked, verdict: CanaryVerdict) -> None:
    """On the ledger before it takes effect."""
    details: dict[str, str | int | list[str]] = {
        "trial": verdict.trial.value,
        "type": item.order.type.value,
        "value": item.order.value,
        **verdict.values,
    }
    node.ledger.record_event(LedgerEvent(EventKind.CANARY, node.clock(), ACTOR, item.order.undo_id, details))


def _value(item: Booked) -> Observable:
    return Observable(item.order.type, item.order.value)
