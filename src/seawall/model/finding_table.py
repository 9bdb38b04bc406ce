"""FINDING_SCHEMA: sightings and candidates as an Arrow table, the way ``match`` hands them to ``warn``.

One row is one value on one side. A candidate has no ``indicator_id``; an indicator's sighting has one. Times are
microseconds UTC, ``sectors`` are in order of arrival, ``basis`` is sorted. ``screen`` names the exclusion test that the
value failed (``mass-scanner``, ``popular`` ...), NULL when it passed all of them. The last three columns are evidence
beside the records themselves (``match.contacts`` measures them).
"""

from __future__ import annotations

import pyarrow as pa

FINDING_SCHEMA = pa.schema(
    [
        pa.field("type", pa.string(), nullable=False),  # ObservableType
        pa.field("value", pa.string(), nullable=False),  # canonical
        pa.field("side", pa.string(), nullable=False),
        pa.field("first_seen", pa.int64(), nullable=False),
        pa.field("last_seen", pa.int64(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),  # events
        pa.field("hostile", pa.int64(), nullable=False),  # of these, events with a hostile basis
        pa.field("sectors", pa.list_(pa.string()), nullable=False),
        pa.field("basis", pa.list_(pa.string()), nullable=False),
        pa.field("sensors", pa.int64(), nullable=False),  # distinct sensors, estimated above about 20
        pa.field("indicator_id", pa.string()),
        pa.field("campaign", pa.string()),
        pa.field("tlp", pa.int32(), nullable=False),
        pa.field("pap", pa.int32(), nullable=False),
        pa.field("origin", pa.string()),  # peer that told us; NULL: our own sensors
        pa.field("told_at", pa.int64()),  # when the other side was told: we them (ours), or they us (theirs)
        pa.field("screen", pa.string()),
        pa.field("quiet", pa.int64()),  # own addresses that met it without any alarm, estimated; NULL: not measured
        pa.field("met_with", pa.int64()),  # other shared values that the same own address met then; NULL: unknown
        pa.field("stranger", pa.bool_()),  # an address met under names or files that nobody shared; NULL: unknown
    ]
)
