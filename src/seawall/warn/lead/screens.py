"""What is no sighting of an attack that came here later: taken out of every lead, counted, and named.

A value is taken out for the first reason that holds, in the order of ``REASONS``. Each reason is a way in which a lead
can be false: a scanner meets everybody, a public list is quoted and not met, a repeated sighting carries another's
moment, and a flood says when a sensor broke.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seawall.messages import mark
from seawall.warn.lead.columns import SECOND, Codes, Columns, Flags
from seawall.warn.lead.intervals import Floats

REASONS = {
    "mass-scanner": mark("It scans everybody."),
    "screened": mark("It failed another test of candidates: popular, on a warninglist, shared hosting, ours."),
    "imported-only": mark("Nothing but an imported indicator speaks for it there."),
    "public-list": mark("Both sides took it in with the same list at the same time."),
    "several-peers": mark("Several peers told the same list with the same moments."),
    "same-moment": mark(
        "It carries the very moment of the other side: nobody was first, or one sighting was told twice."
    ),
    "flood": mark("One sensor named a flood of new values in that hour."),
}
"""Name in the answers, and what it means. English; keys of the message catalogues."""

BATCH_SECONDS = 60  # a list is read in one go: its values appear within a minute
BATCH_VALUES = 20  # values of one batch; attackers' tools reach both sides with fewer in one and the same minute
BATCH_ALIKE = 0.8  # of either side's batch that stands in the other's too
FLOOD_VALUES = 500  # new values of one hour; below, no median moves
FLOOD_TIMES = 20  # times the side's median hour
FLOOD_SENSORS = 1  # that named it; two sensors that broke in the same hour are an attack
MAX_PARTIES = 32  # parties compared with each other: their pairs grow as the square


def screened(pairs: pa.Table, at: Columns) -> npt.NDArray[np.str_]:
    """For each row the reason for which it is taken out, "" where it stays."""
    reasons = np.full(len(at), "", dtype="U16")
    screen = pairs["screen"].combine_chunks()
    scanner = _flags(pc.equal(screen, "mass-scanner"))
    tests = {
        "mass-scanner": scanner,
        "screened": _flags(pc.is_valid(screen)) & ~scanner,
        "imported-only": at.imported,
        "public-list": _public_list(at),
        "several-peers": _several_peers(pairs, at),
        "same-moment": at.there == at.here,
        "flood": _flooded(at.there, at.there_sensors, at.party) | _flooded(at.here, at.here_sensors, at.party),
    }
    for name in reversed(REASONS):
        reasons[tests[name]] = name
    return reasons


def counts(reasons: npt.NDArray[np.str_]) -> dict[str, int]:
    """How many rows were taken out, by reason, in the order of ``REASONS``; reasons without any are left out."""
    found = Counter(reasons.tolist())
    return {name: found[name] for name in REASONS if found[name]}


def same_batch(one: Floats, other: Floats, group: Codes) -> Flags:
    """Which values both sides took in together: in one minute on either side, with nearly the same others.

    ``one`` and ``other`` are moments of the same values (microseconds; NaN: not met), compared within ``group``. A
    minute that begins anywhere is covered by two grids, half a minute apart.
    """
    found = np.zeros(len(one), np.bool_)
    for shift in (0.0, BATCH_SECONDS / 2):
        cells = [_cells(moments, group, shift) for moments in (one, other)]
        known = (cells[0] >= 0) & (cells[1] >= 0)
        if not known.any():
            continue
        shared = _sizes(cells[0] * (int(cells[1].max()) + 2) + cells[1], known)
        alike = np.minimum(shared / _sizes(cells[0], cells[0] >= 0), shared / _sizes(cells[1], cells[1] >= 0))
        found |= known & (shared >= BATCH_VALUES) & (alike >= BATCH_ALIKE)
    return found


def _public_list(at: Columns) -> Flags:
    return same_batch(at.there, at.here, at.party)


def _several_peers(pairs: pa.Table, at: Columns) -> Flags:
    """Values that two parties told with the same batches: a list that both subscribe to, not two sightings."""
    found = np.zeros(len(at), np.bool_)
    if len(at.parties) < 2:
        return found
    key = pc.binary_join_element_wise(pairs["type"], pairs["value"], " ").combine_chunks().dictionary_encode()
    number = np.asarray(key.indices.to_numpy(), np.int64)
    busiest = np.argsort(-np.bincount(at.party, minlength=len(at.parties)), kind="stable")[:MAX_PARTIES]
    moments = np.full((len(busiest), len(key.dictionary)), np.nan)
    for place, party in enumerate(busiest):
        rows = at.party == party
        moments[place, number[rows]] = at.there[rows]
    group = np.zeros(len(key.dictionary), np.int64)
    for place, party in enumerate(busiest):
        for other in range(place):
            batch = same_batch(moments[place], moments[other], group)
            found |= batch[number] & ((at.party == party) | (at.party == busiest[other]))
    return found


def _flooded(moments: Floats, sensors: Floats, party: Codes) -> Flags:
    """Values first met in an hour that named far more new ones than the side's hours do, by one sensor."""
    met = ~np.isnan(moments)
    if not met.any():
        return met
    hour = np.full(len(moments), -1, np.int64)
    hour[met] = (moments[met] // (3_600 * SECOND)).astype(np.int64)
    hour[met] += party[met] * (int(hour.max()) + 2)
    names, place, size = np.unique(hour[met], return_inverse=True, return_counts=True)
    of_party = np.zeros(len(names), np.int64)
    of_party[place] = party[met]
    usual = np.ones(int(of_party.max()) + 1)
    for one in np.unique(of_party):
        usual[one] = np.median(size[of_party == one])
    many = (size >= FLOOD_VALUES) & (size >= FLOOD_TIMES * usual[of_party])
    flooded = met.copy()
    flooded[met] = many[place]
    return flooded & (np.nan_to_num(sensors) <= FLOOD_SENSORS)


def _cells(moments: Floats, group: Codes, shift: float) -> Codes:
    """The minute of each moment within its group as a small number; -1 where there is none."""
    met = ~np.isnan(moments)
    cells = np.full(len(moments), -1, np.int64)
    if met.any():
        minute = ((moments[met] + shift * SECOND) // (BATCH_SECONDS * SECOND)).astype(np.int64)
        minute += group[met] * (int(minute.max()) + 2)
        cells[met] = np.unique(minute, return_inverse=True)[1]
    return cells


def _sizes(cells: Codes, known: Flags) -> Floats:
    """How many known entries share each entry's cell; 1 for an unknown one, so that it divides."""
    sizes = np.ones(len(cells))
    _, place, size = np.unique(cells[known], return_inverse=True, return_counts=True)
    sizes[known] = size[place]
    return sizes


def _flags(column: pa.Array) -> Flags:
    return np.asarray(pc.fill_null(column, False).to_numpy(zero_copy_only=False), np.bool_)
