"""A lake in memory with the lake's face, and rows made from a few words. For tests of ``match`` and ``warn``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from seawall.codec.values import address_halves
from seawall.model import OBSERVATION_SCHEMA, ROLLUP_SCHEMA

DAY = 86_400_000_000
DAY_OF = f"CAST(floor(time / {DAY}.0) AS BIGINT)"
TEXT_TYPES = ("domain", "url", "email", "md5", "sha1", "sha256", "file_name", "ja3", "ja4", "hassh", "certificate")
_NULLABLE = {field.name for field in OBSERVATION_SCHEMA if field.nullable}


class FakeLake:
    """Generations of observation tables; derived datasets and notes commit together."""

    def __init__(self) -> None:
        self.generation = 0
        self.parts: list[tuple[int, pa.Table, pa.Table]] = []
        self.datasets: dict[str, pa.Table] = {}
        self.notes: dict[str, str] = {}

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Commit rows made by ``row`` as one generation."""
        self.generation += 1
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=OBSERVATION_SCHEMA)
        self.parts.append((self.generation, table, roll_up(table)))

    @contextmanager
    def reading(self) -> Iterator[FakeSession]:
        """A snapshot."""
        yield FakeSession(self)

    @contextmanager
    def writing(self, on_wait: Callable[[str], None] = lambda _: None) -> Iterator[FakeSession]:
        """A writer; nothing is kept when the block raises."""
        on_wait("nobody else writes")
        session = FakeSession(self)
        yield session
        self.generation += 1
        self.datasets.update(session.datasets)
        self.notes.update(session.notes)


class FakeSession:
    """DuckDB over the registered parts."""

    def __init__(self, lake: FakeLake) -> None:
        self.lake = lake
        self.generation = lake.generation
        self.datasets: dict[str, pa.Table] = dict(lake.datasets)
        self.notes: dict[str, str] = {}
        self.connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": "false"})

    def register(self, name: str, table: pa.Table) -> None:
        """As the lake's."""
        self.connection.register(name, table)

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """As the lake's."""
        relation: duckdb.DuckDBPyRelation | None = self.connection.sql(query, params=list(parameters) or None)
        return pa.table({}) if relation is None else relation.to_arrow_table()

    def observations(self, after: int = 0, days: Collection[int] | None = None) -> str:
        """As the lake's."""
        name = self._union("observation", after, 1, OBSERVATION_SCHEMA)
        wanted = "true" if days is None else f"list_contains({sorted(days)!r}::BIGINT[], {DAY_OF})"
        return f"(SELECT * FROM {name} WHERE {wanted})"

    def rollup_about(self, keys: Sequence[tuple[str, str]], columns: Sequence[str]) -> str:
        """Everything, which the lake may give too."""
        return self.rollup()

    def days(self) -> frozenset[int]:
        """As the lake's."""
        found = self.sql(f"SELECT DISTINCT {DAY_OF} AS day FROM {self.observations()}")["day"].to_pylist()
        return frozenset(found)

    def rolled_days(self) -> frozenset[int]:
        """As the lake's."""
        return frozenset(self.sql(f"SELECT DISTINCT day FROM {self.rollup()}")["day"].to_pylist())

    def rollup(self, after: int = 0) -> str:
        """As the lake's."""
        return self._union("rollup", after, 2, ROLLUP_SCHEMA)

    def derived(self, name: str) -> str | None:
        """As the lake's: what was committed before this session."""
        if name not in self.lake.datasets:
            return None
        self.register(f"derived_{name}", self.lake.datasets[name])
        return f"derived_{name}"

    def note(self, key: str) -> str | None:
        """As the lake's."""
        return self.lake.notes.get(key)

    def append_derived(self, name: str, sql: str) -> None:
        """As the lake's."""
        added = self.sql(sql)
        held = self.datasets.get(name)
        self.datasets[name] = added if held is None else pa.concat_tables([held, added])

    def replace_derived(self, name: str, sql: str) -> None:
        """As the lake's."""
        self.datasets[name] = self.sql(sql)

    def set_note(self, key: str, value: str) -> None:
        """As the lake's."""
        self.notes[key] = value

    def _union(self, name: str, after: int, place: int, schema: pa.Schema) -> str:
        tables = [part[place] for part in self.lake.parts if part[0] > after]
        self.register(f"{name}_{after}", pa.concat_tables(tables) if tables else schema.empty_table())
        return f"{name}_{after}"


def row(event: int, **columns: object) -> dict[str, object]:
    """One observation; ``src`` and ``dst`` are address texts, the rest are columns of OBSERVATION_SCHEMA."""
    made: dict[str, object] = {
        "event": event, "time": 0, "side": "A", "sensor": "s1", "sector": "energy", "kind": "alert", "basis": "alert",
        "own_end": "destination", "digest_high": 0, "digest_low": event, "occurrence": 0, "source_file": "a.json",
        "source_line": event,
    }  # fmt: skip
    for end in ("src", "dst"):
        text = columns.pop(end, None)
        if text is not None:
            made[f"{end}_high"], made[f"{end}_low"] = address_halves(str(text))
    made.update(columns)
    return made


def keys(*entries: tuple[str, str], first_number: int = 1, **extra: Sequence[object]) -> pa.Table:
    """An indicator key table as the store gives it: numbered (type, value) pairs."""
    count = len(entries)
    numbers = list(range(first_number, first_number + count))
    columns: dict[str, Sequence[object]] = {
        "indicator_id": [f"indicator--{number}" for number in numbers],
        "campaign": [f"campaign-{number % 3}" for number in numbers],
        "tlp": [2] * count, "pap": [2] * count, "origin": [None] * count, "valid_from": [None] * count,
        "valid_until": [None] * count, **extra,
    }  # fmt: skip
    return pa.table(
        {
            "number": pa.array(numbers, pa.int64()),
            "type": pa.array([kind for kind, _ in entries], pa.string()),
            "value": pa.array([value for _, value in entries], pa.string()),
            "indicator_id": pa.array(columns["indicator_id"], pa.string()),
            "campaign": pa.array(columns["campaign"], pa.string()),
            "tlp": pa.array(columns["tlp"], pa.int32()),
            "pap": pa.array(columns["pap"], pa.int32()),
            "origin": pa.array(columns["origin"], pa.string()),
            "valid_from": pa.array(columns["valid_from"], pa.int64()),
            "valid_until": pa.array(columns["valid_until"], pa.int64()),
        }
    )


def roll_up(table: pa.Table) -> pa.Table:
    """The roll-up of observations, as ingest keeps it: each end's address, and every text, by role."""
    connection = duckdb.connect(config={"threads": 1})
    connection.register("o", table)
    end = (
        "SELECT CASE WHEN {e}_high = 0 AND ({e}_low >> 32) = 65535 THEN 'ipv4' ELSE 'ipv6' END AS type, "
        "NULL::VARCHAR AS value, {e}_high AS high, {e}_low AS low, CASE WHEN own_end IN ('{name}', 'both') THEN 'own' "
        "WHEN own_end IN ('neither', 'unknown') THEN 'unknown' ELSE 'remote' END AS role, o.*, "
        "CASE WHEN own_end = '{other_name}' THEN hash({other}_low) ELSE 0 END AS own_hash FROM o "
        "WHERE {e}_low IS NOT NULL"
    )
    parts = [
        end.format(e="src", name="source", other="dst", other_name="destination"),
        end.format(e="dst", name="destination", other="src", other_name="source"),
    ]
    parts += [
        f"SELECT '{name}' AS type, {name} AS value, NULL::BIGINT AS high, NULL::BIGINT AS low, CASE own_end "
        "WHEN 'source' THEN 'remote' WHEN 'destination' THEN 'remote' ELSE 'unknown' END AS role, o.*, "
        "CASE own_end WHEN 'source' THEN hash(src_low) WHEN 'destination' THEN hash(dst_low) ELSE 0 END AS own_hash "
        f"FROM o WHERE {name} IS NOT NULL"
        for name in TEXT_TYPES
    ]
    rolled = connection.sql(
        f"SELECT type, value, high, low, role, basis, CAST({DAY_OF} AS INTEGER) AS day, side, sector, "
        "min(time) AS first, max(time) AS last, count(*) AS count, "
        "bit_or(1::BIGINT << (hash(sensor) % 62)::INT) AS sensor_bits, "
        "bit_or(1::BIGINT << (own_hash % 62)::INT) AS own_bits "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY type, value, high, low, role, basis, day, side, sector"
    )
    return rolled.to_arrow_table().cast(ROLLUP_SCHEMA)
