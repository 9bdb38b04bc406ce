"""Technique sightings and their possible matches, as the doors show them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid5

from seawall.flow.authority import require
from seawall.flow.hunts_shown import confirmations
from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.flow.techniques import collect
from seawall.model import Actor, rfc3339
from seawall.model.campaign import TechniqueSighting
from seawall.policy import visibility

MAX_PAGE = 10_000  # rows of one answer
PAGE = 1000
MATCHES = UUID("5d0a1f52-6c3e-5c7b-9f5e-0b7a4d5c2e11")  # names of matches are made in it
SEED = 20_261_122  # of the unrelated sequences: the same data give the same answer


def list_sightings(node: Node, *, limit: int = 100, after: int = 0, actor: Actor | None = None) -> Listing:
    """Technique sightings, ours and told, as they were first kept."""
    who = node.require("read") if actor is None else actor
    require(who, "read")
    collect(node)
    page = node.store.technique_sightings.list(visibility(who), after=after, limit=max(1, min(limit, MAX_PAGE)))
    return Listing([sighting_row(one) for one in page.items], page.next)


def matches(node: Node, *, limit: int = 100, actor: Actor | None = None) -> dict[str, object]:
    """Possible matches across sides, with how often unrelated sequences match.

    JSON: items (id, similarity, p, p_interval, q, common, tools, one, other, answers of hunts), next, sequences, pairs,
    draws, false_matches, false_match_rate, known_techniques.
    """
    from seawall.warn.techniques import compare

    who = node.require("read") if actor is None else actor
    require(who, "read")
    collect(node)
    found = compare(list(_all(node, who)), seed=SEED, actors=_actors(node))
    rate = found.false_match_rate
    return {
        "items": [
            {
                "id": match_id(match.one, match.other),
                "similarity": match.similarity,
                "possible": True,
                "common": list(match.common),
                "tools": list(match.tools),
                "p": match.p,
                "p_interval": [match.p_interval.low, match.p_interval.high],
                "q": match.q,
                "one": sighting_row(match.one),
                "other": sighting_row(match.other),
                "answers": _answers(node, match_id(match.one, match.other)),
            }
            for match in found.matches[:limit]
        ],
        "next": None,
        "sequences": found.sequences,
        "pairs": found.pairs,
        "draws": found.draws,
        "false_matches": found.false_matches,
        "false_match_rate": None if rate is None else [rate.low, rate.high],
        "known_techniques": found.known_techniques,
    }


def match_id(one: TechniqueSighting, other: TechniqueSighting) -> str:
    """The name of a possible match: the same for the same two sightings, whichever comes first."""
    return f"match--{uuid5(MATCHES, '|'.join(sorted((one.id, other.id))))}"


def _answers(node: Node, match: str) -> list[dict[str, object]]:
    """What peers found when they were asked to hunt for it: evidence for or against, one answer each."""
    found = confirmations(node, match)
    return [{"peer": peer, "confirms": confirms, "at": rfc3339(at)} for peer, confirms, at in found]


def _all(node: Node, who: Actor) -> Iterator[TechniqueSighting]:
    after: int | None = 0
    while after is not None:
        page = node.store.technique_sightings.list(visibility(who), after=after, limit=PAGE)
        yield from page.items
        after = page.next


def _actors(node: Node) -> list[frozenset[str]]:
    """What imported actors are said to use: how common techniques are."""
    from seawall.flow.campaigns_knowledge import read_actors

    return [actor.techniques for actor in read_actors(node) if actor.techniques]


def sighting_row(one: TechniqueSighting) -> dict[str, object]:
    """One technique sighting."""
    return {
        "id": one.id,
        "side": one.side,
        "sectors": list(one.sectors),
        "sequence": list(one.sequence),
        "tools": list(one.tools),
        "note": one.note,
        "first_seen": rfc3339(one.first_seen),
        "last_seen": rfc3339(one.last_seen),
        "source": one.source,
        "origin": one.origin,
        "entered_by": one.entered_by or None,
        "tlp": one.tlp.label,
        "pap": one.pap.label,
    }
