"""Rows just stored x live keys -> hits, kept in the lake beside those of ``match``, in the rows' own commit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from seawall.match.hits import HIT_COLUMNS
from seawall.match.interface import LakeSession, LakeWriter
from seawall.match.live import NONE, LiveKeys, Numbers
from seawall.match.run import HITS, read_state

_FRESH = "match_live_hits"


def hits_of(keys: LiveKeys, rows: pa.Table, first_event: int) -> pa.Table:
    """Every pair of a row (OBSERVATION_SCHEMA without ``event``) and a key, with the columns of the lake's hits but
    ``run``. Rows are numbered from ``first_event`` on.
    """
    found: list[np.ndarray] = []
    ends = [_pairs_of_addresses(keys, rows, end) for end in ("src", "dst")]
    found += ends
    for column in keys.columns:
        found.append(_pairs_of_texts(keys, rows, column))
    pairs = np.unique(np.concatenate(found), axis=0)
    if len(pairs):
        times = np.asarray(rows["time"])[pairs[:, 0]]
        standing = [
            bool(keys.standing((number,), time))
            for number, time in zip(pairs[:, 1].tolist(), times.tolist(), strict=True)
        ]
        pairs = pairs[np.array(standing, dtype=bool)]
    taken = rows.select(["time", "side", "sector", "sensor", "basis"]).take(pa.array(pairs[:, 0]))
    known = np.unique(pairs[:, 1]).tolist()
    keys.fetch(known)
    kind_of = {number: facts.type for number in known if (facts := keys.facts(number)) is not None}
    kinds = [kind_of[number] for number in pairs[:, 1].tolist()]
    plain = {name: taken[name].cast(pa.string()) for name in ("side", "sector", "sensor", "basis")}
    return pa.table(
        {
            "event": pairs[:, 0] + first_event,
            "indicator": pairs[:, 1],
            "type": pa.array(kinds, pa.string()),
            "time": taken["time"],
            **plain,
        }
    )


def held_run(session: LakeSession) -> int:
    """The number of the last run of ``match``; 0 before the first."""
    state = read_state(session)
    return state.report.run if state is not None else 0


def keep_hits(writer: LakeWriter, keys: LiveKeys, rows: pa.Table, first_event: int) -> pa.Table:
    """Add the hits of rows just stored to the lake's, in the same commit; what was added. The next ``match`` finds them
    held, and tells them as its own new ones.
    """
    found = hits_of(keys, rows, first_event)
    if len(found):
        run = held_run(writer) + 1
        writer.register(_FRESH, found)
        writer.append_derived(HITS, f"(SELECT {HIT_COLUMNS} FROM (SELECT *, {run:d}::INTEGER AS run FROM {_FRESH}))")
    return found


def _pairs_of_addresses(keys: LiveKeys, rows: pa.Table, end: str) -> np.ndarray:
    low, high = rows[f"{end}_low"].combine_chunks(), rows[f"{end}_high"].combine_chunks()
    places = np.flatnonzero(np.asarray(low.is_valid()))
    both = high.fill_null(0).to_numpy()[places], low.fill_null(0).to_numpy()[places]
    likely = keys.may_meet(*both)
    places = places[likely]
    halves = np.stack([half[likely] for half in both], axis=1)
    distinct, back = np.unique(halves, axis=0, return_inverse=True)
    return _spread(places, back.reshape(-1), [keys.address(h, lo) for h, lo in distinct.tolist()])


def _pairs_of_texts(keys: LiveKeys, rows: pa.Table, column: str) -> np.ndarray:
    array = rows[column].combine_chunks()
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    places = np.flatnonzero(np.asarray(array.is_valid()))
    if not len(places):
        return np.zeros((0, 2), dtype=np.int64)
    texts = array.dictionary.to_pylist()
    met = [_met(keys, column, text) if text is not None else NONE for text in texts]
    return _spread(places, array.indices.fill_null(0).to_numpy()[places], met)


def _met(keys: LiveKeys, column: str, text: str) -> Numbers:
    if column == "domain":
        return keys.name(text)
    if column == "cve":
        return tuple({number for one in text.split(",") for number in keys.text("cve", one.strip())})
    return keys.text(column, text)


def _spread(places: np.ndarray, codes: np.ndarray, met: Sequence[Numbers]) -> np.ndarray:
    """(row, key) of rows ``places`` whose value has the keys ``met[code]``."""
    counts = np.array([len(numbers) for numbers in met] or [0], dtype=np.int64)
    if not counts.any():
        return np.zeros((0, 2), dtype=np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    flat = np.array([number for numbers in met for number in numbers], dtype=np.int64)
    each = counts[codes]
    rows = np.repeat(places, each)
    offsets = np.arange(len(rows)) - np.repeat(np.cumsum(each) - each, each)
    return np.stack([rows, flat[np.repeat(starts[codes], each) + offsets]], axis=1)
