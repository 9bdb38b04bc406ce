"""A simulated season with known truth: what the warnings, leads, groups, chains and predictions of a node are worth.

    python -m bench warn [--days 30] [--scale 0.001] [--seed 7] [--budget 20]

Two nodes live through the same season three times: alone with each other; with a third peer that claims to have met
everything first and calls innocent sites hostile; and with that peer and people who answer, each evening, the groups
that the budget raised. The truth is opened after the nodes have answered. Everything is the product's own way, from
log lines over TLS to the desk; simulated seasons say how methods compare, not what a real link is worth.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from seawall.flow.campaigns import build_campaigns
from seawall.flow.demo.grade import Grade, from_warnings, grade, merge
from seawall.flow.demo.measure import all_warnings
from seawall.flow.demo.season import SeasonDemonstration
from seawall.flow.demo.sides import with_sides
from seawall.flow.leads import leads
from seawall.flow.node import Node
from seawall.flow.predict import Asked, evaluate
from seawall.flow.simulator import Truth
from seawall.flow.simulator.season import Season, write_season
from seawall.flow.warning_answers import answer_warning
from seawall.flow.warning_desk import refresh_desk
from seawall.model import NotFound, ObservableType
from seawall.model.answer import Verdict

SIDES = ("TW", "KR")
Key = tuple[ObservableType, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench warn", description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--scale", type=float, default=0.001, help="of a national day's events, each day")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--budget", type=int, default=20, help="groups a day that are raised")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="seawall-season-") as scratch:
        season = write_season(
            Path(scratch) / "logs", days=asked.days, scale=asked.scale, seed=asked.seed, slices_a_day=2
        )
        print(_about(season))
        print(Lived.HEAD)
        for name, liar, answers in (
            ("with each other", False, False),
            ("and a peer that lies", True, False),
            ("and people who answer", True, True),
        ):
            lived = Lived(Path(scratch) / name.replace(" ", "-"), season, asked.budget, liar=liar, answers=answers)
            print(lived.row(name), flush=True)
            if not liar:
                told = [*lived.lead_rows(), *lived.group_rows(), *lived.prediction_rows()]
    print("\n".join(["", *told]))


def _about(season: Season) -> str:
    truth = season.truth
    crossing = sum(len(campaign.sides) > 1 for campaign in truth.campaigns)
    events = sum(part.events for part in season.slices)
    return (
        f"{season.days} days, {events:,} events, {len(truth.campaigns)} campaigns, {crossing} of them on both sides, "
        f"{sum(item.findable for item in truth.values)} values to find\n"
    )


class Lived:
    """One life of the season, with the two nodes' answers taken before the truth is opened."""

    HEAD = (
        "| Two nodes | Recall | Precision | False a day | Right first side | Median usable lead (h) | "
        "Most groups raised a day | Crossing campaigns raised | Below the budget | Without a warning | Seconds |\n"
        + "| --- " * 11
        + "|"
    )

    def __init__(self, folder: Path, season: Season, budget: int, *, liar: bool, answers: bool) -> None:
        self.season, self.truth = season, season.truth
        self._hostile = {(item.type, item.value) for item in self.truth.values}
        self._answers = answers
        self._raised_most = 0
        self._budget = budget
        self._rows: dict[str, list[str]] = {}
        began = time.monotonic()
        show: Callable[[str, int, int], None] = lambda step, done, of: None  # noqa: E731, ARG005
        with SeasonDemonstration(folder, season, "en", show, with_liar=liar, evening=self._evening) as run:
            for node in run.nodes.values():
                limit = msgspec.structs.replace(node.settings.warn, budget_per_day=budget)
                node.settings = msgspec.structs.replace(node.settings, warn=limit)
            run.live_through()
            held = {side: [with_sides(item) for item in all_warnings(node)] for side, node in run.nodes.items()}
            self._warned = {(item.type, item.value) for found in held.values() for item in found}
            self.grade: Grade = grade(merge(*map(from_warnings, held.values())), self.truth)
            self._raised = {key for node in run.nodes.values() for key in _raised(node)}
            if not liar:
                self._measure(run.nodes)
        self.seconds = time.monotonic() - began

    def row(self, name: str) -> str:
        """One line of the first table."""
        found = self.grade
        crossing = {item.campaign for item in self.truth.values if item.findable}
        raised, warned = self._with_any(self._raised) & crossing, self._with_any(self._warned) & crossing
        lead = found.median_usable_lead_seconds
        cells = (
            name, _share(found.recall), _share(found.precision), f"{found.false / self.season.days:.1f}",
            _share(found.right_first_side), "-" if lead is None else f"{lead / 3600:.1f}", str(self._raised_most),
            f"{len(raised)} of {len(crossing)}", str(len(warned - raised)), str(len(crossing - warned - raised)),
            f"{self.seconds:.0f}",
        )  # fmt: skip
        return f"| {' | '.join(cells)} |"

    def lead_rows(self) -> list[str]:
        """Who was first, over chance."""
        return self._rows["leads"]

    def group_rows(self) -> list[str]:
        """Campaigns against the truth."""
        return self._rows["groups"]

    def prediction_rows(self) -> list[str]:
        """Every method, learning from days before."""
        return self._rows["predictions"]

    def _evening(self, day: int, nodes: dict[str, Node]) -> None:
        for node in nodes.values():
            build_campaigns(node)
            self._raised_most = max(self._raised_most, refresh_desk(node).raised_today)
            if self._answers:
                self._answer(node)

    def _answer(self, node: Node) -> None:
        """An analyst looks at what is raised and says what it was; nobody looks at what is not raised."""
        after: int | None = 0
        raised: list[Key] = []
        while after is not None:
            page = node.store.desk.list(node.clock(), "open", after=after, limit=1_000)
            raised += [(place.type, place.value) for place in page.items]
            after = page.next
        for kind, value in raised:
            verdict = Verdict.CONFIRMED if (kind, value) in self._hostile else Verdict.REFUTED
            try:
                answer_warning(node, value, verdict)
            except NotFound:
                continue  # drawn anew since, and gone

    def _with_any(self, keys: set[Key]) -> set[str]:
        """Campaigns of which one of these values is."""
        return {item.campaign for item in self.truth.values if (item.type, item.value) in keys}

    def _measure(self, nodes: dict[str, Node]) -> None:
        self._rows["leads"] = _leads(nodes)
        self._rows["groups"] = _groups(nodes, self.truth)
        self._rows["predictions"] = _predictions(nodes)


def _raised(node: Node) -> list[Key]:
    found: list[Key] = []
    for state in ("open", "answered"):
        after: int | None = 0
        while after is not None:
            page = node.store.desk.list(node.clock(), state, after=after, limit=1_000)
            found += [(place.type, place.value) for place in page.items if place.raised_at is not None]
            after = page.next
    return found


def _leads(nodes: dict[str, Node]) -> list[str]:
    """The group of the other side, as ``seawall leads --by peer`` gives it."""
    rows: list[str] = []
    for side, node in nodes.items():
        for group in leads(node, by="peer")["items"]:
            shown = {name: value for name, value in group.items() if not isinstance(value, dict | list)}
            nested = {name: value for name, value in group.items() if isinstance(value, dict)}
            rows.append(f"Lead, seen from {side}: {json.dumps(shown)}")
            rows += [f"    {name}: {json.dumps(value)}" for name, value in nested.items()]
    return [*rows, ""]


def _groups(nodes: dict[str, Node], truth: Truth) -> list[str]:
    """Pairs of values that stand in one group, against pairs of one campaign."""
    rows = ["| Side | Values grouped | Groups | Pair precision | Pair recall |", "| --- " * 5 + "|"]
    known = {(item.type, item.value): item.campaign for item in truth.values}
    for side, node in nodes.items():
        build_campaigns(node)
        ours = node.store.campaigns.of(known)
        groups, actors = Counter(ours.values()), len(set(ours.values()))
        together = sum(count * (count - 1) // 2 for count in groups.values())
        right = Counter((ours[key], known[key]) for key in ours)
        hit = sum(count * (count - 1) // 2 for count in right.values())
        true = sum(count * (count - 1) // 2 for count in Counter(known[key] for key in ours).values())
        rows.append(f"| {side} | {len(ours)} | {actors} | {_ratio(hit, together)} | {_ratio(hit, true)} |")
    return [*rows, ""]


def _predictions(nodes: dict[str, Node]) -> list[str]:
    rows = []
    for side, node in nodes.items():
        found = evaluate(node, Asked(days=30, top=20), liars=True)
        if not found.items:
            rows.append(f"{side}: {'; '.join(reason.text for reason in found.missing)}")
            continue
        names = list(found.items[0])
        rows += [f"Prediction for {side}, {found.document['test_days']} days tested", ""]
        rows += [f"| {' | '.join(names)} |", "| --- " * len(names) + "|"]
        rows += [f"| {' | '.join(_cell(item[name]) for name in names)} |" for item in found.items]
        rows.append("")
    return rows


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _ratio(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
