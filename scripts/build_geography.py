"""Makes ``src/seawall/reference/data/geography.parquet`` from CSV files of address ranges.

Run by a maintainer, never by the product:

    npm install --prefix FOLDER --ignore-scripts @ip-location-db/asn-country @ip-location-db/asn
    python scripts/build_geography.py FOLDER/node_modules/@ip-location-db

Each CSV row is an inclusive range of numeric addresses with a country (ISO 3166-1 alpha-2) or an AS number. The result
has one row where country or AS change: ``family`` (4 or 6), ``start`` (IPv4: the address; IPv6: its upper 64 bits, as
routing tables rarely go further), ``country`` and ``asn``, which hold up to the next row of the family. Origin and
licences: docs/decisions/0003-reference-data.md.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

TARGET = Path(__file__).parents[1] / "src" / "seawall" / "reference" / "data" / "geography.parquet"
Range = tuple[int, int, str]


def ranges(path: Path, shift: int) -> Iterator[Range]:
    """First and last place (inclusive) and what holds there, in order, without overlaps."""
    behind = -1
    with path.open(newline="", encoding="utf-8") as file:
        found = sorted((int(row[0]) >> shift, int(row[1]) >> shift, row[2]) for row in csv.reader(file))
    for first, last, value in found:
        start = max(first, behind + 1)
        if start <= last:
            yield start, last, value
            behind = last


def steps(found: Iterator[Range]) -> list[tuple[int, str]]:
    """Where the value changes: (place, value from there on), "" for gaps."""
    changes: list[tuple[int, str]] = []
    behind = 0
    for first, last, value in found:
        if first > behind:
            changes.append((behind, ""))
        changes.append((first, value))
        behind = last + 1
    return [*changes, (behind, "")]


def merged(countries: list[tuple[int, str]], networks: list[tuple[int, str]]) -> Iterator[tuple[int, str, int]]:
    """Both step functions as one; a row only where one of them really changes."""
    country, network = dict(countries), dict(networks)
    now: tuple[str, int] = ("", 0)
    shown: tuple[str, int] | None = None
    for place in sorted(country.keys() | network.keys()):
        now = (country.get(place, now[0]), int(network[place] or 0) if place in network else now[1])
        if now != shown:
            yield place, *now
            shown = now


def main(folder: Path) -> None:
    """Read the CSV files below ``folder`` and write the Parquet file."""
    rows: list[tuple[int, int, str, int]] = []
    for family, shift in ((4, 0), (6, 64)):
        countries = steps(ranges(folder / "asn-country" / f"asn-country-ipv{family}-num.csv", shift))
        networks = steps(ranges(folder / "asn" / f"asn-ipv{family}-num.csv", shift))
        limit = 1 << (32 if family == 4 else 64)
        rows += [(family, *row) for row in merged(countries, networks) if row[0] < limit]
    table = pa.table(
        {
            "family": pa.array([row[0] for row in rows], pa.int8()),
            "start": pa.array([row[1] - (1 << 64) if row[1] >= 1 << 63 else row[1] for row in rows], pa.int64()),
            "country": pa.array([row[2] for row in rows], pa.string()),
            "asn": pa.array([row[3] for row in rows], pa.int64()),
        }
    )
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        table,
        TARGET,
        compression="zstd",
        compression_level=19,
        use_dictionary=["country", "asn"],
        column_encoding={"start": "DELTA_BINARY_PACKED", "family": "PLAIN"},
        write_statistics=False,
        row_group_size=len(rows),
    )
    sys.stderr.write(f"{len(rows)} rows, {TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
