"""Whatever the order of files, the split points and the repetitions: the lake holds each line as often as it should."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest_scenes import Scene, eve

LINES = [eve(n) for n in range(6)] + [eve(n, timestamp="2026-03-15T00:00:00.000001+0000", flow_id=n) for n in range(3)]
FILES = st.lists(st.lists(st.integers(0, len(LINES) - 1), min_size=1, max_size=12), min_size=1, max_size=4)


def expected(files: list[list[int]]) -> Counter[int]:
    """Each line as often as in the file that has it most often: equal lines within a file are different events."""
    wanted: Counter[int] = Counter()
    for file in files:
        wanted |= Counter(file)
    return wanted


def held(scene: Scene) -> Counter[int]:
    """Which lines the lake holds how often, by flow number and day."""
    digests = Counter((row["digest_high"], row["digest_low"]) for row in scene.rows("digest_high, digest_low"))
    assert len({(r["digest_high"], r["digest_low"], r["occurrence"]) for r in scene.rows()}) == sum(digests.values())
    return Counter(sorted(digests.values()))


@settings(max_examples=12, deadline=None)
@given(files=FILES, together=st.booleans(), again=st.lists(st.integers(0, 3), max_size=3))
def test_each_line_is_held_as_often_as_its_fullest_file_has_it(
    files: list[list[int]], together: bool, again: list[int]
) -> None:
    """In one run or many, in any order, with files read again: the same counts, and every line accounted for."""
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        paths = [scene.write(f"{n}.json", [LINES[line] for line in file]) for n, file in enumerate(files)]
        runs = [paths] if together else [[path] for path in paths]
        runs += [[paths[n]] for n in again if n < len(paths)]
        reports = [scene.ingest(*run) for run in runs]
        wanted = expected(files)
        assert sum(report.stored for report in reports) == sum(wanted.values())
        read = sum(len(file) for file in files) + sum(len(files[n]) for n in again if n < len(paths))
        assert sum(report.stored + report.duplicates for report in reports) == read
        assert held(scene) == Counter(sorted(wanted.values()))


@settings(max_examples=10, deadline=None)
@given(
    numbers=st.lists(st.integers(0, 400), min_size=1, max_size=30),
    cuts=st.lists(st.integers(0, 6000), max_size=3),
    ended=st.booleans(),
)
def test_a_file_read_as_it_grows_ends_like_one_read_once(numbers: list[int], cuts: list[int], ended: bool) -> None:
    """Reading any beginnings of a file first, cut anywhere, changes nothing in what the lake holds in the end."""
    raw = b"\n".join(eve(n) for n in numbers) + (b"\n" if ended else b"")
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(Path(folder))
        scene.write("first.json", [eve(0)])
        scene.ingest(scene.folder / "first.json")
        for cut in sorted(cuts):
            if raw[:cut].strip():
                path = scene.write("eve.json", eve(0) + b"\n" + raw[:cut])
                scene.ingest(path)
        scene.ingest(scene.write("eve.json", eve(0) + b"\n" + raw), batch_lines=1, chunk_bytes=500)
        wanted = Counter([0, *numbers])
        assert len(scene.rows()) == sum(wanted.values())
        assert held(scene) == Counter(sorted(wanted.values()))
