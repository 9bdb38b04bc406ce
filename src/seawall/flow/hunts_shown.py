"""Hunts as the doors show them, and conversion to the language of a site's own SIEM."""

from __future__ import annotations

from seawall.flow.hunts import parts_of
from seawall.flow.hunts_answer import points_left
from seawall.flow.hunts_run import find_hunt
from seawall.flow.node import Node
from seawall.model import Actor, rfc3339
from seawall.model.hunt import AnswerTier, Hunt, HuntAnswer, HuntRun, HuntSide, HuntState
from seawall.policy import visibility
from seawall.warn.hunts import BadHunt


def list_hunts(
    node: Node, *, side: HuntSide | None = None, limit: int = 100, before: int = 0, actor: Actor | None = None
) -> tuple[list[dict[str, object]], int | None]:
    """Hunts that the person may see, newest first, and where the next page begins."""
    seen = visibility(actor or node.require("read"))
    page = node.store.hunts.list(side=side, before=before, limit=limit)
    return [hunt_row(node, one) for one in page.items if one.tlp <= seen.tlp_at_most], page.next


def show_hunt(node: Node, id: str, *, actor: Actor | None = None) -> dict[str, object]:
    """Everything about one hunt, its question and what of it the lake cannot answer included."""
    hunt = find_hunt(node, id, actor=actor or node.require("read"))
    try:
        losses = list(parts_of(hunt)[1])
    except BadHunt as bad:
        losses = [str(bad)]
    extra: dict[str, object] = {
        "text": hunt.text,
        "losses": losses,
        "run": run_row(hunt.run) if hunt.run is not None and hunt.side is HuntSide.RECEIVED else None,
        "answers": [answer_row(one) for one in node.store.hunts.answers(hunt)],
    }
    if hunt.side is HuntSide.RECEIVED:
        extra |= {"objection": hunt.objection or None, "points_left": points_left(node, hunt.peer)}
    return hunt_row(node, hunt) | extra


def hunt_row(node: Node, hunt: Hunt) -> dict[str, object]:
    """One hunt in short. An own one that nobody answered in time is ``not_run``, whatever the reason (rule 12)."""
    answers = node.store.hunts.answers(hunt)
    best = max((list(AnswerTier).index(one.tier) for one in answers), default=None)
    tier = list(AnswerTier)[best] if best is not None else None
    late = node.clock() > hunt.deadline
    if tier is None and hunt.side is HuntSide.ASKED and late:
        tier = AnswerTier.NOT_RUN
    state = hunt.state.value
    if late and hunt.state not in (HuntState.ANSWERED, HuntState.DECLINED):
        state = "expired"
    return {
        "id": hunt.id,
        "side": hunt.side.value,
        "peer": hunt.peer,
        "circle": hunt.circle,
        "name": hunt.name,
        "form": hunt.form.value,
        "state": state,
        "answer": tier.value if tier is not None else None,
        "since": rfc3339(hunt.since),
        "until": rfc3339(hunt.until),
        "deadline": rfc3339(hunt.deadline),
        "at": rfc3339(hunt.at),
        "tlp": hunt.tlp.label,
        "pap": hunt.pap.label,
        "confirms": hunt.confirms or None,
        "reviewed_by": list(hunt.reviewed_by),
        "reason": hunt.reason or None,
    }


def run_row(run: HuntRun) -> dict[str, object]:
    """What the lake said; it stays here."""
    return {
        "at": rfc3339(run.at),
        "by": run.by,
        "least": run.least,
        "most": run.most,
        "complete": run.complete,
        "days": run.days,
        "first_seen": rfc3339(run.first) if run.first is not None else None,
        "last_seen": rfc3339(run.last) if run.last is not None else None,
        "sectors": list(run.sectors),
        "bases": list(run.bases),
        "sensors": run.sensors,
        "losses": list(run.losses),
        "events": list(run.events),
    }


def answer_row(one: HuntAnswer) -> dict[str, object]:
    """One answer. ``band``: from and to, ends included; the last is null where it is open."""
    return {
        "id": one.object_id,
        "at": rfc3339(one.at),
        "tier": one.tier.value,
        "band": list(one.band) if one.band is not None else None,
        "count": one.count,
        "noise": one.noise or None,
        "first_seen": rfc3339(one.first) if one.first is not None else None,
        "last_seen": rfc3339(one.last) if one.last is not None else None,
        "sectors": list(one.sectors),
        "bases": list(one.bases),
        "by": one.by or None,
    }


def confirmations(node: Node, match: str) -> list[tuple[str, bool, int]]:
    """(peer, whether it confirms, moment in microseconds UTC) of each answer to hunts sent for one technique match.

    A yes or more confirms, a no refutes; what was not run says nothing.
    """
    return [
        (one.peer, one.tier is not AnswerTier.NO, one.at)
        for hunt in node.store.hunts.confirming(match)
        if hunt.side is HuntSide.ASKED
        for one in node.store.hunts.answers(hunt)
        if one.tier is not AnswerTier.NOT_RUN
    ]
