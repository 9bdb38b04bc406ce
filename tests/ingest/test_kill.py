"""A process killed at any moment leaves a lake from which reading the files again gives exact counts."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from ingest_scenes import Scene, eve

ROUNDS = 10
LINES = 6000
RUN = """
import sys
from pathlib import Path
from seawall.ingest import IngestOptions, ingest
from seawall.lake import Lake
from seawall.settings import LakeSettings
folder = Path(sys.argv[1])
lake = Lake.open(folder / "lake", LakeSettings(memory_limit_mb=200))
options = IngestOptions(quarantine=folder / "quarantine", node_side="TW", batch_lines=1000, chunk_bytes=1 << 16)
print("begun", flush=True)
ingest([folder / "in"], lake, options)
"""


def test_killed_at_random_moments_then_read_again(scene: Scene) -> None:
    """``kill -9`` again and again; what is visible is always whole batches, and the end is exact."""
    lines = [eve(n % 5500, host=f"s{n % 3}") for n in range(LINES)]
    for part in range(3):
        scene.write(f"in/{part}.json", [*lines[part * LINES // 3 : (part + 1) * LINES // 3], b"broken"])
    wanted: Counter[bytes] = Counter()
    for part in range(3):
        wanted |= Counter(lines[part * LINES // 3 : (part + 1) * LINES // 3])
    moments = random.Random(7)
    seen = 0
    for _ in range(ROUNDS):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(scene.folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(moments.uniform(0, 1.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        rows = scene.rows("event, digest_high, digest_low, occurrence")
        assert len(rows) >= seen
        assert len({(row["digest_high"], row["digest_low"], row["occurrence"]) for row in rows}) == len(rows)
        seen = len(rows)
    report = scene.ingest(scene.folder / "in")
    rows = scene.rows()
    assert len(rows) == sum(wanted.values()) == len({row["event"] for row in rows})
    assert (report.stored + report.duplicates, report.rejected) == (LINES, 3)
    assert sum(row["count"] for row in scene.rollup() if row["type"] == "ipv4") == 2 * len(rows)


def test_two_processes_at_once_store_each_line_once(scene: Scene) -> None:
    """Both read the same files; they take turns at the lake and see what the other stored."""
    lines = [eve(n) for n in range(LINES)]
    for part in range(3):
        scene.write(f"in/{part}.json", lines[part * LINES // 3 : (part + 1) * LINES // 3])
    running = [subprocess.Popen([sys.executable, "-c", RUN, str(scene.folder)]) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    rows = scene.rows("digest_low, event")
    assert len(rows) == len({row["digest_low"] for row in rows}) == len({row["event"] for row in rows}) == LINES


def test_leftovers_of_a_killed_writer_are_swept(scene: Scene) -> None:
    """Files that no manifest names go away with the next writing."""
    scene.ingest(scene.write("a.json", [eve(1)]))
    left = scene.folder / "lake" / "observations" / "day=2026-03-14" / "side=TW" / "part-000009-000009.parquet"
    left.write_bytes(b"half a file")
    other = Scene(scene.folder)
    other.ingest(other.write("b.json", [eve(2)]))
    assert not left.exists() and len(other.rows()) == 2
    assert not Path(scene.folder / "lake" / "manifest.json.new").exists()
