"""What a warning means here: how long there probably is, and which of our assets met the value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from seawall.flow.authority import TASKS
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.observations import plain_row
from seawall.messages import translate
from seawall.model import Actor, Observable, ObservableType, Warning
from seawall.warn.hunting import lake_query

LEAST_PAST = 10  # past leads below which an interval would promise more than is known
MAX_PAST = 20_000  # newest changes of warnings that past leads are taken from
MAX_ROWS = 1_000  # newest rows of the lake that name the value
SHOWN_ASSETS = 20
UNKNOWN = "unknown"  # sector of ranges that nobody described
SEED = 20_261_122  # of the bootstrap: the same figures give the same interval


def time_left(node: Node, warning: Warning, lang: str) -> dict[str, object]:
    """How long there probably is, from past usable leads of the same first side: of the same type where enough."""
    from seawall.warn.lead.intervals import bootstrap_median

    if warning.other_first_seen is not None:
        sentence = translate("It is here already.", lang)
        return {"state": "here", "text": sentence, "median_seconds": None, "interval_seconds": None, "cases": 0}
    same_type, any_type, watched = _past_leads(node, warning)
    past, basis = (same_type, warning.type.value) if len(same_type) >= LEAST_PAST else (any_type, "all")
    if len(past) < LEAST_PAST:
        sentence = translate(
            "There is not enough data: {count} past warnings of {side} came here, {least} are needed.",
            lang, count=len(past), side=warning.first_side, least=LEAST_PAST,
        )  # fmt: skip
        return {"state": "not-enough-data", "text": sentence, "median_seconds": None, "interval_seconds": None,
                "cases": len(past)}  # fmt: skip
    ordered = sorted(past)
    median = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    interval = bootstrap_median(past, seed=SEED)
    gone = (node.clock() - (warning.told_at or warning.first_seen)) / 1_000_000
    left = [max(0.0, round(end - gone)) for end in (interval.low, interval.high)]
    sentence = translate(
        "Of {watched} past warnings of {side}, {count} came here; half of these within {hours} h of being told. "
        "Since then {gone} h have passed.",
        lang, watched=watched, side=warning.first_side, count=len(past), hours=round(median / 3600, 1),
        gone=round(gone / 3600, 1),
    )  # fmt: skip
    return {
        "state": "probably",
        "text": sentence,
        "median_seconds": round(median),
        "interval_seconds": [round(interval.low), round(interval.high)],
        "left_seconds": left,
        "cases": len(past),
        "watched": watched,
        "types": basis,
    }


def _past_leads(node: Node, warning: Warning) -> tuple[list[float], list[float], int]:
    """Usable leads of past warnings of the same first side: of the same type, and of all; how many were watched."""
    cursor: int | None = max(0, node.store.desk.warnings_reached() - MAX_PAST)
    same: list[float] = []
    every: list[float] = []
    watched = 0
    while cursor is not None:
        page = node.store.warnings.list(WHOLE_NODE, after=cursor, limit=10_000)
        for item in page.items:
            if item.first_side != warning.first_side:
                continue
            watched += 1
            if item.usable_lead_seconds is not None:
                every.append(item.usable_lead_seconds)
                if item.type is warning.type:
                    same.append(item.usable_lead_seconds)
        cursor = page.next
    return same, every, watched


def lake_rows(node: Node, warning: Warning, person: Actor) -> list[dict[str, object]]:
    """The newest rows that name the value; none for who may not read telemetry."""
    query = lake_query(Observable(warning.type, warning.value))
    if query is None or person.role not in TASKS["read-telemetry"]:
        return []
    with node.lake.reading() as session:
        found = session.sql(
            f"SELECT * FROM {session.observations()} AS o WHERE {query.condition} "
            f"ORDER BY time DESC, event LIMIT {MAX_ROWS}",
            list(query.values),
        )
    return list(found.to_pylist())


def assets_in(node: Node, rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Our assets at the own end of these rows: those that somebody described first, then the most often met."""
    met: Counter[tuple[str, str, str, str]] = Counter()
    for row in map(plain_row, rows):
        for end, name in (("source", "src"), ("destination", "dst")):
            address = row.get(name)
            if row.get("own_end") not in (end, "both") or not isinstance(address, str):
                continue
            kind = ObservableType.IPV6 if ":" in address else ObservableType.IPV4
            asset = node.own_assets.asset_of(Observable(kind, address))
            if asset is not None:
                sector = "" if asset.sector == UNKNOWN else asset.sector
                met[asset.value, asset.organisation, sector, asset.criticality] += 1
    ordered = sorted(met.items(), key=lambda found: (not any(found[0][1:]), -found[1], found[0]))
    return [
        {"asset": asset, "organisation": organisation, "sector": sector, "criticality": criticality, "rows": count}
        for (asset, organisation, sector, criticality), count in ordered[:SHOWN_ASSETS]
    ]
