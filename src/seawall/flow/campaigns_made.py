"""From groups to campaigns as they are kept: moments, places, reasons, possible links, markings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from seawall.flow.campaigns_evidence import Key, Known
from seawall.model import ObservableType, Pap, Tlp
from seawall.model.campaign import Arrival, Campaign, Kind, Member, Reason
from seawall.warn.campaigns import OURS, Evidence, Explained, Groups, Named
from seawall.warn.campaigns.possible import Possible, Traits

MAX_NAME = 100  # characters of a campaign's name
MAX_TECHNIQUES = 50
MAX_ARRIVALS = 1000  # of one campaign: sides times sectors


class Making:
    """What one grouping found, on its way to campaigns."""

    def __init__(self, known: Known, evidence: Evidence, groups: Groups) -> None:
        self.known, self.evidence, self.groups = known, evidence, groups
        self._told = Explained(evidence, groups)
        self._possible = Possible(known.knowledge.actors)
        self.members: list[list[int]] = [[] for _ in range(groups.count)]
        for item, label in enumerate(groups.label.tolist()):
            if label >= 0:
                self.members[label].append(item)

    def keys(self, number: int) -> list[Key]:
        """The values of one group."""
        return [self.evidence.keys[item] for item in self.members[number]]

    def campaign(self, number: int, named: Named, before: Campaign | None, resting: int) -> Campaign:
        """One group as it is kept. ``before``: as it was; ``resting``: members whose records are gone."""
        known, evidence, items, keys = self.known, self.evidence, self.members[number], self.keys(number)
        reasons = self._told.group(number)
        traits = _traits(known, keys, self._told.shared(number))
        arrivals = _arrivals(known, keys)
        first, last = int(evidence.first[items].min()), int(evidence.last[items].max())
        if before is not None and resting:
            first, last = min(first, before.first_seen), max(last, before.last_seen)
        sides: dict[str, int] = {}
        for key in keys:
            for side, moment in known.sides[key].items():
                sides[side] = min(sides.get(side, moment), moment)
        for one in arrivals:
            sides[one.side] = min(sides.get(one.side, one.first_seen), one.first_seen)
        by_moment = sorted(keys, key=lambda key: (min(known.sides[key].values(), default=0), key))
        levels = [_level(known, key) for key in keys]
        founders = tuple(value for _, value in named.founders[number])
        return Campaign(
            id=named.ids[number],
            name=before.name if before is not None else _name(reasons, keys),
            first_seen=first,
            last_seen=last,
            sides=tuple(sorted(sides, key=lambda side: (sides[side], side))),
            sectors=tuple(dict.fromkeys(_sectors(known, by_moment, arrivals))),
            values=len(keys) + resting,
            reasons=reasons,
            split_from=named.split_from.get(number, before.split_from if before is not None else None),
            arrivals=arrivals,
            techniques=tuple(sorted(traits.techniques)[:MAX_TECHNIQUES]),
            links=self._possible.links(traits),
            tlp=Tlp(max(level[0] for level in levels)),
            pap=Pap(max(level[1] for level in levels)),
            origins=frozenset(origin for key in keys for origin in _origins(known, key)),
            only_from=_peer(known, int(self.groups.only_from[number])),
            founders=before.founders if before is not None else founders,
        )

    def rows(self, ids: Sequence[str]) -> Iterator[Member]:
        """The members of all groups; ``ids``: of each group."""
        for number, items in enumerate(self.members):
            for item in items:
                kind, value = key = self.evidence.keys[item]
                yield Member(
                    ObservableType(kind),
                    value,
                    ids[number],
                    int(self.evidence.first[item]),
                    int(self.evidence.last[item]),
                    round(float(self.groups.strength[item]), 3),
                    self._told.member(item),
                    _peer(self.known, int(self.evidence.source[item])),
                    tuple(sorted(self.known.sides[key])),
                )


def _sectors(known: Known, keys: Iterable[Key], arrivals: Sequence[Arrival]) -> Iterator[str]:
    """Those with a moment in their order, then those of which only the order within one value is known."""
    yield from (arrival.sector for arrival in arrivals)
    for key in keys:
        yield from known.sectors[key]


def _traits(known: Known, keys: Sequence[Key], shared: Iterable[Reason]) -> Traits:
    by_kind: dict[Kind, set[str]] = defaultdict(set)
    for reason in shared:
        by_kind[reason.kind].add(reason.value)
    related = frozenset(id for key in keys for id in known.knowledge.related.get(key, ()))
    return Traits(
        frozenset(by_kind[Kind.LABEL] | by_kind[Kind.RELATION]),
        related,
        frozenset(by_kind[Kind.MALWARE]),
        frozenset(by_kind[Kind.SIGNATURE]),
        frozenset(by_kind[Kind.TECHNIQUE]),
    )


def _arrivals(known: Known, keys: Iterable[Key]) -> tuple[Arrival, ...]:
    """First and last meeting of any member in each sector of each side, by corrected clocks where one ran behind."""
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for key in keys:
        met: dict[tuple[str, str], tuple[int, int]] = {}
        for side, sector, first, last in known.places.get(key, ()):
            first = max(first, known.sides[key].get(side, first))
            low, high = met.get((side, sector), (first, last))
            met[side, sector] = min(low, first), max(high, last)
        for place, (first, last) in met.items():
            before = found.get(place, (first, last, 0))
            found[place] = min(before[0], first), max(before[1], last), before[2] + 1
    ordered = sorted(found.items(), key=lambda one: (one[1][0], one[0]))
    return tuple(Arrival(*place, *times) for place, times in ordered[:MAX_ARRIVALS])


def _name(reasons: Sequence[Reason], keys: Sequence[Key]) -> str:
    """A label, where one is shared; else what weighs most; else the first value. Given once and kept."""
    label = next((reason.value for reason in reasons if reason.kind is Kind.LABEL), None)
    words = label or next((reason.value for reason in reasons if reason.kind not in (Kind.VICTIM, Kind.AS)), keys[0][1])
    return words[:MAX_NAME]


def _level(known: Known, key: Key) -> tuple[int, int]:
    tlp, pap = known.levels.get(key, (int(Tlp.AMBER), int(Pap.AMBER)))
    more = known.knowledge.markings.get(key, (0, 0))
    return max(tlp, more[0]), max(pap, more[1])


def _origins(known: Known, key: Key) -> set[str]:
    return known.origins.get(key, set()) | known.knowledge.origins.get(key, set())


def _peer(known: Known, number: int) -> str | None:
    return None if number == OURS else known.book.peers[number]
