"""Budgets as people read them: each bound in plain words, and what is left of it."""

from __future__ import annotations

from seawall.flow.budgets import BURST_DAYS, caps_of, left
from seawall.flow.decoys import describe_hits
from seawall.flow.node import Node
from seawall.flow.overlap_stops import overlap_state, pause_of, stop_of
from seawall.flow.sizes import size_of
from seawall.messages import mark, translate
from seawall.model import ObservableType, rfc3339
from seawall.model.books import BudgetLeft
from seawall.model.epoch import epoch_number
from seawall.model.peer import PeerState

COMMITTED = mark(
    "{peer} proved that it had committed to {committed} values of type {type} on its ledger before it asked about them."
)
UNPROVED = mark("{peer} has proved no commitments of type {type} yet; until then only the daily sum holds.")
INITIAL = mark(
    "Once in this epoch, until {end}: {cap} values, 1.2 for each that it committed to. {left} are left of them."
)
DAILY = mark("Each day {cap} more, and at most {burst} in any three days. {left} are left of these three days.")
YEARLY = mark("In any 365 days at most {cap} in all. {left} are left.")
HOT = mark("Of values younger than the circle's commitment age it may open {cap} a day. {left} are left today.")
REFILLED = mark("Two people here added points for this epoch; {left} are left of them.")
NOW = mark("Right now it gets an answer about at most {now} values, and every one of them is off this budget for good.")
STOPPED = mark("Nothing is answered now: {reason}.")


def describe_budgets(node: Node, peer: str | None, lang: str = "en") -> list[dict[str, object]]:
    """One row for each peer and type: the bounds, what is left, and the same in plain words (``says``).

    With a peer all types that it committed to, asked about or waits for; without one, those of all verified peers.
    """
    node.require("read")
    if peer is not None:
        node.store.peers.get(peer)
    names = [peer] if peer is not None else [
        record.code_name for record in node.store.peers.list() if record.state is not PeerState.SEVERED
    ]  # fmt: skip
    active = set(node.store.budgets.known())
    rows = []
    for name in names:
        committed = size_of(node, name).totals
        for type in ObservableType:
            paused = pause_of(node, name, type) is not None
            if (name, type.value) in active or committed.get(type.value) or paused:
                rows.append(_row(node, left(node, name, type), lang))
    return rows


def peer_states(node: Node, peer: str | None) -> list[dict[str, object]]:
    """For each peer: running, question, paused or stopped, why, and how many decoys it hit."""
    records = [node.store.peers.get(peer)] if peer is not None else list(node.store.peers.list())
    rows: list[dict[str, object]] = []
    for record in records:
        stop = stop_of(node, record.code_name)
        rows.append(
            {
                "peer": record.code_name,
                "state": overlap_state(node, record.code_name),
                "since": rfc3339(stop.at) if stop is not None else None,
                "reason": stop.reason if stop is not None else "",
                "decoys_hit": describe_hits(node, record.code_name)["hits"],
            }
        )
    return rows


def shown(node: Node, budget: BudgetLeft, lang: str = "en") -> dict[str, object]:
    """One row by itself."""
    return _row(node, budget, lang)


def _row(node: Node, budget: BudgetLeft, lang: str) -> dict[str, object]:
    epoch, caps = epoch_number(budget.epoch), caps_of(node, budget.peer, budget.type)
    pause = pause_of(node, budget.peer, budget.type)
    stopped = budget.stopped or (pause.reason if pause is not None else "")
    return {
        "peer": budget.peer,
        "type": budget.type.value,
        "state": "stopped" if budget.stopped else "paused" if pause is not None else "running",
        "reason": stopped,
        "now": 0 if stopped else budget.now,
        "committed": budget.committed,
        "initial_left": budget.initial,
        "initial_cap": caps.initial,
        "daily_left": budget.daily,
        "daily_cap": caps.daily,
        "yearly_left": budget.yearly,
        "yearly_cap": caps.yearly,
        "hot_left": budget.hot,
        "hot_cap": caps.hot,
        "refilled_left": budget.refilled,
        "epoch": epoch.number,
        "epoch_start": rfc3339(epoch.start),
        "epoch_end": rfc3339(epoch.end),
        "says": _says(budget, rfc3339(epoch.end)[:10], stopped, lang),
    }


def _says(budget: BudgetLeft, end: str, stopped: str, lang: str) -> list[str]:
    def say(text: str, **values: object) -> str:
        return translate(text, lang, peer=budget.peer, type=budget.type.value, **values)

    burst = budget.daily_cap * BURST_DAYS
    lines = [say(COMMITTED, committed=budget.committed) if budget.committed else say(UNPROVED)]
    if budget.committed:
        lines.append(say(INITIAL, cap=budget.initial_cap, left=budget.initial, end=end))
    lines += [
        say(DAILY, cap=budget.daily_cap, burst=burst, left=budget.daily),
        say(YEARLY, cap=budget.yearly_cap, left=budget.yearly),
        say(HOT, cap=budget.hot_cap, left=budget.hot),
    ]
    if budget.refilled:
        lines.append(say(REFILLED, left=budget.refilled))
    lines.append(say(STOPPED, reason=stopped) if stopped else say(NOW, now=budget.now))
    return lines
