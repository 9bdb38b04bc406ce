"""Possible links: imported knowledge that may be about the same actor, with reasons. Never a verdict.

Four reasons count: an imported relationship of a member, a label that is the name, a tool, and techniques. A tool or a
technique says the less the more actors use it (``log(actors / users)`` as a share of ``log(actors)``); techniques need
``MIN_TECHNIQUES`` in common, because everybody phishes.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from seawall.model.campaign import Kind, PossibleLink, Reason

MIN_TECHNIQUES = 3
MIN_SHARE = 0.5
"""Of what the campaign's techniques say together, so much must be the actor's."""
MIN_WEIGHT = 0.3
MOST = 5
"""Possible links of one campaign: more than a hunter can follow helps nobody."""
MIN_TOOL = 5
"""Letters of a tool's name that is looked for in the texts of signatures; shorter ones stand in every second text."""
_WORD = re.compile(r"[a-z0-9]+")


class Actor(msgspec.Struct, frozen=True):
    """An intrusion set, threat actor or campaign of imported knowledge."""

    object_id: str
    name: str
    kind: str
    aliases: tuple[str, ...] = ()
    techniques: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()  # names


class Traits(msgspec.Struct, frozen=True):
    """What is known of one campaign of ours."""

    labels: frozenset[str] = frozenset()
    related: frozenset[str] = frozenset()  # ids of objects that members have relationships to
    tools: frozenset[str] = frozenset()  # names of malware
    signatures: frozenset[str] = frozenset()  # texts
    techniques: frozenset[str] = frozenset()


class Possible:
    """Looks campaigns up among actors; indexes are made once."""

    def __init__(self, actors: Sequence[Actor]) -> None:
        self._actors = actors
        self._by_id = {actor.object_id: place for place, actor in enumerate(actors)}
        self._by_name: dict[str, set[int]] = defaultdict(set)
        self._by_tool: dict[str, set[int]] = defaultdict(set)
        self._by_technique: dict[str, set[int]] = defaultdict(set)
        for place, actor in enumerate(actors):
            for name in (actor.name, *actor.aliases):
                self._by_name[_folded(name)].add(place)
            for tool in actor.tools:
                self._by_tool[_folded(tool)].add(place)
            for technique in actor.techniques:
                self._by_technique[technique].add(place)

    def links(self, traits: Traits) -> tuple[PossibleLink, ...]:
        """The likeliest actors, with what speaks for each; weights of 0 to 1 a reason, strongest first."""
        found: dict[int, list[Reason]] = defaultdict(list)
        for related in sorted(traits.related):
            if (place := self._by_id.get(related)) is not None:
                found[place].append(Reason(Kind.RELATION, self._actors[place].name, 1.0))
        for label in sorted(traits.labels):
            for place in self._by_name.get(_folded(label), ()):
                found[place].append(Reason(Kind.LABEL, label, 0.9))
        for tool in sorted(self._tools(traits)):
            for place in self._by_tool[tool]:
                found[place].append(Reason(Kind.MALWARE, tool, round(0.8 * self._rarity(self._by_tool[tool]), 3)))
        self._techniques(traits.techniques, found)
        ranked = sorted(
            ((sum(reason.weight for reason in reasons), place) for place, reasons in found.items()),
            key=lambda one: (-one[0], self._actors[one[1]].object_id),
        )
        return tuple(self._link(place, found[place]) for weight, place in ranked[:MOST] if weight >= MIN_WEIGHT)

    def _link(self, place: int, reasons: Iterable[Reason]) -> PossibleLink:
        actor = self._actors[place]
        ordered = sorted(reasons, key=lambda reason: (-reason.weight, reason.kind, reason.value))
        return PossibleLink(actor.object_id, actor.name, actor.kind, tuple(ordered[:MOST]))

    def _tools(self, traits: Traits) -> set[str]:
        named = {_folded(tool) for tool in traits.tools}
        for text in traits.signatures:
            words = _WORD.findall(text.lower())
            named |= {"".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)}
        return {tool for tool in named if tool in self._by_tool and len(tool) >= MIN_TOOL}

    def _techniques(self, techniques: frozenset[str], found: dict[int, list[Reason]]) -> None:
        weights = {one: self._rarity(self._by_technique[one]) for one in techniques if one in self._by_technique}
        whole = sum(weights.values())
        shared: dict[int, float] = defaultdict(float)
        count: Counter[int] = Counter()
        for technique, weight in weights.items():
            for place in self._by_technique[technique]:
                shared[place] += weight
                count[place] += 1
        for place, weight in shared.items():
            if whole and count[place] >= MIN_TECHNIQUES and weight / whole >= MIN_SHARE:
                both = ", ".join(sorted(weights.keys() & self._actors[place].techniques))
                share = 0.6 * (weight / whole) * min(1.0, weight)
                found[place].append(Reason(Kind.TECHNIQUE, both[:200], round(share, 3), count[place]))

    def _rarity(self, users: set[int]) -> float:
        """1 for what one of them has, towards 0 for what all have."""
        actors = len(self._actors)
        return 1.0 if actors < 2 else math.log(actors / len(users)) / math.log(actors)


def _folded(name: str) -> str:
    return "".join(_WORD.findall(name.lower())) or name.casefold()
