"""A run in plain words: what goes in, what stays out and why, which bounds hold, and what leaks even so.

Works before any peer answered: it reads only what this node knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from seawall.exchange.psi.padding import list_length
from seawall.flow.budgets import left
from seawall.flow.circles import agreed_with
from seawall.flow.commitments import left_out
from seawall.flow.excluded import OF_TEST
from seawall.flow.met_commitments import MOST_MET, met_left_out
from seawall.flow.node import Node
from seawall.flow.overlap_circles import commitment_age, overlap_circles
from seawall.flow.overlap_counter import counter_of
from seawall.flow.overlap_met import met_set
from seawall.flow.overlap_set import OwnSet, Room, own_set
from seawall.flow.overlap_state import Talk, talk_of, young_today
from seawall.flow.overlap_stops import overlap_state
from seawall.messages import mark, translate
from seawall.model import ObservableType
from seawall.model.books import BudgetLeft
from seawall.model.epoch import EPOCH_DAYS, epoch_of

HOUR = 3_600_000_000  # microseconds
OUTSIDE: Mapping[str, str] = {
    "own-asset": mark("It is one of our own addresses or names."),
    "victim": mark("It is the victim's end of what was seen."),
    "operation": mark("People here keep it out (seawall commitments exclude)."),
    "warninglist": mark("A warninglist names it."),
    "shared": mark("Too many here meet it in peace: a shared server, resolver or address translator."),
    "common-site": mark("It is one of the sites that everybody visits, or lies below one."),
    "mass-scanner": mark("It scans everybody and says nothing about us."),
    "no-candidate": mark("It is no candidate any more."),
    "no-circle": mark("No circle with this peer carries this type or marking."),
    "marked-stricter": mark("An indicator here marks it more strictly than the circle allows."),
    "not-cosigned": mark("The peer has not cosigned a checkpoint over its commitment yet."),
    "too-young": mark("It was committed to too recently, and today's budget for such values is used up."),
    "over-budget": mark("The peer answers no more for now; stronger evidence went first."),
    "met-too-young": mark("It was met too recently: its commitment is not as old as the circle asks."),
    "met-earlier": mark("So much was met later that it does not enter."),
    "generated-name": mark("It looks like a name that a program made up."),
    "no-longer-here": mark("The lake holds it no longer."),
}
"""Why a value stays out; reasons of the books that are not here are shown as they are."""

BOUNDS = {
    "age": mark("A value enters once its commitment is {hours} hours old; of younger ones at most {hot} a day."),
    "guesses": mark(
        "Of {type} the peer may ask about {now} points now, {daily} in a day, {initial} once in an epoch of "
        "{days} days, {yearly} in a year. It has proved that it committed to {committed} values."
    ),
    "refill": mark("Only two people here can give it more: 'seawall budgets refill'."),
    "evidence": mark(
        "Nothing beyond the match itself is told before the peer has opened its own commitment to that value."
    ),
    "mutual": mark("Both sides learn the same matches, so every question shows the asked side what was asked."),
    "turns": mark("Who sends first learns first; the two sides take turns by day, and a run that is broken off is on "
                  "the ledger."),
    "decoys": mark("{count} made-up values are among ours; whoever holds three of them is stopped."),
    "met": mark(
        "Of what we merely met, values that pass the same tests are compared with the peer's suspects, at most {most} "
        "new ones of a type in a list, the latest first; what both merely met is compared nowhere. Both sides must "
        "want it: 'overlap.compare_met'."
    ),
    "size": mark("The number of matches is not counted first: no relay with the counter role is set for both sides."),
    "size-first": mark(
        "A relay counts the matches with noise first, where both lists are long enough; outside of {least} to {most} "
        "nothing is compared. Whoever runs it together with the peer learns the matches, not the rest."
    ),
    "tiers": mark("Of a match, when and in which sectors we saw it goes by itself where a standing release lets "
                  "sightings go; otherwise a person says so with 'seawall overlap {peer} --reveal'."),
}  # fmt: skip
"""Every bound, as people read it."""

LEAKS = (
    mark("The peer learns how long our list is, up to a fourth more, and when we compare."),
    mark("For every match it learns on which day we brought the value."),
    mark("It keeps what stands for everything we brought in this epoch, also what we delete; it can test later guesses "
         "against it only as far as our budget lets it."),
    mark("Whoever really holds a value, or signs that it does, learns whether we hold it: that is the purpose."),
    mark("A patient liar can ask some thousands of chosen questions a year; that is mostly noticed afterwards."),
    mark("Who suspects a value that we merely met learns that we met it, and on which day first; so what our people "
         "visit can be guessed at, within the same budget."),
    mark("A commitment proves when something was claimed, not that it was seen."),
    mark("The matches tell the peer where our sensors look."),
    mark("Masks are not safe against a quantum computer; the sealed envelope around them is."),
    mark("A relay in between sees that the two sides speak, and without cover ('seawall peers cover') also when and "
         "how much."),
)  # fmt: skip
"""What remains (privacy notes 1.5 and 2.3)."""


class Sentence(msgspec.Struct, frozen=True):
    """One sentence with its values, to be shown in the reader's language."""

    text: str
    values: dict[str, object] = {}

    def spoken(self, lang: str) -> str:
        """As it is read."""
        return translate(self.text, lang, **self.values)


def explain_overlap(
    node: Node, peer: str, types: Sequence[ObservableType], *, lang: str = "en", limit: int = 10
) -> dict[str, object]:
    """What a run over these types would do now; ``limit`` values of each reason are named. Nothing leaves."""
    node.require("read-telemetry")
    circles = overlap_circles(node, peer, agreed=False)
    books, met_books = left_out(node), met_left_out(node)
    compare_met = node.settings.overlap.compare_met
    epoch = epoch_of(node.clock())
    shown: list[dict[str, object]] = []
    bounds: list[Sentence] = []
    for type in types:
        budget, talk = left(node, peer, type), talk_of(node, peer, type)
        said = talk is not None and talk.number == epoch.number
        room = Room(_values(talk.room), _young(node, peer, talk, type)) if said and talk is not None else Room()
        chosen = own_set(node, peer, type, circles, room)
        outside = _together(chosen.left_out, books.get(type.value, {}))
        met = met_set(node, peer, type, circles, Room(room.values, 0)) if compare_met else None
        if not (chosen.values or outside or said or (met is not None and met.values)):
            continue
        row = _type(chosen, outside, budget, said=said, lang=lang, limit=limit)
        if met is not None:
            agreed = bool(talk.theirs_met) if said and talk is not None else None
            row["met"] = _met(met, met_books.get(type.value, {}), agreed=agreed, lang=lang, limit=limit)
        shown.append(row)
        bounds.append(_guesses(budget))
        if chosen.decoys:
            bounds.append(Sentence(BOUNDS["decoys"], {"count": chosen.decoys}))
    age = commitment_age(circles)
    hot = left(node, peer, types[0]).hot_cap if types else 0
    bounds.insert(0, Sentence(BOUNDS["age"], {"hours": f"{age / HOUR:g}", "hot": hot}))
    bounds += [Sentence(BOUNDS[name]) for name in ("refill", "evidence", "mutual", "turns")]
    if compare_met:
        bounds.append(Sentence(BOUNDS["met"], {"most": MOST_MET}))
    band = node.settings.overlap
    counted = Sentence(BOUNDS["size-first"], {"least": band.band_least, "most": band.band_most})
    bounds.append(Sentence(BOUNDS["size"]) if counter_of(node, peer) is None else counted)
    bounds.append(Sentence(BOUNDS["tiers"], {"peer": peer}))
    return {
        "peer": peer,
        "state": overlap_state(node, peer),
        "circles": [terms.name for terms in circles],
        "agreed": any(agreed_with(node, terms, peer) for terms in circles),
        "epoch": epoch.number,
        "types": shown,
        "bounds": [one.spoken(lang) for one in bounds],
        "leaks": [translate(one, lang) for one in LEAKS],
    }


def _young(node: Node, peer: str, talk: Talk, type: ObservableType) -> int:
    return max(min(talk.hot, node.settings.overlap.hot_per_day) - young_today(node, peer, type), 0)


def _values(points: int) -> int:
    from seawall.exchange.psi.padding import most_items

    return max(most_items(points), 0)


def _together(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {reason: left.get(reason, 0) + right.get(reason, 0) for reason in sorted({*left, *right})}


def _type(
    chosen: OwnSet, outside: Mapping[str, int], budget: BudgetLeft, *, said: bool, lang: str, limit: int
) -> dict[str, object]:
    return {
        "type": chosen.type.value,
        "entering": chosen.entering(),
        "young": chosen.hot,
        "decoys": chosen.decoys,
        "points": list_length(chosen.entering() + chosen.decoys),
        "peer_said_what_it_answers": said,
        "left_out": _left_out(chosen, outside, lang, limit),
        "peer_may_ask": budget.now,
    }


def _met(chosen: OwnSet, books: Mapping[str, int], *, agreed: bool | None, lang: str, limit: int) -> dict[str, object]:
    """What we merely met: how much of it would go beside the peer's suspects. ``agreed`` None: it said nothing yet."""
    named: dict[str, int] = {}
    for test, count in books.items():
        reason = OF_TEST.get(test, test)
        named[reason] = named.get(reason, 0) + count
    outside = _together(chosen.left_out, named)
    return {
        "entering": chosen.entering(),
        "peer_wants_it": agreed,
        "left_out": _left_out(chosen, outside, lang, limit),
    }


def _left_out(chosen: OwnSet, outside: Mapping[str, int], lang: str, limit: int) -> list[dict[str, object]]:
    return [
        {
            "reason": reason,
            "count": count,
            "meaning": translate(OUTSIDE[reason], lang) if reason in OUTSIDE else reason,
            "sample": chosen.sample.get(reason, [])[:limit],
        }
        for reason, count in outside.items()
    ]


def _guesses(budget: BudgetLeft) -> Sentence:
    return Sentence(
        BOUNDS["guesses"],
        {
            "type": budget.type.value,
            "now": budget.now,
            "daily": budget.daily_cap,
            "initial": budget.initial_cap,
            "yearly": budget.yearly_cap,
            "committed": budget.committed,
            "days": EPOCH_DAYS,
        },
    )
