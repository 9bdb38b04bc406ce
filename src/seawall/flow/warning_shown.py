"""One warning in full, as the person on duty needs it, and the rows of the desk's lists.

What, who saw it first, how sure, how long we probably have, which of our sectors and assets, what to do, why. Every
figure comes with the number of cases behind it, and what is not known is said to be so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC

from seawall.flow.authority import require
from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.flow.observations import plain_row
from seawall.flow.read_out import Speaker, find_warning
from seawall.flow.warning_desk import DeskState, Judge, refresh_desk
from seawall.flow.warning_proposal import proposal_for
from seawall.flow.warning_prospect import assets_in, lake_rows, time_left
from seawall.messages import translate
from seawall.model import Actor, Observable, ObservableType, Warning, from_microseconds, rfc3339
from seawall.model.answer import Answer, DeskPlace
from seawall.policy import visibility
from seawall.warn.advice import playbook_for
from seawall.warn.budget import false_alarm_rate
from seawall.warn.hunting import lake_query, observation_commands, sigma_rule
from seawall.warn.severity import Judged, Severity, judge_severity

Key = tuple[ObservableType, str]
STATES = ("open", "held", "snoozed", "answered", "all")
SHOWN_ROWS = 5
SHOWN_VALUES = 20  # other values of the group


def list_desk(
    node: Node, state: str, lang: str, *, least: Severity = Severity.INFO, limit: int, after: int,
    actor: Actor | None = None,
) -> tuple[Listing, DeskState]:  # fmt: skip
    """The desk's warnings in one of ``STATES``, the most urgent first; ``after`` counts rows."""
    person = actor or node.actor
    require(person, "read")
    seen = visibility(person)
    standing = refresh_desk(node)
    page = node.store.desk.list(node.clock(), state, least=int(least), after=after, limit=limit)
    speaker = Speaker(node, lang)
    rows = []
    answers = node.store.answers.of((place.type, place.value) for place in page.items)
    for place in page.items:
        warning = node.store.warnings.get(place.type, place.value, visibility=seen)
        if warning is not None:
            rows.append(_row(node, speaker, warning, place, answers.get((place.type, place.value), ())))
    return Listing(rows, page.next), standing


def list_by_change(
    node: Node, lang: str, *, limit: int, after: int, actor: Actor | None = None
) -> tuple[Listing, DeskState]:
    """All warnings, newest change last, with their place at the desk."""
    person = actor or node.actor
    require(person, "read")
    seen = visibility(person)
    standing = refresh_desk(node)
    page = node.store.warnings.list(seen, after=after, limit=limit)
    keys = [(warning.type, warning.value) for warning in page.items]
    places, answers = node.store.desk.of(keys), node.store.answers.of(keys)
    speaker = Speaker(node, lang)
    rows = [
        _row(node, speaker, warning, places.get(key), answers.get(key, ()))
        for key, warning in zip(keys, page.items, strict=True)
    ]
    return Listing(rows, page.next), standing


def desk_document(standing: DeskState) -> dict[str, object]:
    """Today's budget, and what the answers say about false alarms."""
    refuted, answers, interval = false_alarm_rate(list(standing.records.values()))
    return {
        "budget_per_day": standing.budget,
        "raised_today": standing.raised_today,
        "below_budget": standing.waiting,
        "held_by_answers": standing.held_by_bar,
        "answers": answers,
        "refuted": refuted,
        "false_alarm_share": round(refuted / answers, 4) if interval is not None else None,
        "false_alarm_interval": [round(interval.low, 4), round(interval.high, 4)] if interval is not None else None,
    }


def show_warning(node: Node, value: str, lang: str, actor: Actor | None = None) -> dict[str, object]:
    """Everything about one warning. Raises NotFound E-FLOW-281, Refused E-FLOW-004."""
    person = actor or node.actor
    require(person, "read")
    standing = refresh_desk(node)
    warning = find_warning(node, value, person)
    key = (warning.type, warning.value)
    place = node.store.desk.of([key]).get(key)
    answers = node.store.answers.of([key]).get(key, [])
    row = _row(node, Speaker(node, lang), warning, place, answers)
    judged, score = _judged(node, warning, place, answers)
    rows = lake_rows(node, warning, person)
    return {
        **row,
        "severity": judged.severity.label,
        "severity_points": judged.points,
        "severity_because": [
            {"points": one.points, "text": translate(one.text, lang, **one.values)} for one in judged.because
        ],
        "score": score,
        "time_left": time_left(node, warning, lang),
        "our_sectors": list(Judge(node, Counter()).facts(warning, "", (), 0).own_sectors),
        "our_assets": assets_in(node, rows),
        "rows_here": len(rows),
        "newest_rows": [plain_row(found) for found in rows[:SHOWN_ROWS]],
        "evidence": _evidence(node, warning, person),
        "group_values": _group_values(node, place, warning, person),
        "directive": _directive(node, warning, lang),
        "hunt": _hunt(node, warning, judged.severity),
        "playbook": _playbook(warning, lang),
        "answers": [answer_row(answer) for answer in answers],
        "budget": desk_document(standing),
    }


def answer_row(answer: Answer) -> dict[str, object]:
    """One answer as the doors show it."""
    return {
        "verdict": answer.verdict.value,
        "at": rfc3339(answer.at),
        "by": answer.by if answer.peer is None else answer.peer,
        "peer": answer.peer,
        "note": answer.note,
    }


def state_of(place: DeskPlace | None, answers: Iterable[Answer], at: int) -> str:
    """One of ``STATES`` without all; ``held`` for what the desk has not seen."""
    if any(answer.peer is None for answer in answers):
        return "answered"
    if place is None:
        return "held"
    if place.snoozed_until is not None and place.snoozed_until > at:
        return "snoozed"
    return "open" if place.raised_at is not None else "held"


def _row(
    node: Node, speaker: Speaker, warning: Warning, place: DeskPlace | None, answers: Sequence[Answer]
) -> dict[str, object]:
    own = next((answer.verdict.value for answer in answers if answer.peer is None), None)
    return {
        **speaker.row(warning),
        "severity": Severity(place.severity).label if place else None,
        "state": state_of(place, answers, node.clock()),
        "group": place.group if place else None,
        "raised_at": rfc3339(place.raised_at) if place and place.raised_at is not None else None,
        "snoozed_until": rfc3339(place.snoozed_until) if place and place.snoozed_until is not None else None,
        "answer": own,
        "tlp": warning.tlp.label,
        "pap": warning.pap.label,
        "origins": sorted(warning.origins),
    }


def _judged(
    node: Node, warning: Warning, place: DeskPlace | None, answers: Sequence[Answer]
) -> tuple[Judged, dict[str, object] | None]:
    from seawall.flow.scores import scores_of

    key = (warning.type, warning.value)
    found = scores_of(node, [key]).get(key)
    group = place.group if place else ""
    judge = Judge(node, Counter(node.store.desk.sizes()))
    judged = judge_severity(judge.facts(warning, group, answers, place.placed_at if place else node.clock()))
    if found is None:
        return judged, None
    return judged, {"value": round(found.value, 1), "half_life_seconds": found.half_life_seconds}


def _evidence(node: Node, warning: Warning, person: Actor) -> list[dict[str, object]]:
    """Who saw it, on which bases: peers by their code names, ourselves by our side."""
    told = node.store.sightings.of(warning.type, warning.value, visibility=visibility(person))
    return [
        {
            "side": one.side, "peer": one.origin, "first_seen": rfc3339(one.first_seen),
            "last_seen": rfc3339(one.last_seen), "count": one.count, "basis": list(one.basis),
            "sectors": list(one.sectors), "told_at": rfc3339(one.told_at) if one.told_at is not None else None,
            "indicator_id": one.indicator_id,
        }
        for one in told
    ]  # fmt: skip


def _group_values(node: Node, place: DeskPlace | None, warning: Warning, person: Actor) -> list[str]:
    """Other values of the group that the person may see."""
    if place is None:
        return []
    seen = visibility(person)
    found: list[str] = []
    for other in node.store.desk.members(place.group, limit=SHOWN_VALUES + 1):
        if (other.type, other.value) != (warning.type, warning.value) and len(found) < SHOWN_VALUES:
            held = node.store.warnings.get(other.type, other.value, visibility=seen)
            found += [other.value] if held is not None else []
    return found


def _directive(node: Node, warning: Warning, lang: str) -> dict[str, object]:
    """What a tool could do about it: a proposal; nothing is ordered here."""
    found = proposal_for(node, warning)
    return {
        "action": found.action.value if found.action is not None else None,
        "expires_at": rfc3339(found.expires_at) if found.expires_at is not None else None,
        "because": [translate(text, lang) for text in found.because],
        "command": found.command,
    }


def _hunt(node: Node, warning: Warning, severity: Severity) -> dict[str, object]:
    observable = Observable(warning.type, warning.value)
    query = lake_query(observable)
    day = from_microseconds(node.clock()).astimezone(UTC).date().isoformat()
    title = f"Seawall warning about {warning.type.value} {warning.value}"[:200]
    return {
        "sigma": sigma_rule(observable, severity=severity, tlp=warning.tlp, day=day, title=title),
        "sql": query.text() if query is not None else None,
        "commands": list(observation_commands(observable)),
    }


def _playbook(warning: Warning, lang: str) -> dict[str, object]:
    found = playbook_for(warning.type)
    return {"name": found.name, "steps": [translate(step, lang) for step in found.steps]}
