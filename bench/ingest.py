#!/usr/bin/env python3
"""What ingest costs: CPU-seconds by stage, events per CPU-second and peak memory, beside DuckDB scripted by hand.

    python bench/ingest.py LOAD [--rounds N]

LOAD holds ``eve/*.json`` and ``sensors.csv`` as the reference generator writes them. Each measurement is a process of
its own; ours and the other alternate, and the least CPU time of each counts, because other work on the machine only
ever adds. The job by hand reads the same columns, types times and addresses and writes Parquet; it digests, compares,
quarantines, labels and rolls up nothing. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb

from seawall.ingest import IngestOptions, chunks, enrich, identity, ingest, run, salvage
from seawall.ingest.formats.suricata_eve import SHAPE
from seawall.ingest.json_lines import sql_type
from seawall.lake import Lake, writer
from seawall.lake import lake as lake_room
from seawall.reference.geography import Geography
from seawall.reference.sensors import SensorTable

STAGES: list[tuple[Any, str, str]] = [
    (chunks._Reader, "chunk", "read, split, digest"),
    (salvage, "read_typed", "parse and type"),
    (run, "settle", "settle odd values"),
    (identity.Identity, "judge", "tell new from held"),
    (enrich, "_observations", "label: sensors, alerts, ends, places"),
    (enrich, "roll_up", "roll up"),
    (writer.DuckDBWriter, "append_observations", "write observations"),
    (writer.DuckDBWriter, "append_rollup", "write roll-up"),
    (lake_room.Lake, "_commit", "commit"),
]
OCTETS = "TRY_CAST(string_split({0}, '.') AS UTINYINT[])"
BY_HAND = """
COPY (
    SELECT time, kind, host, s[1]::BIGINT * 16777216 + s[2]::BIGINT * 65536 + s[3]::BIGINT * 256 + s[4] AS src,
        d[1]::BIGINT * 16777216 + d[2]::BIGINT * 65536 + d[3]::BIGINT * 256 + d[4] AS dst,
        * EXCLUDE (time, kind, host, s, d)
    FROM (
        SELECT epoch_us(strptime(timestamp, '%Y-%m-%dT%H:%M:%S.%f%z')) AS time, event_type AS kind, host,
            {source} AS s, {destination} AS d, src_port::INTEGER AS src_port, dest_port::INTEGER AS dst_port, proto,
            lower(coalesce(http.hostname, dns.rrname, tls.sni)) AS domain,
            'http://' || lower(http.hostname) || http.url AS url, fileinfo.sha256 AS sha256, fileinfo.filename AS file,
            tls.fingerprint AS certificate, tls.ja3.hash AS ja3, alert.signature_id::BIGINT AS signature_id,
            alert.signature AS signature, alert.category AS category, alert.severity::INTEGER AS severity, alert.action
        FROM read_json({files}, format = 'newline_delimited', maximum_object_size = 1048576, columns = {{{columns}}})
    )
) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
"""


def main() -> int:
    """Measure, print one JSON document; 1 when ours did not store every event once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", choices=["ours", "by-hand"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        with tempfile.TemporaryDirectory() as scratch:
            print(json.dumps((ours if given.only == "ours" else by_hand)(given.load, Path(scratch))))
        return 0
    least: dict[str, dict[str, Any]] = {}
    for _ in range(given.rounds):
        for name in ("ours", "by-hand"):
            figures = in_own_process(given.load, name)
            if name not in least or figures["cpu_seconds"] < least[name]["cpu_seconds"]:
                least[name] = figures
    mine, other = least["ours"], least["by-hand"]
    mine["of_by_hand"] = round(mine["events_per_cpu_second"] / other["events_per_cpu_second"], 2)
    json.dump(least, sys.stdout, indent=1)
    print()
    return 0 if mine["events"] == mine["stored"] == mine["rows"] == mine["duplicates_when_read_again"] else 1


def in_own_process(load: Path, name: str) -> dict[str, Any]:
    """One measurement, so that memory and CPU time are its own."""
    command = [sys.executable, __file__, str(load), "--only", name]
    figures: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return figures


def ours(load: Path, scratch: Path) -> dict[str, Any]:
    """Everything ``seawall ingest`` does, with sensors and geography; then the same files again."""
    spent: dict[str, float] = defaultdict(float)
    for owner, name, stage in STAGES:
        setattr(owner, name, timed(getattr(owner, name), stage, spent))
    lake = Lake.open(scratch / "lake")
    options = IngestOptions(
        quarantine=scratch / "quarantine",
        node_side="A",
        sensors=SensorTable.from_csv(load / "sensors.csv"),
        geography=Geography.packaged(),
    )
    before = cpu()
    report = ingest([load / "eve"], lake, options)
    figures = costs(report.events, cpu() - before)
    figures |= {"stored": report.stored, "stages": {stage: round(seconds, 2) for stage, seconds in spent.items()}}
    before = cpu()
    figures["duplicates_when_read_again"] = ingest([load / "eve"], lake, options).duplicates
    figures["cpu_seconds_read_again"] = round(cpu() - before, 2)
    with lake.reading() as session:
        figures["rows"] = session.sql(f"SELECT count(*) AS n FROM {session.observations()}")["n"][0].as_py()
        figures["rollup_rows"] = session.sql(f"SELECT count(*) AS n FROM {session.rollup()}")["n"][0].as_py()
    for name in ("observations", "rollup"):
        figures[f"{name}_bytes"] = sum(path.stat().st_size for path in (lake.folder / name).rglob("*.parquet"))
    return figures


def by_hand(load: Path, scratch: Path) -> dict[str, Any]:
    """The same parse and typing as one statement, written to one Parquet file."""
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "700MB"})
    files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in sorted((load / "eve").glob("*.json")))
    shape = {
        name: below for name, below in SHAPE.items() if name not in ("quic", "files", "ssh", "smtp", "flow", "drop")
    }
    query = BY_HAND.format(
        files=f"[{files}]",
        columns=", ".join(f"'{name}': '{sql_type(below)}'" for name, below in shape.items()),
        source=OCTETS.format("src_ip"),
        destination=OCTETS.format("dest_ip"),
        target=scratch / "by-hand.parquet",
    )
    before = cpu()
    events = connection.execute(query).fetchall()[0][0]
    return costs(events, cpu() - before)


def costs(events: int, seconds: float) -> dict[str, Any]:
    """The figures both have."""
    return {
        "events": events,
        "cpu_seconds": round(seconds, 2),
        "events_per_cpu_second": round(events / seconds),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def cpu() -> float:
    """CPU-seconds of this process, user and system, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(function: Any, stage: str, spent: dict[str, float]) -> Any:
    """``function``, its CPU time added to ``spent[stage]``."""

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        before = cpu()
        try:
            return function(*given, **named)
        finally:
            spent[stage] += cpu() - before

    return call


if __name__ == "__main__":
    sys.exit(main())
