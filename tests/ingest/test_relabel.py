"""Rows already in the lake take over a later sensor table: as if they had been read with it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ingest_scenes import Place, Scene, eve
from realdata import folder
from seawall.ingest import relabel
from seawall.ingest.interface import Sensors
from seawall.ingest.roles import roll_up, stored
from seawall.model import OBSERVATION_SCHEMA

TABLE = {"tpe-1": Place("TW", "water"), "sel-1": Place("KR", "health"), "sel-2": Place("KR", "energy")}
ATTACKER = "203.0.113.77"
HASHES = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")


def client(mark: str) -> dict[str, Any]:
    """An SSH end."""
    return {"hassh": {"hash": mark}}


LINES = [
    eve(1, host="tpe-1", src_ip=ATTACKER, event_type="alert", alert={"signature": "x CVE-2021-44228, CVE-2020-0001"}),
    eve(2, host="sel-1", src_ip="10.1.0.9", dest_ip=ATTACKER, event_type="dns", dns={"rrname": "evil.example"}),
    eve(3, host="sel-2", event_type="http", http={"hostname": "evil.example", "url": "/a"}),
    eve(4, host="sel-2", src_ip="10.1.0.9", dest_ip=ATTACKER, event_type="ssh", ssh={"client": client(HASHES[0])}),
    eve(5, host="sel-2", src_ip="10.1.0.9", dest_ip=ATTACKER, event_type="ssh", ssh={"server": client(HASHES[1])}),
    eve(6, host="sel-1", src_ip="10.1.0.9", dest_ip=ATTACKER, event_type="ssh",
        ssh={"client": client(HASHES[1]), "server": client(HASHES[0])}),
    eve(7, host="tpe-1", event_type="alert", direction="to_client", alert={"signature": "x"},
        tls={"sni": "c2.example", "fingerprint": "aa:" * 19 + "aa", "ja3": {"hash": HASHES[0]}}),
    eve(8, host="sel-1", event_type="fileinfo", fileinfo={"filename": "/a.exe", "md5": HASHES[0], "sha256": "ab" * 32}),
    eve(9, host="sel-1", event_type="smtp", smtp={"mail_from": "<a@evil.example>", "rcpt_to": ["<b@home.example>"]}),
    eve(10, host="unheard-of", src_ip="2001:db8::1", dest_ip="2001:db8::2"),
    eve(11, host=..., src_ip="2001:db8::1"),
    eve(12, host="sel-1", timestamp="2026-03-15T01:00:00.000000+0000", src_ip=...),
    eve(12, host="sel-1", timestamp="2026-03-15T01:00:00.000000+0000", src_ip=...),
    eve(13, host="tpe-1", timestamp="2026-03-16T01:00:00.000000+0000"),
]  # fmt: skip


@pytest.fixture
def scenes(tmp_path: Path) -> tuple[Scene, Scene]:
    """Two empty lakes."""
    for name in ("late", "right"):
        (tmp_path / name).mkdir()
    return Scene(tmp_path / "late"), Scene(tmp_path / "right")


def apply(scene: Scene, table: Sensors) -> int:
    """Relabel a lake; the rows changed."""
    with scene.lake.writing() as writer:
        return relabel(writer, table).relabelled


def everything(scene: Scene) -> tuple[list[dict[str, Any]], list[str], dict[tuple[int | None, str], int]]:
    """Rows, roll-up, and how many rows the files of each day and side hold."""
    parts: Counter[tuple[int | None, str]] = Counter()
    with scene.lake.reading() as session:
        for part in session.parts():
            parts[(part.day, part.side)] += part.rows
    rows = [{**row, "source_file": Path(row["source_file"]).name} for row in scene.rows()]
    return rows, sorted(map(repr, scene.rollup())), parts


def test_relabelled_rows_are_as_if_read_with_the_table(scenes: tuple[Scene, Scene]) -> None:
    """Rows, event numbers, files by day and side, and the roll-up equal those of an ingest with the right table."""
    late, right = scenes
    for scene, given in ((late, None), (right, TABLE)):
        scene.ingest(scene.write("eve.json", LINES), sensors=given)
    assert apply(late, TABLE) == 12
    assert everything(late) == everything(right)


def test_batches_and_files_do_not_matter(scenes: tuple[Scene, Scene]) -> None:
    """The same holds when the lines came in many commits, and half of them with a table that was wrong."""
    late, right = scenes
    wrong = {"tpe-1": Place("JP", "rail"), "sel-1": Place("KR", "health")}
    for scene, first, second in ((late, wrong, None), (right, TABLE, TABLE)):
        scene.ingest(scene.write("a.json", LINES[:7]), sensors=first, batch_lines=1)
        scene.ingest(scene.write("b.json", LINES[7:]), sensors=second)
    apply(late, TABLE)
    assert everything(late) == everything(right)


def test_held_lines_are_still_recognised(scenes: tuple[Scene, Scene]) -> None:
    """After relabelling, the same file and a grown copy of it store only what is new."""
    late, _ = scenes
    file = late.write("eve.json", LINES)
    late.ingest(file)
    apply(late, TABLE)
    assert late.ingest(file, sensors=TABLE).stored == 0
    grown = late.write("grown.json", [*LINES, LINES[-1]])
    assert late.ingest(grown, sensors=TABLE).stored == 1


def test_a_second_time_changes_nothing(scenes: tuple[Scene, Scene]) -> None:
    """Where every row has its place already, no file is written and no commit made."""
    late, _ = scenes
    late.ingest(late.write("eve.json", LINES))
    apply(late, TABLE)
    with late.lake.reading() as session:
        before = session.generation, session.parts()
    assert apply(late, TABLE) == 0
    with late.lake.reading() as session:
        assert (session.generation, session.parts()) == before


def test_only_the_days_concerned_are_touched(scenes: tuple[Scene, Scene]) -> None:
    """A file without a row to change stays the very file, and keeps its roll-up."""
    late, _ = scenes
    late.ingest(late.write("eve.json", LINES), sensors=TABLE)
    with late.lake.reading() as session:
        before = {part.path: part.day or 0 for part in session.parts()}
    moved = {**TABLE, "tpe-1": Place("TW", "rail")}
    assert apply(late, moved) == 3
    with late.lake.reading() as session:
        kept = {part.path for part in session.parts()} & set(before)
    assert {before[path] for path in kept} >= {min(before.values()) + 1}
    assert {row["sector"] for row in late.rows(where="sensor = 'tpe-1'")} == {"rail"}
    assert sum(row["count"] for row in late.rollup() if row["sector"] == "rail") > 0


def test_a_failure_leaves_the_lake_as_it_was(scenes: tuple[Scene, Scene]) -> None:
    """When something goes wrong half way, readers see every row with its old labels."""
    late, _ = scenes
    late.ingest(late.write("eve.json", LINES))
    before = everything(late)

    class Failing:
        def get(self, sensor: str, /) -> Place:
            if sensor == "sel-2":
                raise OSError("no space left on device")
            return Place("TW", "water")

    with pytest.raises(Exception, match="no space"):
        apply(late, Failing())
    assert everything(late) == before


def test_the_stored_columns_tell_every_role(scenes: tuple[Scene, Scene]) -> None:
    """On real records of every type, the roll-up made from stored rows equals the one made as they were read."""
    late, right = scenes
    late.ingest(folder("suricata-verify"))
    with late.lake.reading() as session:
        tables = [roll_up(stored(session.read_part(part, OBSERVATION_SCHEMA.names))) for part in session.parts()]
    with right.lake.writing() as writer:
        for table in tables:
            writer.append_rollup(table)
    assert sorted(map(repr, right.rollup())) == sorted(map(repr, late.rollup()))
