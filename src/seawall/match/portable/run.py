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

from seawall.match.history import occurrences
from seawall.match.hits import Stretch
from seawall.match.interface import KeySource, LakeWriter, MatchLake
from seawall.match.keys import load_keys
from seawall.match.past import DAY, has_past, keep_past, past
from seawall.match.patterns import apart, not_asked
from seawall.match.portable.addresses import address_hits
from seawall.match.portable.aggregates import aggregate
from seawall.match.portable.both_sides import both_sides
from seawall.match.portable.hashes import hash_hits
from seawall.match.portable.names import cve_hits, name_hits
from seawall.match.portable.stage import HIT_COLUMNS, ComputingSession, Stage
from seawall.match.portable.urls import url_hits
from seawall.match.report import Increments, MatchOptions, MatchReport, MatchState
from seawall.match.run import HITS, STATE_NOTE, advance, beginning, provider_of, read_state, remembered

_FOUND, _PAST, _PAST_KEYS = "portable_found", "portable_past", "portable_past_keys"
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
    state = read_state(writer)
    done, run, fresh_start = beginning(writer, options)
    values, patterns = apart(table)
    later = values.filter(pc.greater(values["number"], done.last_number)) if done.last_number >= 0 else values
    found = _collect(session, values, later, done, options, run)
    if options.since is None:
        _keep_past(writer, later, options, run, -1 if state is None else state.last_number)
    held = session.derived(HITS)
    hits = _FOUND
    if held is not None and fresh_start:
        found += f" UNION ALL {_lasting(session, held)}"
    elif held is not None:
        found = (
            f"SELECT {HIT_COLUMNS} FROM ({found}) f WHERE NOT EXISTS "
            f"(SELECT 1 FROM {held} h WHERE h.event = f.event AND h.indicator = f.indicator)"
        )
        hits = f"(SELECT {HIT_COLUMNS} FROM {held} h UNION ALL SELECT {HIT_COLUMNS} FROM {_FOUND} f)"
    session.keep(_FOUND, found)
    totals = _totals(session, hits, table, _past(writer, session))
    if fresh_start:
        writer.replace_derived(HITS, session.hand_over(_FOUND))
    elif totals.hits > done.report.hits:
        writer.append_derived(HITS, session.hand_over(_FOUND))
    behind = not_asked(patterns, done, "the Spark engine evaluates no patterns; those of this node need DuckDB")
    totals, progress = advance(totals, done, options, run, writer.generation, table, behind)
    writer.set_note(STATE_NOTE, msgspec.json.encode(progress).decode())
    return totals


def _collect(
    session: ComputingSession, table: pa.Table, later: pa.Table, done: MatchState, options: MatchOptions, run: int
) -> str:
    """SQL for every pair that this run finds."""
    earlier = table.filter(pc.less_equal(table["number"], done.last_number))
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


def _keep_past(writer: LakeWriter, later: pa.Table, options: MatchOptions, run: int, met_before: int) -> None:
    """New keys meet the days of which only the roll-up is left; a search in few files, done by the writer's engine."""
    if later.num_rows and has_past(writer):
        counts = load_keys(writer, later, _PAST_KEYS)
        occurrences(writer, Stretch(writer.observations(0), _PAST_KEYS, counts, exact=options.exact), later)
        keep_past(writer, _PAST_KEYS, met_before, run)


def _lasting(session: ComputingSession, held: str) -> str:
    """SQL: held hits of days whose rows have left the lake, which a rebuild cannot find again."""
    days = ", ".join(str(day * DAY) for day in sorted(session.days()))
    gone = f" WHERE time - ((time % {DAY}) + {DAY}) % {DAY} NOT IN ({days})" if days else ""
    return f"SELECT {HIT_COLUMNS} FROM {held} h{gone}"


def _past(writer: LakeWriter, session: ComputingSession) -> str | None:
    """What is known of such days, brought to the session: this run may have added to it."""
    if (held := past(writer)) is None:
        return None
    session.register(_PAST, writer.sql(f"SELECT indicator, type, side, first FROM {held} AS p"))
    return _PAST


def _totals(session: ComputingSession, hits: str, keys: pa.Table, past: str | None) -> MatchReport:
    counted = aggregate(session, hits, past)
    lake = session.sql(
        f"SELECT count(*) AS n, count(DISTINCT side) AS sides FROM {session.observations(0)} AS o"
    ).to_pylist()[0]
    return MatchReport(
        events=lake["n"],
        **msgspec.structs.asdict(counted),
        both_sides=both_sides(session, keys) if lake["sides"] >= 2 else None,
        new=Increments(),
    )
