"""Ingest of whole inputs: real logs, files read again, grown, copied, shared, split."""

from __future__ import annotations

import gzip
import io

import pytest
import zstandard

from ingest_scenes import Place, Scene, counts, eve
from realdata import folder
from seawall.ingest import IngestOptions, ingest
from seawall.model import Fault


def test_real_logs_are_stored_whole_and_once(scene: Scene) -> None:
    """88 real captures give 1,200 rows without a reject or a problem, and nothing more the second time."""
    data = folder("suricata-verify")
    first = scene.ingest(data)
    assert (first.files, *counts(first)) == (88, 1200, 0, 0)
    assert first.problems == []
    assert sum(first.by_type.values()) == 1200 and first.by_type["alert"] == 235
    second = scene.ingest(data)
    assert counts(second) == (0, 1200, 0)
    assert second.by_type == first.by_type


def test_real_logs_line_by_line_after_the_fingerprints_are_gone(scene: Scene) -> None:
    """The same lines in one other file are recognised one by one."""
    data = folder("suricata-verify")
    scene.ingest(data)
    joined = b"".join(gzip.decompress(path.read_bytes()) for path in sorted(data.glob("*/eve.json.gz")))
    report = scene.ingest(scene.write("joined.json", joined))
    assert report.duplicates + report.stored == 1200
    held = {(row["digest_high"], row["digest_low"]) for row in scene.rows("digest_high, digest_low")}
    assert report.stored == len(scene.rows()) - 1200  # equal lines in different captures stand in one file now
    assert len(held) == len({line for line in joined.splitlines() if line.strip()})


def test_a_grown_file_brings_only_what_is_new(scene: Scene) -> None:
    """Lines appended since last time are stored, the others are duplicates."""
    lines = [eve(n) for n in range(50)]
    scene.ingest(scene.write("eve.json", lines[:30]))
    assert counts(scene.ingest(scene.write("eve.json", lines))) == (20, 30, 0)


def test_a_file_that_grew_in_the_middle_of_a_line_gets_the_whole_line(scene: Scene) -> None:
    """A half-written last line is rejected, and stored once it is complete."""
    whole = eve(1) + b"\n" + eve(2)
    assert counts(scene.ingest(scene.write("eve.json", whole[:-10]))) == (1, 0, 1)
    assert counts(scene.ingest(scene.write("eve.json", whole))) == (1, 1, 0)
    assert counts(scene.ingest(scene.write("eve.json", whole + b"\n" + eve(3)))) == (1, 2, 0)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_compressed_copy_is_the_same_file(scene: Scene, suffix: str) -> None:
    """The content counts, not its packing; read plain or compressed first."""
    raw = b"".join(eve(n) + b"\n" for n in range(20))
    packed = gzip.compress(raw) if suffix == "gz" else zstandard.compress(raw)
    assert counts(scene.ingest(scene.write(f"a.{suffix}", packed))) == (20, 0, 0)
    assert counts(scene.ingest(scene.write("a.json", raw))) == (0, 20, 0)
    assert counts(scene.ingest(scene.write(f"grown.{suffix}", packed + packed))) == (20, 20, 0)


def test_two_files_of_one_run_share_lines(scene: Scene) -> None:
    """A line that two files bring is stored once, within a batch and across batches."""
    a = scene.write("a.json", [eve(n) for n in range(30)])
    b = scene.write("b.json", [eve(n) for n in range(20, 50)])
    assert counts(scene.ingest(a, b)) == (50, 10, 0)


def test_equal_lines_within_one_file_are_all_stored(scene: Scene) -> None:
    """Occurrence numbers tell them apart; reading the file again stores none."""
    path = scene.write("a.json", [eve(1)] * 5 + [eve(2)])
    assert counts(scene.ingest(path)) == (6, 0, 0)
    assert [row["occurrence"] for row in scene.rows("occurrence")] == [0, 1, 2, 3, 4, 0]
    more = scene.write("b.json", [eve(1)] * 7)
    assert counts(scene.ingest(more)) == (2, 5, 0)


def test_a_file_over_several_batches_counts_its_equal_lines_through(scene: Scene) -> None:
    """Equal lines far apart, in different commits of one run, keep their occurrence."""
    repeated = [eve(0)] + [eve(n) for n in range(1, 1500)] + [eve(0)] + [eve(n) for n in range(1500, 3000)] + [eve(0)]
    path = scene.write("a.json", repeated)
    report = scene.ingest(path, batch_lines=1000, chunk_bytes=50_000)
    assert counts(report) == (3002, 0, 0)
    with scene.lake.reading() as session:
        assert session.generation > 2
    assert sorted(row["occurrence"] for row in scene.rows("occurrence", "source_line IN (1, 1501, 3002)")) == [0, 1, 2]
    assert counts(scene.ingest(scene.write("b.json", [*repeated, eve(0)]), batch_lines=1000, chunk_bytes=50_000)) == (
        1,
        3002,
        0,
    )


def test_standard_input_is_an_input(scene: Scene) -> None:
    """``-`` reads the stream given, compressed or not."""
    raw = b"".join(eve(n) + b"\n" for n in range(5))
    assert counts(scene.ingest("-", stdin=io.BytesIO(raw))) == (5, 0, 0)
    assert counts(scene.ingest("-", stdin=io.BytesIO(gzip.compress(raw)))) == (0, 5, 0)


def test_progress_tells_bytes_and_events(scene: Scene) -> None:
    """Bytes rise to the total, events to their number."""
    path = scene.write("a.json", [eve(n) for n in range(10)])
    told: list[tuple[int, int | None, int]] = []
    options = IngestOptions(quarantine=scene.quarantine, node_side="TW")
    ingest([path], scene.lake, options, lambda *figures: told.append(figures))
    assert told[-1] == (path.stat().st_size, path.stat().st_size, 10)


def test_sides_and_sectors_come_from_the_sensor_table(scene: Scene) -> None:
    """A known sensor has its place; unknown and missing names get the node's, and count once each."""
    sensors = {"tpe-1": Place("TW", "energy"), "sel-1": Place("KR", "finance")}
    lines = [eve(1), eve(2, host="sel-1"), eve(3, host="new"), eve(4, host="new"), eve(5, host=...), eve(6, host=...)]
    report = scene.ingest(scene.write("a.json", lines), sensors=sensors, side="JP", sector="water")
    assert report.unknown_sensors == 2
    places = [(row["side"], row["sector"], row["sensor"]) for row in scene.rows("side, sector, sensor", "true")]
    assert sorted(places, key=str) == [
        ("JP", "water", "new"),
        ("JP", "water", "new"),
        ("JP", "water", None),
        ("JP", "water", None),
        ("KR", "finance", "sel-1"),
        ("TW", "energy", "tpe-1"),
    ]


def test_a_time_without_zone_takes_the_sensors(scene: Scene) -> None:
    """Its time zone comes from the sensor table; without one the line is rejected."""
    lines = [eve(1, timestamp="2026-03-14T09:00:00.5"), eve(2, timestamp="2026-03-14T09:00:00.5", host="x")]
    report = scene.ingest(scene.write("a.json", lines), sensors={"tpe-1": Place("TW", "energy", "Asia/Taipei")})
    assert counts(report) == (1, 0, 1)
    assert scene.rows("time")[0]["time"] == 1_773_450_000_500_000


def test_an_unknown_format_is_refused(scene: Scene) -> None:
    """The sentence names those we know."""
    with pytest.raises(Fault, match=r"E-INGEST-002.*suricata-eve"):
        scene.ingest(scene.write("a.json", [eve(1)]), format="zeek-17")


def test_a_file_with_rejects_is_read_again_line_by_line(scene: Scene) -> None:
    """What was rejected may be good another time: here once the sensor's time zone is known."""
    path = scene.write("a.json", [eve(1), eve(2, timestamp="2026-03-14T09:00:00.5")])
    assert counts(scene.ingest(path)) == (1, 0, 1)
    assert counts(scene.ingest(path, sensors={"tpe-1": Place("TW", "energy", "Asia/Taipei")})) == (1, 1, 0)
