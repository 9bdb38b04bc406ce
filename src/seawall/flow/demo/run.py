"""The demonstration in its order: write the day, live through it, look at what crossed, then open the truth."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import msgspec

from seawall.flow.demo.checkers import Checked, check
from seawall.flow.demo.cost import cpu_seconds, peak_memory_bytes
from seawall.flow.demo.crossing import Searched
from seawall.flow.demo.grade import from_warnings, grade, merge
from seawall.flow.demo.lifetime import OTHER, Demonstration, Say
from seawall.flow.demo.measure import Key, all_warnings, candidate_keys, first_sectors, values_met
from seawall.flow.demo.quiet import QuietDemonstration
from seawall.flow.demo.result import DemoResult, OwnLog, SideFigures
from seawall.flow.demo.sides import with_sides
from seawall.flow.demo.story import Story, choose
from seawall.flow.demo.victim import find_victim
from seawall.flow.protect import export
from seawall.flow.simulator import read_truth, write_day
from seawall.messages import mark
from seawall.model import Warning

DEFAULT_SCALE, DEFAULT_SEED = 0.05, 7
SLICES = 24
FORMATS = ("rpz", "nftables", "suricata", "csv")
OWN_LOG_SIDE = "TW"


def demonstrate(
    folder: Path,
    *,
    scale: float,
    seed: int,
    lang: str,
    own_log: Path | None,
    say: Say,
    campaigns: bool = True,
    slices: int = SLICES,
    in_private: bool = False,
) -> DemoResult:
    """Run everything in ``folder`` and grade it. Nodes, exports and what crossed stay; the day's logs are removed."""
    wall, cpu = time.monotonic(), cpu_seconds()
    say("Writing the day", 0, 1)
    day = write_day(folder / "day", scale=scale, seed=seed, slices=slices, campaigns=campaigns)
    kind = QuietDemonstration if in_private else Demonstration
    with kind(folder, day, lang, say) as run:
        own = _take_own_log(run, own_log) if own_log is not None else None
        run.live_through()
        warnings = {side: [with_sides(item) for item in all_warnings(node)] for side, node in run.nodes.items()}
        checked, entries = _exports(run)
        sides = tuple(_figures(run, side, len(warnings[side]), entries[side]) for side in OTHER)
        story = choose(_stories(run, warnings))
        searched, control = _search(run, story)
        quiet = run.quiet_figures(warnings) if isinstance(run, QuietDemonstration) else None
        plainly = run.plainly_warned() if isinstance(run, QuietDemonstration) else {}
        told = _own_warned(*own, warnings) if own is not None else None
    truth = read_truth(day.truth_folder / "truth.json")
    result = grade(merge(*map(from_warnings, warnings.values())), truth)
    if quiet is not None:
        plain = grade(merge(*(from_warnings(map(with_sides, items)) for items in plainly.values())), truth)
        quiet = msgspec.structs.replace(
            quiet,
            plain_recall=plain.recall,
            plain_precision=plain.precision,
            plain_median_usable_lead_seconds=plain.median_usable_lead_seconds,
        )
    for side in OTHER:
        shutil.rmtree(day.folder / side.lower() / "logs")
    return DemoResult(
        scale=scale,
        seed=seed,
        folder=str(folder),
        events=sum(side.events for side in sides),
        story=story,
        sides=sides,
        crossed=tuple(run.crossed.files),
        searched=searched,
        control=control,
        grade=result,
        checked=checked,
        own_log=told,
        quiet=quiet,
        seconds=time.monotonic() - wall,
        cpu_seconds=cpu_seconds() - cpu,
        peak_memory_bytes=peak_memory_bytes(),
    )


def _exports(run: Demonstration) -> tuple[tuple[Checked, ...], dict[str, dict[str, int]]]:
    """Every block list of both sides, each read by the real tool where it is installed."""
    checked: list[Checked] = []
    entries: dict[str, dict[str, int]] = {}
    for side, node in run.nodes.items():
        entries[side] = {}
        for kind in FORMATS:
            target = run.exports(side) / kind
            summary = export(node, kind, output=target, include_watch=False, json=True)
            blocks = summary["blocks"]
            entries[side][kind] = blocks if isinstance(blocks, int) else 0
            checked.append(check(side, kind, target))
    return tuple(checked), entries


def _figures(run: Demonstration, side: str, warnings: int, entries: dict[str, int]) -> SideFigures:
    node = run.nodes[side]
    return SideFigures(
        side=side,
        values=values_met(node),
        candidates=len(candidate_keys(node)),
        warnings=warnings,
        ledger_leaves=node.ledger.size,
        block_list=entries,
        **run.figures[side],
    )


def _stories(run: Demonstration, warnings: dict[str, list[Warning]]) -> list[Story]:
    """One story for each value that came to the second side after it had been told."""
    complete = [item for item in warnings["TW"] + warnings["KR"] if _has_story(item)]
    keys = {(item.type.value, item.value) for item in complete}
    sectors = {side: first_sectors(node, keys) for side, node in run.nodes.items()}
    stories = []
    for item in complete:
        key = (item.type.value, item.value)
        first, other = item.first_side, str(item.other_side)
        if first not in sectors or other not in sectors or key not in sectors[first] or key not in sectors[other]:
            continue
        told, seen = item.told_at or 0, item.other_first_seen or 0
        blocked = run.blocked_at[other].get(item.value, seen) < seen
        stories.append(
            Story(*key, first, sectors[first][key], item.first_seen, told, other, sectors[other][key], seen, blocked)
        )
    return stories


def _has_story(item: Warning) -> bool:
    return item.told_at is not None and item.other_first_seen is not None and item.told_at < item.other_first_seen


def _search(run: Demonstration, story: Story | None) -> tuple[tuple[Searched, ...], Searched | None]:
    """Three private values of the machine that the story's value hit, and the value itself as the control."""
    side = story.first_side if story is not None else "TW"
    victim = find_victim((part.path for part in run.day.of(side)), story.value if story is not None else "")
    private = () if victim is None else victim.private_values()
    control = run.crossed.search([(mark("a warned value"), story.value)])[0] if story is not None else None
    if isinstance(run, QuietDemonstration) and control is not None:
        return (
            *run.crossed.search(private),
            control,
        ), None  # sealed: a relay sees the warned values no more than these
    return tuple(run.crossed.search(private)), control


def _take_own_log(run: Demonstration, path: Path) -> tuple[OwnLog, set[Key]]:
    """The user's log goes beside Taipei's sensors before the day begins."""
    report = run.take_in(OWN_LOG_SIDE, path)
    node = run.nodes[OWN_LOG_SIDE]
    suspects = candidate_keys(node)
    own = OwnLog(
        path=str(path),
        side=OWN_LOG_SIDE,
        events=report.events,
        stored=report.stored,
        rejected=report.rejected,
        duplicates=report.duplicates,
        hostile_values=len(suspects),
        warned=(),
    )
    return own, suspects


def _own_warned(own: OwnLog, suspects: set[Key], warnings: dict[str, list[Warning]]) -> OwnLog:
    """The same, with those of its values that met the other side too."""
    complete = (item for items in warnings.values() for item in items if item.other_first_seen is not None)
    met = {f"{item.type.value} {item.value}" for item in complete if (item.type.value, item.value) in suspects}
    return msgspec.structs.replace(own, warned=tuple(sorted(met)))
