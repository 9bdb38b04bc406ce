"""What our own records say of values: where they were met, with what, by whom.

``lake_links`` gives (type, value, kind, text), ``lake_background`` how common the same things are in ordinary traffic.
Values reach SQL in registered tables only (rule 7). DNS records are left out of addresses: they go to a resolver.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa

from seawall.codec.values import address_halves, halves_address
from seawall.model.campaign import Kind
from seawall.warn.interface import LakeRows

TEXT_TYPES = ("domain", "url", "email", "md5", "sha1", "sha256", "certificate")
"""Types of values that records name beside an address."""
TOOLS = ("ja3", "ja4", "hassh", "certificate", "signature", "file_name", "technique")
MAX_FEATURES_OF_VALUE = 200
"""Of one value and kind: a value met with more of a kind is connected to nobody by it."""
MAX_VALUES_OF_EVENT = 8
"""A record names a handful of values; events with more are lists, not meetings."""
_SCHEMA = pa.schema([("number", pa.int64()), ("type", pa.string()), ("v", pa.string()), ("h", pa.int64()),
                     ("l", pa.int64())])  # fmt: skip
_END = "CASE o.own_end WHEN 'source' THEN o.dst_{0} WHEN 'destination' THEN o.src_{0} END"
_OWN = "CASE o.own_end WHEN 'source' THEN o.src_{0} WHEN 'destination' THEN o.dst_{0} END"
_NO_DNS = "o.kind <> 'dns' AND coalesce(o.dst_port, 0) <> 53 AND coalesce(o.src_port, 0) <> 53"
Key = tuple[str, str]
Found = tuple[Key, Kind, str]


def lake_links(session: LakeRows, keys: Sequence[Key]) -> Iterator[Found]:
    """What each of the values (type, canonical value) was met with, each once."""
    if not keys:
        return
    _register(session, keys)
    _meet(session)
    for kind in TOOLS:
        text = "unnest(string_split(technique, ','))" if kind == "technique" else f"CAST({kind} AS VARCHAR)"
        about = "AND hostile" if kind in ("signature", "technique") else ""
        query = f"SELECT DISTINCT number, trim({text}) AS text FROM camp_met WHERE {kind} IS NOT NULL {about}"
        yield from _texts(session, keys, query, Kind(kind))
    yield from _addresses(session, keys)
    victim = "side || ' ' || own_h || ' ' || own_l"
    query = f"SELECT DISTINCT number, {victim} AS text FROM camp_met WHERE own_l IS NOT NULL"
    yield from _texts(session, keys, query, Kind.VICTIM)
    yield from _events(session, keys)


def lake_background(
    session: LakeRows, addresses: Collection[str], fingerprints: Collection[tuple[str, str]]
) -> Iterator[tuple[Kind, str, float]]:
    """How many other names were met at each address, and how many own machines met each fingerprint without alarm.

    ``fingerprints``: (ja3, ja4, hassh or certificate, value). Needs ``lake_links`` first.
    """
    halves = [(address, *address_halves(address)) for address in sorted(addresses)]
    session.register(
        "camp_addresses",
        pa.table(
            {
                "text": pa.array([one[0] for one in halves], pa.string()),
                "h": pa.array([one[1] for one in halves], pa.int64()),
                "l": pa.array([one[2] for one in halves], pa.int64()),
            }
        ),
    )
    named = (
        f"SELECT {_END.format('high')} AS h, {_END.format('low')} AS l, o.domain FROM {session.observations(0)} AS o "
        f"WHERE o.domain IS NOT NULL AND {_NO_DNS}"
    )
    names = session.sql(
        f"SELECT a.text, count(DISTINCT n.domain) AS names FROM ({named}) n JOIN camp_addresses a ON a.h = n.h "
        "AND a.l = n.l WHERE n.domain NOT IN (SELECT v FROM camp_items WHERE type = 'domain') GROUP BY a.text"
    )
    for text, count in zip(names["text"].to_pylist(), names["names"].to_pylist(), strict=True):
        yield Kind.ADDRESS, text, float(count)
    wanted = sorted(fingerprints)
    kinds = pa.table(
        {
            "type": pa.array([one[0] for one in wanted], pa.string()),
            "v": pa.array([one[1] for one in wanted], pa.string()),
        }
    )
    session.register("camp_fingerprints", kinds)
    # linear counting over 62 bits, as the candidate rule does; full bits stand for 256 machines at least
    quiet = session.sql(
        "SELECT f.type, f.v, bit_count(bit_or(r.own_bits)) AS bits FROM camp_fingerprints f "
        f"JOIN {session.rollup(0)} AS r ON r.type = f.type AND r.value = f.v "
        "WHERE r.basis = 'none' AND r.role <> 'own' GROUP BY f.type, f.v"
    ).to_pylist()
    for row in quiet:
        yield Kind(row["type"]), row["v"], _machines(row["bits"])


def _machines(bits: int) -> float:
    return 256.0 if bits >= 62 else -62 * math.log(1 - bits / 62)


def _register(session: LakeRows, keys: Sequence[Key]) -> None:
    address = [kind in ("ipv4", "ipv6") for kind, _ in keys]
    halves = [address_halves(value) if is_one else (0, 0) for is_one, (_, value) in zip(address, keys, strict=True)]
    columns = {
        "number": list(range(len(keys))),
        "type": [kind for kind, _ in keys],
        "v": ["" if is_one else value for is_one, (_, value) in zip(address, keys, strict=True)],
        "h": [high for high, _ in halves],
        "l": [low for _, low in halves],
    }
    session.register("camp_items", pa.Table.from_pydict(columns, schema=_SCHEMA))


def _meet(session: LakeRows) -> None:
    """``camp_met``: distinct meetings of values with what a record names beside them."""
    rows = (
        f"SELECT o.*, {_END.format('high')} AS far_h, {_END.format('low')} AS far_l, {_OWN.format('high')} AS own_h, "
        f"{_OWN.format('low')} AS own_l, {_NO_DNS} AS direct, o.basis <> 'none' AS hostile "
        f"FROM {session.observations(0)} AS o"
    )
    columns = ", ".join(["side", "own_h", "own_l", "hostile", *TOOLS])
    parts = [
        f"SELECT i.number, NULL::BIGINT AS far_h, NULL::BIGINT AS far_l, {columns} FROM ({rows}) r "
        "JOIN camp_items i ON i.type IN ('ipv4', 'ipv6') AND i.h = r.far_h AND i.l = r.far_l"
    ]
    for kind in TEXT_TYPES:
        text = "split_part(r.url, '?', 1)" if kind == "url" else f"r.{kind}"
        far = "CASE WHEN direct THEN far_h END AS far_h, CASE WHEN direct THEN far_l END AS far_l"
        parts.append(
            f"SELECT i.number, {far}, {columns} FROM ({rows}) r JOIN camp_items i ON i.type = '{kind}' AND i.v = {text}"
        )
    session.sql(f"CREATE OR REPLACE TEMP TABLE camp_met AS SELECT DISTINCT * FROM ({' UNION ALL '.join(parts)})")


def _texts(session: LakeRows, keys: Sequence[Key], query: str, kind: Kind) -> Iterator[Found]:
    bounded = session.sql(
        f"SELECT number, text FROM ({query}) WHERE text <> '' "
        f"QUALIFY count(*) OVER (PARTITION BY number) <= {MAX_FEATURES_OF_VALUE} ORDER BY number, text"
    )
    for batch in bounded.to_batches(max_chunksize=100_000):
        for number, text in zip(batch["number"].to_pylist(), batch["text"].to_pylist(), strict=True):
            yield keys[number], kind, text


def _addresses(session: LakeRows, keys: Sequence[Key]) -> Iterator[Found]:
    found = session.sql(
        "SELECT number, far_h, far_l FROM (SELECT DISTINCT number, far_h, far_l FROM camp_met WHERE far_l IS NOT NULL) "
        f"QUALIFY count(*) OVER (PARTITION BY number) <= {MAX_FEATURES_OF_VALUE} ORDER BY number, far_h, far_l"
    )
    columns = (found[name].to_pylist() for name in ("number", "far_h", "far_l"))
    for number, high, low in zip(*columns, strict=True):
        yield keys[number], Kind.ADDRESS, halves_address(high, low)


def _events(session: LakeRows, keys: Sequence[Key]) -> Iterator[Found]:
    """Texts that stand in one record: a name, a file and a page. The record is named by the values it names."""
    parts = []
    for kind in TEXT_TYPES:
        text = "split_part(o.url, '?', 1)" if kind == "url" else f"o.{kind}"
        parts.append(
            f"SELECT o.event, i.number FROM {session.observations(0)} AS o "
            f"JOIN camp_items i ON i.type = '{kind}' AND i.v = {text}"
        )
    together = session.sql(
        "SELECT DISTINCT list_sort(list(DISTINCT number)) AS numbers FROM "
        f"({' UNION ALL '.join(parts)}) GROUP BY event "
        f"HAVING count(DISTINCT number) BETWEEN 2 AND {MAX_VALUES_OF_EVENT}"
    )
    for numbers in together["numbers"].to_pylist():
        name = " + ".join(keys[number][1] for number in numbers)
        for number in numbers:
            yield keys[number], Kind.EVENT, name
