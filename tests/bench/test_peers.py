"""The peers' table and plot, and the sample all of them get."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench.peers.peer import STEPS, UnobtainableError, cpu_of, measured, server, take_sample, this_python
from bench.peers.report import Figures, plot, table

OURS = Figures("ours", "1", 1000, 2.0, does=dict.fromkeys(STEPS, "yes"))
OTHER = Figures("other", "2", 100, 2.0, does=dict.fromkeys(STEPS, "no"))
ABSENT = Figures("absent", reason="no such package")


def _load(folder: Path, *sizes: int) -> Path:
    (folder / "eve").mkdir(parents=True)
    for number, size in enumerate(sizes):
        lines = "".join(f'{{"file":{number},"line":{line}}}\n' for line in range(size))
        (folder / "eve" / f"{number}.json").write_text(lines)
    for name in ("indicators.csv", "sensors.csv"):
        (folder / name).write_text("head\n")
    return folder


def test_sample_takes_alike_many_lines_of_each_file(tmp_path: Path) -> None:
    """A sample holds the first lines of every file, and the load's tables beside them."""
    sample = take_sample(_load(tmp_path / "load", 10, 10, 10), tmp_path / "sample", 7)
    lines = sample.file.read_text().splitlines()
    assert sample.events == len(lines) == 7
    assert [sum(f'"file":{number}' in line for line in lines) for number in range(3)] == [2, 2, 3]
    assert (sample.folder / "sensors.csv").read_text() == "head\n"


def test_sample_of_a_short_load_tells_what_it_holds(tmp_path: Path) -> None:
    """Asked for more than there is, a sample names the number of lines it really has."""
    assert take_sample(_load(tmp_path / "load", 2, 1), tmp_path / "sample", 100).events == 3


def test_sample_of_no_load_is_refused(tmp_path: Path) -> None:
    """A folder without events is no load."""
    with pytest.raises(FileNotFoundError):
        take_sample(tmp_path, tmp_path / "sample", 5)


def test_table_names_every_peer_and_the_reason_of_an_absent_one() -> None:
    """A peer that could not run keeps its line, with the reason; the others show how much quicker ours is."""
    lines = table([OURS, OTHER, ABSENT]).splitlines()
    assert "| 500 |" in lines[2]
    assert "| 50 | 10 x |" in lines[3]
    assert "not run: no such package" in lines[4]
    assert len({line.count("|") for line in lines}) == 1


def test_plot_is_well_formed_and_leaves_out_what_did_not_run() -> None:
    """The plot is an XML document with one bar for each peer that ran, its name escaped."""
    odd = Figures("a < b & c", "", 10, 1.0, does={})
    drawn = plot([OURS, odd, ABSENT], "Rates")
    texts = [element.text for element in ElementTree.fromstring(drawn).iter() if element.text]  # noqa: S314 - our own
    assert "a < b & c" in texts
    assert "absent" not in texts
    assert drawn.count("<rect") == 3


def test_measured_counts_the_cpu_time_of_a_command() -> None:
    """A command that works has its CPU time and its output told."""
    seconds, printed = measured(this_python(["-c", "print(sum(range(3_000_000)))"]))
    assert seconds > 0
    assert printed.strip() == "4499998500000"


def test_measured_names_the_last_line_of_a_command_that_fails() -> None:
    """A command that fails is told with its own last words."""
    with pytest.raises(UnobtainableError, match="no luck"):
        measured(this_python(["-c", "raise SystemExit('no luck')"]))


def test_server_is_stopped_at_the_end() -> None:
    """A background program runs within the block only."""
    with server(this_python(["-c", "import time; time.sleep(60)"])) as pid:
        assert cpu_of(pid) >= 0
    assert not Path(f"/proc/{pid}").exists()


def test_measured_stops_a_command_that_outstays_our_patience() -> None:
    """A command that does its work and then stays is stopped, and what it used and printed counts."""
    lasting = "import time; print(sum(range(3_000_000)), flush=True); time.sleep(60)"
    seconds, printed = measured(this_python(["-c", lasting]), patience=3.0)
    assert seconds > 0
    assert printed.strip() == "4499998500000"
