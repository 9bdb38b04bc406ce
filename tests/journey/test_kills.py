"""Nothing is lost and nothing is doubled when commands die at random moments (``kill_drill`` says how they die)."""

from __future__ import annotations

from pathlib import Path

import pytest

from journey.command_line import SeawallNode, here
from journey.kill_drill import Drill, findings, outbox, quarantined, whole_lake

TOTALS = (
    "events", "hits", "matched_events", "aggregates", "indicators_hit", "sightings", "by_indicator_type", "both_sides",
)  # fmt: skip


def check(drill: Drill) -> None:
    """Run the same commands to their ends and compare everything with a node that nobody disturbed."""
    matched = drill.finish()
    control, wanted = drill.undisturbed()
    assert whole_lake(drill.taipei)[0] == whole_lake(control)[0] == drill.distinct_lines()
    assert {name: matched[name] for name in TOTALS} == {name: wanted[name] for name in TOTALS}
    assert quarantined(drill.taipei) == quarantined(control) == drill.broken_lines()
    again = drill.taipei.here("ingest", drill.root / "logs")
    lines = sum(len(lines) for lines in drill.files.values())
    broken = drill.broken_lines().total()
    assert (again["stored"], again["duplicates"], again["rejected"]) == (0, lines - broken, broken)
    indicators_crossed(drill)
    findings_crossed(drill, control)
    for node in (drill.taipei, drill.seoul):
        assert node.here("ledger", "verify")["valid"] is True
        assert not list(node.folder.rglob("*.new"))


def indicators_crossed(drill: Drill) -> None:
    """Exactly the AMBER indicators reached Seoul, nothing stands twice, and a further sync moves nothing."""
    held = here("--node", drill.seoul.folder, "intel", "export", "--to", "csv").out.splitlines()
    values = sorted(line.split(",")[2] for line in held[1:])
    assert drill.amber <= set(values)
    assert not {value for value in drill.red if not drill.is_seen(value)} & set(values)
    assert len(values) == len({line.split(",")[0] for line in held[1:]})
    rows = outbox(drill.taipei, "tw-kr", "seoul")
    assert len(rows) == len(set(rows))
    for node, peer in ((drill.taipei, "seoul"), (drill.seoul, "taipei")):
        report = node.here("sync", peer)
        assert (report["received"], report["sent"]) == (0, 0)


def findings_crossed(drill: Drill, control: SeawallNode) -> None:
    """Taipei found all that the quiet node found, and Seoul holds all of it that may leave."""
    found = findings(drill.taipei)
    assert findings(control) <= found
    assert findings(drill.seoul) == {told for told in found if told.tlp != "red"}


def test_a_few_kills_change_nothing(tmp_path: Path) -> None:
    """One kill of each command, two ingests at once and both nodes serving: all counts are those of a quiet run."""
    drill = Drill(tmp_path, seed=1, lines=800, indicators=40)
    with drill.serving():
        for command in ("ingest", "import", "match", "sync", "fetch", "serve"):
            drill.kill_one(command)
        check(drill)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_kills_change_nothing(tmp_path: Path) -> None:
    """Twenty and more kills that each hit a running command, on larger input."""
    drill = Drill(tmp_path, seed=20, lines=8_000, indicators=3_000)
    with drill.serving():
        drill.prime()
        hits = 0
        while hits < 24:
            hits += sum(drill.kill_one(command) for command in ("ingest", "import", "match", "sync", "fetch", "serve"))
        check(drill)
