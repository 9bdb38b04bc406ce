"""How much values still deserve attention: what store, lake and people say, weighed by ``warn.score``.

A party's reliability is the share of our own answers that confirmed what it told, drawn towards a prior while answers
are few. A peer's moments count no later than when we heard of them, so nobody keeps a value alive by dating it ahead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from seawall.codec.sharing import candidate_id
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.screens import node_screens
from seawall.identity import read_card
from seawall.model import Basis, Observable, ObservableType, SightingSummary, Tlp, Visibility, rfc3339
from seawall.model.answer import Answer, Verdict
from seawall.policy import visibility
from seawall.store.indicator_said import Said
from seawall.warn import Score, ScoreEvidence, Voice, VoiceKind, fades_at, score

if TYPE_CHECKING:
    import pyarrow as pa

Key = tuple[ObservableType, str]
OWN_TLP = Tlp.AMBER  # what our own sensors found, and people's answers
PEER_PRIOR, SOURCE_PRIOR = 0.6, 0.7
"""Reliability before any answer: a verified peer tells candidates that its rules passed, a list names what people
looked at."""
_PRIORS = {VoiceKind.OWN: 1.0, VoiceKind.PEER: PEER_PRIOR, VoiceKind.SOURCE: SOURCE_PRIOR}
PRIOR_ANSWERS = 4
"""So many answers weigh as much as the prior: one refuted hint does not brand a partner."""
MAX_ANSWERS = 10_000  # newest answers that reliability is drawn from
MAX_LISTED = 20_000  # values that ``list_scores`` weighs
PAGE = 10_000
SURE = frozenset({"honeypot", "blocked", "analyst"})


def scores_of(node: Node, keys: Iterable[Key], *, seen: Visibility = WHOLE_NODE) -> dict[Key, Score]:
    """The score of each value at this moment, from what ``seen`` may see; one for every key, 0 where nobody says
    anything."""
    at = node.clock()
    return {key: score(found, at) for key, found in evidence_of(node, keys, seen=seen).items()}


def evidence_of(
    node: Node, keys: Iterable[Key], *, seen: Visibility = WHOLE_NODE, sensors: bool = True
) -> dict[Key, ScoreEvidence]:
    """What is known about each value, by party. Without ``sensors`` the lake is not asked, which takes milliseconds."""
    wanted = list(dict.fromkeys(keys))
    trust = reliabilities(node)
    voices: dict[Key, list[Voice]] = {key: [] for key in wanted}
    identities = {peer.code_name: read_card(peer.card).identity_id for peer in node.store.peers.list()}
    for key, words in node.store.indicators.said(wanted).items():
        for word in words:
            if word.tlp <= seen.tlp_at_most and word.origin not in seen.excluded_origins:
                own_name = identities.get(word.origin or "")
                if own_name is None or word.external_id != candidate_id(own_name, Observable(*key)):
                    voices[key].append(_named(word, trust))
    for told in node.store.sightings.told(wanted):
        if told.tlp <= seen.tlp_at_most and told.origin is not None and told.origin not in seen.excluded_origins:
            voices[told.type, told.value].append(_told(told, trust))
    if seen.tlp_at_most >= OWN_TLP:
        for key, voice in (_own(node, wanted) if sensors else {}).items():
            voices[key].append(voice)
        for key, answers in node.store.answers.of(wanted).items():
            voices[key] += [_answered(answer, trust) for answer in answers]
    return {key: ScoreEvidence(key[0], tuple(found)) for key, found in voices.items()}


def reliabilities(node: Node) -> dict[tuple[VoiceKind, str], float]:
    """How often our own people confirmed what each peer and source told, drawn towards the prior.

    Parties about whose values nobody answered are left out.
    """
    ours = {(one.type, one.value): one.verdict for one in _answers(node) if one.peer is None}
    heard: Counter[tuple[VoiceKind, str]] = Counter()
    good: Counter[tuple[VoiceKind, str]] = Counter()
    parties: dict[Key, set[tuple[VoiceKind, str]]] = {key: set() for key in ours}
    for key, words in node.store.indicators.said(ours).items():
        parties[key] |= {_party(word.origin, word.source) for word in words}
    for told in node.store.sightings.told(ours):
        parties[told.type, told.value].add((VoiceKind.PEER, told.origin or ""))
    for key, verdict in ours.items():
        for party in parties[key]:
            heard[party] += 1
            good[party] += verdict is Verdict.CONFIRMED
    return {
        party: (good[party] + PRIOR_ANSWERS * _prior(party[0])) / (count + PRIOR_ANSWERS)
        for party, count in heard.items()
    }


class ListedScores(msgspec.Struct, frozen=True):
    """Rows of a listing, and how many values were weighed for it."""

    items: list[dict[str, object]]
    weighed: int
    cut: bool  # there were more values than are weighed at once


def list_scores(
    node: Node, *, value: Observable | None = None, type: ObservableType | None = None, limit: int = 100
) -> ListedScores:
    """The highest scores first: of one value, or of all candidates, met indicators and values that peers told."""
    seen = visibility(node.require("read"))
    keys = [(value.type, value.value)] if value is not None else _listed(node, seen, type)
    cut = len(keys) > MAX_LISTED
    evidence = evidence_of(node, keys[:MAX_LISTED], seen=seen)
    at = node.clock()
    found = sorted(((score(one, at), key) for key, one in evidence.items()), key=lambda pair: (-pair[0].value, pair[1]))
    if value is None:
        found = [pair for pair in found if pair[0].parts]
    return ListedScores([score_row(key, one, evidence[key], at) for one, key in found[:limit]], len(evidence), cut)


def score_row(key: Key, found: Score, evidence: ScoreEvidence, at: int) -> dict[str, object]:
    """One score as the doors show it."""
    return {
        "type": key[0].value,
        "value": key[1],
        "score": round(found.value, 1),
        "half_life_seconds": found.half_life_seconds,
        "fades_at": rfc3339(fades_at(evidence, at)) if found.parts else None,
        "parties": sorted({(voice.party or "us") for voice in evidence.voices}),
        "parts": [
            {"name": part.name, "effect": round(part.effect, 1), "why": part.why, "text": part.text,
             "values": dict(part.values)}
            for part in found.parts
        ],
    }  # fmt: skip


def _listed(node: Node, seen: Visibility, type: ObservableType | None) -> list[Key]:
    from seawall.flow.live_rows import own_sightings
    from seawall.match import candidate_table

    keys: dict[Key, None] = {}
    after: int | None = 0
    while after is not None and len(keys) <= MAX_LISTED:
        page = node.store.sightings.list(seen, type=type, after=after, limit=PAGE)
        keys |= {(one.type, one.value): None for one in page.items if one.count > 0}
        after = page.next
    if seen.tlp_at_most >= OWN_TLP:
        with node.lake.reading() as session:
            met = own_sightings(node, session, node.store.indicators.keys()).slice(0, MAX_LISTED)
            alarmed = candidate_table(session, node_screens(node)).slice(0, MAX_LISTED)
        for table in (met, alarmed):
            for kind, text in zip(table["type"].to_pylist(), table["value"].to_pylist(), strict=True):
                if type is None or kind == type.value:
                    keys[ObservableType(kind), text] = None
    return list(keys)


def _named(word: Said, trust: Mapping[tuple[VoiceKind, str], float]) -> Voice:
    kind, party = _party(word.origin, word.source)
    return Voice(
        kind=kind,
        party=party,
        reliability=trust.get((kind, party), _prior(kind)),
        named=True,
        named_at=word.valid_from,
        named_until=word.valid_until,
        confidence=word.confidence,
    )


def _told(told: SightingSummary, trust: Mapping[tuple[VoiceKind, str], float]) -> Voice:
    party = (VoiceKind.PEER, told.origin or "")
    heard = told.last_seen if told.told_at is None else min(told.last_seen, told.told_at)
    return Voice(
        kind=VoiceKind.PEER,
        party=party[1],
        reliability=trust.get(party, PEER_PRIOR),
        seen=True,
        seen_at=heard,
        sensors=1,  # a peer's count of sensors cannot be checked
        surely=bool(SURE & set(told.basis)),
    )


def _answered(answer: Answer, trust: Mapping[tuple[VoiceKind, str], float]) -> Voice:
    kind = VoiceKind.OWN if answer.peer is None else VoiceKind.PEER
    party = answer.peer or ""
    confirmed = answer.verdict is Verdict.CONFIRMED
    return Voice(
        kind=kind,
        party=party,
        reliability=1.0 if kind is VoiceKind.OWN else trust.get((kind, party), PEER_PRIOR),
        confirmed_at=answer.at if confirmed else None,
        refuted_at=None if confirmed else answer.at,
    )


def _own(node: Node, keys: Sequence[Key]) -> dict[Key, Voice]:
    """Our own sensors' voice: records of the lake, and hits that the site's own systems reported."""
    from seawall.match import day_table

    with node.lake.reading() as session:
        days = day_table(session, _values(keys))
    seen: dict[Key, list[tuple[int, int, bool]]] = {}  # last, sensors, surely
    for row in days.to_pylist():
        key = ObservableType(row["type"]), row["value"]
        seen.setdefault(key, []).append((row["last"], row["sensors"], row["surely"]))
    wanted = set(keys)
    for total in node.store.hits.totals():
        if (total.type, total.value) in wanted:
            alarms = 0 if total.basis == Basis.NONE else total.reporters  # as in the lake: met calmly
            told = total.last_seen, alarms, total.basis in SURE
            seen.setdefault((total.type, total.value), []).append(told)
    return {
        key: Voice(
            kind=VoiceKind.OWN,
            party="",
            seen=True,
            seen_at=max(last for last, _, _ in rows),
            sensors=max(sensors for _, sensors, _ in rows),
            surely=any(surely for _, _, surely in rows),
        )
        for key, rows in seen.items()
    }


def _values(keys: Sequence[Key]) -> pa.Table:
    import pyarrow as pa

    columns = [[kind.value for kind, _ in keys], [value for _, value in keys]]
    return pa.table([pa.array(column, pa.string()) for column in columns], names=["type", "value"])


def _answers(node: Node) -> list[Answer]:
    """The newest answers, at most ``MAX_ANSWERS``."""
    found: list[Answer] = []
    after: int | None = 0
    while after is not None:
        page = node.store.answers.list(after=after, limit=PAGE)
        found = [*found, *page.items][-MAX_ANSWERS:]
        after = page.next
    return found


def _party(origin: str | None, source: str) -> tuple[VoiceKind, str]:
    return (VoiceKind.SOURCE, source) if origin is None else (VoiceKind.PEER, origin)


def _prior(kind: VoiceKind) -> float:
    return _PRIORS[kind]
