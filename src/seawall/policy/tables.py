"""Truth tables of policy, made by trying every case: TLP x PAP x track x exclusion, seats, and IEP's statements."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seawall.model import Observable, Pap, Tlp
from seawall.model.circle import SEATED, CircleTerms, Seat, Track
from seawall.model.stored import StoredObject
from seawall.policy.explain import explain
from seawall.policy.iep import Iep, read_iep
from seawall.policy.markings import Markings
from seawall.policy.request import PrivateValues, ReleaseContext, ReleaseRequest

ONE, TWO = "one person", "two people"
_PEOPLE = {ONE: ("lin",), TWO: ("lin", "kim")}
_STATEMENTS: dict[str, tuple[str, ...]] = {
    "tlp": ("white", "green", "amber", "red", "anything else"),
    "permitted_actions": (
        "none",
        "contact-for-instruction",
        "internally-visible-actions",
        "externally-visible-indirect-actions",
        "externally-visible-direct-actions",
        "anything else",
    ),
    "encrypt_in_transit": ("may", "must", "anything else"),
    "affected_party_notifications": ("may", "must-not", "anything else"),
    "provider_attribution": ("may", "must", "must-not", "anything else"),
    "unmodified_resale": ("may", "must-not", "anything else"),
    "start_date": ("2026-03-14T00:00:00Z", "anything else"),
    "end_date": ("2026-03-14T00:00:00Z", "anything else"),
    "iep_version": ("2.0", "anything else"),
    "any other statement": ("anything",),
}


class Case(msgspec.Struct, frozen=True):
    """One object of our own and one member who agreed: what is asked of policy, under the highest ceilings."""

    tlp: Tlp
    pap: Pap
    track: Track
    excluded: bool
    seat: Seat = Seat.OFFICIAL


def every_case() -> Iterator[Case]:
    """TLP x PAP x track x exclusion, the member seated as the track asks."""
    for track in Track:
        for excluded in (False, True):
            for tlp in Tlp:
                for pap in Pap:
                    yield Case(tlp, pap, track, excluded, min(SEATED[track]))


def outcome(case: Case, *, pap_ceiling: Pap = Pap.RED) -> str:
    """Who has to approve it, else the rule that withholds it whoever does."""
    terms = CircleTerms(
        name="here", members=frozenset({"friend"}), tlp_ceiling=Tlp.RED, pap_ceiling=pap_ceiling, track=case.track
    )
    context = ReleaseContext(
        at=0,
        node_id="",
        private=PrivateValues(_nothing_own),
        agreed_with=frozenset({"friend"}),
        circles={"here": terms},
        seats={"friend": case.seat},
    )
    excluded = frozenset({"friend"} if case.excluded else ())
    stored = StoredObject("tool--0", "tool", "", None, b'{"type":"tool"}', case.tlp, case.pap, excluded=excluded)
    rule = ""
    for word, people in _PEOPLE.items():
        markings = Markings(case.tlp, case.pap, excluded)
        answer = explain(
            ReleaseRequest(object=stored, markings=markings, recipient="friend", approved_by=people), terms, context
        )
        if answer.released:
            return word
        rule = answer.rule
    return rule


def decision_tables() -> str:
    """Every case as Markdown: one table for each track, with a column for each PAP, then the excluded ones."""
    parts = []
    for track in Track:
        for excluded in (False, True):
            title = f"Track {track.value}, {'the member is excluded' if excluded else 'nobody is excluded'}"
            parts.append(f"### {title}\n\n{_table(track, excluded=excluded)}")
    return "\n".join(parts)


def ceiling_table() -> str:
    """PAP of the object x PAP ceiling of the circle, as Markdown."""
    lines = [f"| PAP | {' | '.join(f'ceiling {pap.label.upper()}' for pap in Pap)} |", "| --- " * 5 + "|"]
    for pap in Pap:
        case = Case(Tlp.GREEN, pap, Track.ONE, excluded=False)
        cells = (outcome(case, pap_ceiling=ceiling) for ceiling in Pap)
        lines.append(f"| {pap.label.upper()} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def seat_table() -> str:
    """Who is seated on which track, as Markdown."""
    lines = [f"| Sits as | {' | '.join(f'track {track.value}' for track in Track)} |", "| --- " * 4 + "|"]
    for seat in Seat:
        cells = (outcome(Case(Tlp.GREEN, Pap.CLEAR, track, excluded=False, seat=seat)) for track in Track)
        lines.append(f"| {seat.value} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def iep_table() -> str:
    """What each value of each statement of an information exchange policy does, as Markdown; found by reading it."""
    lines = ["| Statement | Value | Effect |", "| --- | --- | --- |"]
    for statement, values in _STATEMENTS.items():
        lines += [f"| `{statement}` | {value} | {_effect(read_iep({statement: value}))} |" for value in values]
    return "\n".join(lines) + "\n"


def _effect(said: Iep) -> str:
    if said.unclear:
        return "withheld by `markings-understood`; tools may watch, not block"
    found = [f"TLP:{said.tlp.label.upper()}"] if said.tlp is not None else []
    found += [f"PAP:{said.pap.label.upper()}"] if said.pap > Pap.CLEAR else []
    found += ["the provider is not named, here and further on"] if not said.named else []
    found += [f"obligation `{bound.value}`" for bound in sorted(said.bounds)]
    found += ["withheld by `iep-dates` before it"] if said.begins else []
    found += ["withheld by `iep-dates` from then on"] if said.ends is not None else []
    return ", ".join(found) or "nothing further"


def _table(track: Track, *, excluded: bool) -> str:
    lines = [f"| TLP | {' | '.join(f'PAP:{pap.label.upper()}' for pap in Pap)} |", "| --- " * 5 + "|"]
    for tlp in Tlp:
        cells = (outcome(Case(tlp, pap, track, excluded, min(SEATED[track]))) for pap in Pap)
        lines.append(f"| {tlp.label.upper()} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _nothing_own(_value: Observable) -> bool:
    return False
