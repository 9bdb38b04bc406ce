"""One match run: what is new meets the keys, hits are kept, totals are told.

1. Nothing new since the last run: the remembered report, without the writer's lock.
2. Otherwise, under the lock: rows of new generations x keys of earlier runs, then the whole history x keys that are
   new, history pruned by the roll-up. A pair that is already held is left out, so compaction, ``--since`` and repeated
   runs never count anything twice.
3. Hits, progress and report become visible in one commit.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.match.history import occurrences, prune
from seawall.match.hits import FOUND, HIT_COLUMNS, Stretch, clear_found, find_hits
from seawall.match.interface import KeySource, LakeSession, LakeWriter, MatchLake
from seawall.match.keys import load_keys
from seawall.match.past import has_past, keep_past, lasting, past
from seawall.match.patterns import Behind, apart, meet_patterns
from seawall.match.report import Increments, MatchOptions, MatchReport, MatchState
from seawall.match.totals import count_totals

HITS = "hits"  # the derived dataset's name
STATE_NOTE = "match.state"


def match(
    lake: MatchLake,
    keys: KeySource,
    options: MatchOptions | None = None,
    *,
    on_wait: Callable[[str], None] | None = None,
) -> MatchReport:
    """Compare the lake with the indicator keys and keep the hits.

    ``keys`` has the columns number, type, value, indicator_id, campaign, valid_until. An event meets an indicator that
    has not expired at the event's time; expiry later deletes no hit, and ``valid_from`` is no bar, because looking
    back is what a new indicator is for. Running twice adds nothing. Another ``exact`` than last time rebuilds, as does
    ``rebuild``. Raises Fault E-MATCH-001, E-MATCH-002 for unusable keys and what the lake raises.
    """
    options = options or MatchOptions()
    provider = provider_of(keys)
    if (held := remembered(lake, provider, options)) is not None:
        return held
    with lake.writing(on_wait or (lambda _sentence: None)) as writer:
        return _match_under_lock(writer, provider, options)


def read_state(session: LakeSession) -> MatchState | None:
    """How far matching has come; None before the first run or after the hits' columns changed."""
    text = session.note(STATE_NOTE)
    if text is None:
        return None
    state = msgspec.json.decode(text, type=MatchState)
    return state if state.revision == MatchState.__struct_defaults__[-1] else None


def provider_of(keys: KeySource) -> Callable[[int], pa.Table]:
    """The keys as a provider, whichever way they were given."""
    return keys if callable(keys) else _provider(keys)


def _provider(table: pa.Table) -> Callable[[int], pa.Table]:
    return lambda after: table.filter(pc.greater(table["number"], after)) if after else table


def remembered(lake: MatchLake, provider: Callable[[int], pa.Table], options: MatchOptions) -> MatchReport | None:
    """The last run's report when nothing is new since; None when a run is due."""
    with lake.reading() as session:
        held = read_state(session)
        if held is None or _must_rebuild(held, options) or not _is_current(session, held, provider):
            return None
        return msgspec.structs.replace(held.report, new=Increments())


def beginning(session: LakeSession, options: MatchOptions) -> tuple[MatchState, int, bool]:
    """What is done, this run's number, and whether the run starts afresh. Call it under the writer's lock."""
    state = read_state(session)
    fresh_start = state is None or _must_rebuild(state, options)
    done = MatchState(0, -1, options.exact, _nothing()) if state is None or fresh_start else state
    return done, (state.report.run if state is not None else 0) + 1, fresh_start


def advance(
    totals: MatchReport,
    done: MatchState,
    options: MatchOptions,
    run: int,
    generation: int,
    table: pa.Table,
    behind: Behind,
) -> tuple[MatchReport, MatchState]:
    """The report with its increments, and how far matching has come with it.

    A run limited by ``since`` has not met the earlier rows: it keeps its hits but does not advance.
    """
    totals = msgspec.structs.replace(
        totals, run=run, new=_difference(totals, done.report), patterns=behind.counts, problems=behind.problems
    )
    progress = msgspec.structs.replace(done, exact=options.exact, report=totals)
    if options.since is None:
        highest = max(done.last_number, pc.max(table["number"]).as_py() if table.num_rows else -1)
        progress = msgspec.structs.replace(progress, generation=generation, last_number=highest)
        progress = msgspec.structs.replace(progress, behind=behind.numbers, waiting=behind.waiting)
    return totals, progress


def _must_rebuild(state: MatchState, options: MatchOptions) -> bool:
    return options.rebuild or state.exact != options.exact


def _is_current(session: LakeSession, state: MatchState, provider: Callable[[int], pa.Table]) -> bool:
    if session.generation != state.generation and _count(session, session.observations(state.generation)):
        return False
    return not state.waiting and len(provider(state.last_number)) == 0


def _count(session: LakeSession, relation: str) -> int:
    return int(session.sql(f"SELECT count(*) AS n FROM {relation} AS o")["n"][0].as_py())


def _match_under_lock(writer: LakeWriter, provider: Callable[[int], pa.Table], options: MatchOptions) -> MatchReport:
    done, run, fresh_start = beginning(writer, options)
    table = provider(-1)
    values, patterns = apart(table)
    clear_found(writer)
    _collect(writer, values, done, options, run, last_met(writer))
    behind = meet_patterns(writer, patterns, done, options, run)
    earlier = writer.derived(HITS)
    if earlier is not None and fresh_start:
        writer.sql(f"INSERT INTO {FOUND} {lasting(writer, earlier, HIT_COLUMNS)}")
    held = None if fresh_start else earlier
    if held is not None:
        _leave_out_held(writer, held)
    if fresh_start:
        writer.replace_derived(HITS, f"(SELECT {HIT_COLUMNS} FROM {FOUND})")
    elif _count(writer, FOUND):
        writer.append_derived(HITS, f"(SELECT {HIT_COLUMNS} FROM {FOUND})")
    hits = f"(SELECT {HIT_COLUMNS} FROM {held} AS h UNION ALL SELECT {HIT_COLUMNS} FROM {FOUND})" if held else FOUND
    totals = count_totals(writer, hits, writer.observations(0), table, past(writer))
    totals, progress = advance(totals, done, options, run, writer.generation, table, behind)
    writer.set_note(STATE_NOTE, msgspec.json.encode(progress).decode())
    return totals


def last_met(session: LakeSession) -> int:
    """The last key that has met the days which have left the lake; a rebuild does not meet them again."""
    state = read_state(session)
    return -1 if state is None else state.last_number


def _collect(
    writer: LakeWriter, table: pa.Table, done: MatchState, options: MatchOptions, run: int, met_before: int
) -> None:
    earlier = table.filter(pc.less_equal(table["number"], done.last_number))
    new_rows = writer.observations(done.generation)
    if earlier.num_rows and _count(writer, new_rows):
        counts = load_keys(writer, earlier, "match_earlier")
        find_hits(writer, Stretch(new_rows, "match_earlier", counts, options.since, None, options.exact), run)
    later = table.filter(pc.greater(table["number"], done.last_number)) if done.last_number >= 0 else table
    if not later.num_rows:
        return
    counts = load_keys(writer, later, "match_later")
    stretch = Stretch(writer.observations(0), "match_later", counts, options.since, None, options.exact)
    pruned: Stretch | None = stretch
    if done.generation or has_past(writer):
        occurrences(writer, stretch, later)
        if options.since is None:
            keep_past(writer, stretch.keys, met_before, run)
        pruned = prune(writer, stretch)
    if pruned is not None:
        find_hits(writer, pruned, run)


def _leave_out_held(writer: LakeWriter, held: str) -> None:
    writer.sql(
        f"CREATE OR REPLACE TEMP TABLE {FOUND} AS SELECT f.* FROM {FOUND} f "
        f"ANTI JOIN {held} AS h ON f.event = h.event AND f.indicator = h.indicator"
    )


def _nothing() -> MatchReport:
    return MatchReport(0, 0, 0, 0, 0, 0, {}, None, Increments())


def _difference(totals: MatchReport, before: MatchReport) -> Increments:
    return Increments(**{name: getattr(totals, name) - getattr(before, name) for name in Increments.__struct_fields__})
