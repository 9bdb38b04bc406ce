"""Matching on a real Spark cluster: one master, two workers, the reference load at a twentieth of its size."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.csv
import pytest

from cli.scenes import ATTACKER, furnished
from journey.command_line import SeawallNode, eve
from match.test_lake import ROWS, TABLE, add, hits
from reference_load import reference_load
from seawall.ingest import IngestOptions, ingest
from seawall.lake import Lake, compact
from seawall.match import MatchOptions, MatchReport, match, sighting_table
from seawall.match.portable import match_portably, rollup_totals
from seawall.reference.sensors import SensorTable
from seawall.settings import LakeSettings
from spark_cluster import spark_connect, spark_master

SCALE = 0.05
pytestmark = [pytest.mark.tool("java"), pytest.mark.xdist_group("spark"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running cluster's address."""
    with spark_master(tmp_path_factory.mktemp("spark")) as address:
        yield address


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pa.Table]:
    """A lake that DuckDB filled with the reference load, and the keys of its indicators."""
    folder = reference_load(tmp_path_factory.mktemp("load"), SCALE)
    options = IngestOptions(
        quarantine=folder / "quarantine", node_side="A", sensors=SensorTable.from_csv(folder / "sensors.csv")
    )
    ingest([folder / "eve"], Lake.open(folder / "lake", LakeSettings()), options)
    read = pyarrow.csv.read_csv(folder / "indicators.csv")
    table = pa.table(
        {
            "number": pa.compute.add(read["id"], 1),
            "type": read["type"],
            "value": read["value"],
            "indicator_id": pa.compute.binary_join_element_wise("indicator-", read["id"].cast(pa.string()), "-"),
            "campaign": read["campaign"].cast(pa.string()),
            "valid_until": pa.nulls(len(read), pa.int64()),
        }
    )
    return folder / "lake", table


def test_the_portable_path_counts_as_the_embedded_one(load: tuple[Path, pa.Table]) -> None:
    """The statements that a cluster runs give, on DuckDB, the report of DuckDB's own."""
    folder, table = load
    here = Lake.open(folder, LakeSettings())
    afresh = MatchOptions(rebuild=True)
    embedded = told(match(here, table, afresh))
    assert told(match_portably(here, here.computing, table, afresh)) == embedded
    assert embedded.events == 201_000
    assert embedded.hits > 0
    assert embedded.both_sides is not None
    assert embedded.both_sides.indicators > 0


@pytest.mark.long
def test_every_count_is_that_of_duckdb(master: str, load: tuple[Path, pa.Table]) -> None:
    """The portable path on the cluster gives the report of the embedded path, and stores the same hits row by row."""
    folder, table = load
    here = Lake.open(folder, LakeSettings())
    cluster = Lake.open(folder, LakeSettings(engine="spark", spark_master=master))
    afresh = MatchOptions(rebuild=True)
    embedded = told(match(here, table, afresh))
    sightings = seen(here, table)
    with cluster.computing() as session:  # one application for both: starting executors takes longer than the work
        assert told(match_portably(cluster, lambda: nullcontext(session), table, afresh)) == embedded
        rolled_up = rollup_totals(session)
    assert seen(here, table) == sightings
    with here.computing() as session:
        assert rolled_up == rollup_totals(session)


@pytest.mark.long
def test_the_cluster_and_duckdb_take_turns(master: str, tmp_path: Path) -> None:
    """New rows and new indicators meet on whichever engine runs next; nothing is counted twice."""
    here = Lake.open(tmp_path / "lake", LakeSettings())
    twin = Lake.open(tmp_path / "twin", LakeSettings())
    cluster = Lake.open(tmp_path / "lake", LakeSettings(engine="spark", spark_master=master))
    for lake in (here, twin):
        add(lake, ROWS[:2])
        match(lake, TABLE.slice(0, 2))
        add(lake, ROWS[2:])
        compact(lake)  # files that hold rows of two generations
    assert match_portably(cluster, cluster.computing, TABLE) == match(twin, TABLE)
    assert hits(here) == hits(twin)
    assert match(here, TABLE).new.hits == 0


@pytest.mark.long
def test_spark_connect_gives_the_same(master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver elsewhere, reached by Spark Connect, gives the same report."""
    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")  # PySpark sets it for good; gone again after this test
    here, twin = (Lake.open(tmp_path / name, LakeSettings()) for name in ("lake", "twin"))
    for lake in (here, twin):
        add(lake, ROWS)
    with spark_connect(master, tmp_path) as remote:
        cluster = Lake.open(tmp_path / "lake", LakeSettings(engine="spark", spark_remote=remote))
        assert match_portably(cluster, cluster.computing, TABLE) == match(twin, TABLE)
    assert hits(here) == hits(twin)


def test_two_nodes_fill_one_lake_for_spark(master: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes of two nodes ingest into one shared folder at a time; ``seawall match`` on Spark prints what it
    printed with DuckDB, and doctor names the cluster.
    """
    shop, other = furnished(tmp_path), SeawallNode(tmp_path / "other", "KR")
    monkeypatch.setenv("SEAWALL_LAKE_FOLDER", str(shop.folder / "lake"))
    collectors = []
    for node, day in ((shop, 15), (other, 16)):
        lines = [eve(f"2026-03-{day}T03:00:{second:02}.5+0000", ATTACKER, "10.3.0.4", sensor="sel-1")
                 for second in range(40)]  # fmt: skip
        log = shop.write(f"{day}.json", "\n".join(lines))
        collectors.append(subprocess.Popen(node.command("ingest", log), stdout=subprocess.DEVNULL))
    assert [collector.wait(120) for collector in collectors] == [0, 0]
    before = shop.here("match")
    assert before["events"] == 3 + 80
    assert before["hits"] == 2 + 80
    monkeypatch.setenv("SEAWALL_LAKE_ENGINE", "spark")
    monkeypatch.setenv("SEAWALL_LAKE_SPARK_MASTER", master)
    after = shop.here("match", "--rebuild")
    spent = {"seconds", "cpu_seconds", "peak_memory_bytes"}
    assert {key: after[key] for key in after.keys() - spent} == {key: before[key] for key in before.keys() - spent}
    report = shop.here("doctor")
    assert {"name": "engine", "ok": True, "detail": f"spark: {master} answers"} in report["checks"]
    assert master in report["endpoints"]


def told(report: MatchReport) -> MatchReport:
    """The report without the number of its run."""
    return msgspec.structs.replace(report, run=0)


def seen(lake: Lake, table: pa.Table) -> pa.Table:
    """Sightings of all hits held in the lake."""
    with lake.reading() as session:
        return sighting_table(session, table)
