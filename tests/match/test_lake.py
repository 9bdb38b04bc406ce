"""Matching on the real lake: the same answers as on the fake one, in one commit, and calm on real traffic."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from match.fake_lake import keys, roll_up, row
from match.naive import naive_hits
from match.scenes import PlainScreens
from realdata import folder
from seawall.ingest import IngestOptions, ingest
from seawall.lake import Lake
from seawall.match import MatchOptions, candidate_table, match, overlap_table, sighting_table
from seawall.model import OBSERVATION_SCHEMA
from seawall.settings import LakeSettings
from seawall.warn import warnings

TABLE = keys(
    ("domain", "evil.example"), ("cidr", "198.51.100.0/24"), ("ipv4", "198.51.100.7"), ("cidr", "2001:db8::/33"),
    ("sha256", "ab" * 32),
)  # fmt: skip
ROWS = [
    row(1, src="10.0.0.1", dst="198.51.100.7", domain="a.evil.example", own_end="source", time=5),
    row(2, src="2001:db8::9", dst="10.0.0.1", sha256="ab" * 32, time=9, side="B"),
    row(3, src="10.0.0.2", dst="198.51.100.9", own_end="source", time=7, side="B"),
    row(4, src="10.0.0.2", dst="203.0.113.1", domain="notevil.example", own_end="source", time=8),
]


def add(lake: Lake, rows: list[dict[str, object]]) -> None:
    """Commit the rows, as ingest does."""
    table = pa.Table.from_pylist(rows, schema=OBSERVATION_SCHEMA)
    with lake.writing() as writer:
        writer.append_observations(table.drop_columns(["event"]))
        writer.append_rollup(roll_up(table))


def hits(lake: Lake) -> list[tuple[int, int]]:
    """(source line, indicator) pairs held in the lake."""
    with lake.reading() as session:
        held = session.derived("hits")
        found = session.sql(
            f"SELECT o.source_line, h.indicator FROM {held} AS h JOIN {session.observations()} AS o USING (event) "
            "ORDER BY 1, 2"
        )
    return list(zip(found["source_line"].to_pylist(), found["indicator"].to_pylist(), strict=True))


def test_the_real_lake_keeps_what_the_plain_matcher_says(tmp_path: Path) -> None:
    """Ingest, match, ingest more, match: the hits are right, nothing is counted twice, a rebuild agrees."""
    lake = Lake.open(tmp_path / "lake", LakeSettings())
    add(lake, ROWS[:2])
    assert match(lake, TABLE.slice(0, 2)).new.hits == 2
    add(lake, ROWS[2:])
    report = match(lake, TABLE)
    assert hits(lake) == sorted(naive_hits(ROWS, TABLE))
    with lake.reading() as session:
        generation = session.generation
    assert match(lake, TABLE).new.hits == 0
    with lake.reading() as session:
        assert session.generation == generation
    assert match(lake, TABLE, MatchOptions(rebuild=True)).hits == report.hits
    with lake.reading() as session:
        assert sighting_table(session, TABLE)["value"].to_pylist() == [
            "198.51.100.0/24", "198.51.100.0/24", "2001:db8::/33", "evil.example", "198.51.100.7", "ab" * 32,
        ]  # fmt: skip
        assert candidate_table(session, PlainScreens()).num_rows > 0


def test_a_failed_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """When the keys are unusable the earlier hits and their state stay as they were."""
    lake = Lake.open(tmp_path / "lake", LakeSettings())
    add(lake, ROWS)
    before = match(lake, TABLE)
    broken = keys(("ipv4", "198.51.100.300"), first_number=50)
    with pytest.raises(Exception, match="E-MATCH-002"):
        match(lake, pa.concat_tables([TABLE, broken]))
    assert match(lake, TABLE).hits == before.hits


def test_an_empty_result_is_remembered(tmp_path: Path) -> None:
    """No hit at all is an answer too: the next run has nothing to do."""
    lake = Lake.open(tmp_path / "lake", LakeSettings())
    add(lake, ROWS)
    table = keys(("domain", "absent.example"))
    assert match(lake, table).hits == 0
    with lake.reading() as session:
        generation = session.generation
    assert match(lake, table).hits == 0
    with lake.reading() as session:
        assert session.generation == generation


def test_real_traffic_without_a_campaign_gives_no_warning(tmp_path: Path) -> None:
    """Suricata's own 88 test captures, dealt out to two sides, share no attacker."""
    files = sorted(folder("suricata-verify").rglob("eve.json.gz"))
    lake = Lake.open(tmp_path / "lake", LakeSettings())
    for side, part in (("A", files[0::2]), ("B", files[1::2])):
        ingest(part, lake, IngestOptions(quarantine=tmp_path / "quarantine", node_side=side))
    # broadcast and public resolvers: never candidates of a real node, whose warninglists name them
    screens = PlainScreens("255.255.255.255", "1.1.1.1")
    with lake.reading() as session:
        assert candidate_table(session, screens).num_rows > 0
        drawn = list(warnings(session, overlap_table(session, screens)))
    assert len(drawn) <= 1
