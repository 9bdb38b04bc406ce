"""Places narrow: whatever a plain comparison finds, a look-up by places finds too."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.codec.values import address_halves
from seawall.lake import Lake, compact
from seawall.lake.places import TYPES, place_sql, spans
from seawall.model import ROLLUP_SCHEMA
from seawall.settings import LakeSettings

COLUMNS = ["type", "value", "high", "low", "day", "side", "count"]
LABELS = st.lists(st.sampled_from(["a", "b", "co", "kr", "com", "xn--fiqs8s", "example"]), min_size=1, max_size=6)
NAMES = LABELS.map(".".join)
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
RANGES = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: str(ip_network(f"{pair[0]}/{pair[1]}", strict=False)))


def rolled(values: list[tuple[str, str]]) -> pa.Table:
    """Roll-up rows of (type, value)."""
    rows = []
    for kind, value in values:
        high, low = address_halves(value) if kind in ("ipv4", "ipv6") else (None, None)
        text = value if high is None else None
        columns: dict[str, object] = {f.name: "x" if pa.types.is_string(f.type) else 1 for f in ROLLUP_SCHEMA}
        rows.append(columns | {"type": kind, "value": text, "high": high, "low": low})
    return pa.Table.from_pylist(rows, schema=ROLLUP_SCHEMA)


def places(values: list[tuple[str, str]]) -> list[int]:
    """The places of rows, in their order, as the engine computes them."""
    connection = duckdb.connect(config={"threads": 1})
    connection.register("r", rolled(values))
    found: list[int] = connection.sql(f"SELECT {place_sql()} AS place FROM r").to_arrow_table()["place"].to_pylist()
    return found


def within(place: int, keys: list[tuple[str, str]]) -> bool:
    """Whether a look-up of the keys would come upon the place."""
    return any(first <= place <= last for first, last in spans(keys).tolist())


@settings(max_examples=60, deadline=None)
@given(st.lists(NAMES, min_size=1, max_size=8), NAMES)
def test_a_domain_covers_itself_and_every_name_below(names: list[str], key: str) -> None:
    """And names elsewhere have other places, as far as digests tell."""
    for name, place in zip(names, places([("domain", name) for name in names]), strict=True):
        if name == key or name.endswith(f".{key}"):
            assert within(place, [("domain", key)]) or ("." not in key and name != key)
        elif name.split(".")[-2:] != key.split(".")[-2:]:
            assert not within(place, [("domain", key)])


@settings(max_examples=60, deadline=None)
@given(st.lists(ADDRESSES, min_size=1, max_size=8), RANGES)
def test_a_range_covers_its_addresses(addresses: list[str], key: str) -> None:
    """Of both versions, whatever the prefix length."""
    values = [("ipv4" if "." in text else "ipv6", text) for text in addresses if not text.startswith("::ffff:")]
    network = ip_network(key)
    if not values:
        return
    for (_, text), place in zip(values, places(values), strict=True):
        if ip_address(text) in network:
            assert within(place, [("cidr", key)])
        elif network.prefixlen <= 58 or network.version == 4:
            assert not within(place, [("cidr", key)])


@pytest.mark.parametrize("kind", ["url", "email", "md5", "sha1", "sha256", "certificate", "ja3", "hassh", "file_name"])
def test_a_text_has_the_place_of_its_equal(kind: str) -> None:
    """Whatever is in it; another text has another place."""
    texts = ["", "a", "'; --", "臺積電", "x" * 5_000]
    found = places([(kind, text) for text in texts])
    assert len(set(found)) == len(texts)
    for text, place in zip(texts, found, strict=True):
        assert spans([(kind, text)]).tolist() == [[place, place]]


def test_types_never_share_a_place() -> None:
    """The same text as a name and as a file name are two values; unknown types have a corner of their own."""
    found = places([("domain", "a.b"), ("file_name", "a.b"), ("unheard-of", "a.b"), ("url", "a.b")])
    assert len({place >> 58 for place in found}) == 4
    assert all(0 <= place < 1 << 63 for place in found)


def test_spans_are_sorted_and_disjoint() -> None:
    """Nested and equal keys become one."""
    asked = [("cidr", "10.0.0.0/8"), ("ipv4", "10.1.2.3"), ("cidr", "10.0.0.0/24"), ("ipv4", "11.0.0.0")]
    assert spans(asked).tolist() == [[10 << 24, (11 << 24) - 1], [11 << 24, 11 << 24]]
    assert spans([]).shape == (0, 2)


def test_a_look_up_finds_rows_old_and_new(tmp_path: Path) -> None:
    """Of compacted files only what was asked for, of files not compacted yet everything."""
    lake = Lake.open(tmp_path / "lake", LakeSettings(memory_limit_mb=100))
    many = [("ipv4", str(ip_address(number * 7))) for number in range(20_000)] + [("domain", "a.b.example.net")]
    with lake.writing() as writer:
        writer.append_rollup(rolled(many))
    compact(lake)
    asked = [("ipv4", "0.0.0.7"), ("cidr", "0.1.0.0/24"), ("domain", "example.net"), ("ipv4", "9.9.9.9")]
    with lake.reading() as session:
        found = session.sql(f"SELECT type, low FROM {session.rollup_about(asked, COLUMNS)}").to_pylist()
    assert len(found) == 1 + 36 + 1
    with lake.writing() as writer:
        writer.append_rollup(rolled([("ipv4", "8.8.8.8")]))
    with lake.reading() as session:
        assert len(session.sql(f"SELECT 1 FROM {session.rollup_about(asked, COLUMNS)}")) == 39
        assert len(session.sql(f"SELECT 1 FROM {session.rollup_about([], COLUMNS)}")) == 1


def test_a_look_up_gives_the_rows_as_they_are(tmp_path: Path) -> None:
    """Also the columns that places and files imply, for every type, on both sides of a compaction."""
    lake = Lake.open(tmp_path / "lake", LakeSettings(memory_limit_mb=100))
    texts = [(kind, f"{kind}-{number}.example") for kind in (*TYPES[2:], "unheard-of") for number in range(900)]
    addresses = [("ipv4", str(ip_address(number << 8))) for number in range(900)]
    addresses += [("ipv6", str(ip_address((0x2001_0DB8 << 96) + (number << 60)))) for number in range(900)]
    table = rolled(texts + addresses)
    with lake.writing() as writer:
        writer.append_rollup(table)
    asked = [*texts[::7], *addresses[::7]]
    columns = ROLLUP_SCHEMA.names
    held = []
    for _ in range(2):
        with lake.reading() as session:
            session.register("wanted", rolled(asked))
            found = session.sql(
                f"SELECT r.* FROM (SELECT {', '.join(columns)} FROM {session.rollup_about(asked, columns)}) r "
                "SEMI JOIN wanted w ON r.type = w.type AND r.value IS NOT DISTINCT FROM w.value "
                "AND r.high IS NOT DISTINCT FROM w.high AND r.low IS NOT DISTINCT FROM w.low ORDER BY ALL"
            )
        held.append(found.to_pylist())
        compact(lake)
    assert len(held[0]) == len(asked)
    assert [{**row, "day": 0} for row in held[0]] == held[1]
