"""One match run by the portable stages, in the order and with the state of ``match.run``.

1. Nothing new since the last run: the remembered report, without an engine.
2. Otherwise, under the lake's writer lock: new rows x earlier keys, then the whole history x new keys; the pairs that
   are held already are left out; the totals are counted over both.
3. Hits, progress and report become visible in one commit, so the two engines can take turns on one lake.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.match.interface import KeySource, LakeWriter, MatchLake
from seawall.match.keys import load_keys
from seawall.match.portable.addresses import address_hits
from seawall.match.portable.aggregates import aggregate
from seawall.match.portable.both_sides import both_sides
from seawall.match.portable.hashes import hash_hits
from seawall.match.portable.names import cve_hits, name_hits
from seawall.match.portable.stage import HIT_COLUMNS, ComputingSession, Stage
from seawall.match.portable.urls import url_hits
from seawall.match.report import Increments, MatchOptions, MatchReport, MatchState
from seawall.match.run import HITS, STATE_NOTE, advance, beginning, provider_of, remembered

_FOUND = "portable_found"
Computing = Callable[[], AbstractContextManager[ComputingSession]]


def match_portably(
    lake: MatchLake,
    computing: Computing,
    keys: KeySource,
    options: MatchOptions | None = None,
    *,
    on_wait: Callable[[str], None] | None = None,
) -> MatchReport:
    """As ``match.match``, computed by the session that ``computing`` opens on the same lake."""
    options = options or MatchOptions()
    provider = provider_of(keys)
    if (held := remembered(lake, provider, options)) is not None:
        return held
    with lake.writing(on_wait or (lambda _sentence: None)) as writer, computing() as session:
        return _match_under_lock(writer, session, provider(-1), options)


def _match_under_lock(
    writer: LakeWriter, session: ComputingSession, table: pa.Table, options: MatchOptions
) -> MatchReport:
    done, run, fresh_start = beginning(writer, options)
    found = _collect(session, table, done, options, run)
    held = None if fresh_start else session.derived(HITS)
    hits = _FOUND
    if held is not None:
        found = (
            f"SELECT {HIT_COLUMNS} FROM ({found}) f WHERE NOT EXISTS "
            f"(SELECT 1 FROM {held} h WHERE h.event = f.event AND h.indicator = f.indicator)"
        )
        hits = f"(SELECT {HIT_COLUMNS} FROM {held} h UNION ALL SELECT {HIT_COLUMNS} FROM {_FOUND} f)"
    session.keep(_FOUND, found)
    totals = _totals(session, hits, table)
    if fresh_start:
        writer.replace_derived(HITS, session.hand_over(_FOUND))
    elif totals.hits > done.report.hits:
        writer.append_derived(HITS, session.hand_over(_FOUND))
    totals, progress = advance(totals, done, options, run, writer.generation, table)
    writer.set_note(STATE_NOTE, msgspec.json.encode(progress).decode())
    return totals


def _collect(session: ComputingSession, table: pa.Table, done: MatchState, options: MatchOptions, run: int) -> str:
    """SQL for every pair that this run finds."""
    earlier = table.filter(pc.less_equal(table["number"], done.last_number))
    later = table.filter(pc.greater(table["number"], done.last_number)) if done.last_number >= 0 else table
    found = []
    for name, part, after in (("portable_earlier", earlier, done.generation), ("portable_later", later, 0)):
        if part.num_rows:
            counts = load_keys(session, part, name)
            stage = Stage(session.observations(after), name, counts, run, options.since, options.exact)
            found += [
                *address_hits(session, stage),
                *name_hits(session, stage),
                *url_hits(stage),
                *hash_hits(stage),
                *cve_hits(session, stage),
            ]
    return " UNION ALL ".join(found) or _nothing()


def _nothing() -> str:
    numbers = ", ".join(f"CAST(0 AS BIGINT) AS {name}" for name in ("event", "indicator", "time"))
    texts = ", ".join(f"'' AS {name}" for name in ("type", "side", "sector", "sensor", "basis"))
    return f"SELECT {HIT_COLUMNS} FROM (SELECT {numbers}, {texts}, CAST(0 AS INT) AS run) n WHERE run > 0"


def _totals(session: ComputingSession, hits: str, keys: pa.Table) -> MatchReport:
    counted = aggregate(session, hits)
    lake = session.sql(
        f"SELECT count(*) AS n, count(DISTINCT side) AS sides FROM {session.observations(0)} AS o"
    ).to_pylist()[0]
    return MatchReport(
        events=lake["n"],
        **msgspec.structs.asdict(counted),
        both_sides=both_sides(session, keys) if lake["sides"] >= 2 else None,
        new=Increments(),
    )
