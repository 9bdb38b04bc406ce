#!/usr/bin/env python3
"""Predictions: time and memory of every method at a million observables, their grades in worlds with known truth, and
what one lying peer does to them.

    python bench/predict.py [--values 1000000] [--days 30] [--victims 50] [--worlds 5] [--data DIR] [--plot FILE.svg]

Made-up history: five parties; a value is met by one to five victims, most in one sector of several parties, over one
to six days. Each method runs in a process of its own, because peak memory never falls; ``history`` is the process
without any method. The worlds are small (five parties, twenty days, 150 attackers that go from party to party); their
lists hold 50 values, of which the truth knows which came. ``--data``: real logs (``cowrie-live``, ``zeek-wrccdc``) are
ingested into a throw-away node whose answer is printed as it is. They are of one day and partly of minutes, so the
answer is that there is not enough data, and nothing is claimed from them. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from seawall.warn.prediction_grade import Grade, Task, days_to_test, grade
from seawall.warn.prediction_liars import Lie, with_liar
from seawall.warn.predictors import METHODS, Compared, History, Predictor, history, method
from seawall.warn.predictors.gwol import Gwol
from seawall.warn.predictors.history import DAY
from seawall.warn.predictors.hpb import Hpb
from seawall.warn.predictors.knn import Knn
from seawall.warn.predictors.ranker import Ranker

ROOT = Path(__file__).resolve().parents[1]
PARTIES = 5
UNBOUNDED = {"gwol": Gwol, "hpb": Hpb, "knn": Knn, "ranker": Ranker}
LIST = 50
REAL = ("cowrie-live", "zeek-wrccdc")


def main() -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--victims", type=int, default=50)
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--only", choices=["history", *METHODS], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only is not None:
        json.dump(measured(given.only, made(given.values, given.days, given.victims)), sys.stdout)
        return 0
    figures: dict[str, Any] = {"cost": {name: alone(name, given) for name in ("history", *METHODS)}}
    figures["grades"] = grades(given.worlds)
    if given.data is not None:
        figures["real"] = {name: real(given.data / name) for name in REAL}
    json.dump(figures, sys.stdout, indent=1)
    print()
    if given.plot is not None:
        draw(given.plot, figures["grades"])
    return 0


def made(values: int, days: int, victims: int) -> History:
    """A history of ``values`` sources whose meetings look like campaigns: one sector, several parties, some days."""
    rng = np.random.default_rng(7)
    each = victims // PARTIES
    sector = rng.integers(each, size=values)
    begin = rng.integers(-3, days, size=values)
    columns: list[np.ndarray] = []
    for step in range(PARTIES):
        met = rng.random(values) < (0.9, 0.5, 0.3, 0.15, 0.1)[step]
        party = (rng.integers(PARTIES, size=values) + step) % PARTIES
        start = begin + step * rng.integers(1, 3, size=values)
        for day in range(6):
            some = np.flatnonzero(met & (rng.random(values) < 0.9 ** (3 * day)))
            columns.append(np.stack([some, party[some] * each + sector[some], start[some] + day]))
    source, victim, day = np.concatenate(columns, axis=1)
    party = np.arange(each * PARTIES) // each
    return history(values, days, party, [source, victim, day, day, day * DAY])


def measured(name: str, past: History) -> dict[str, Any]:
    """Seconds, CPU-seconds and peak memory of one fit and one list; of the history alone for ``history``."""
    joined, us = past.joined([victim for victim in range(past.victims) if past.party[victim] == 0])
    found: dict[str, Any] = {"values": past.sources, "rows": len(past.source), "days": past.days}
    if name != "history":
        compared = {party: Compared(past.sources // 2, past.sources // 2, past.sources // 5) for party in range(1, 5)}
        wall, cpu = time.monotonic(), time.process_time()
        predictor = method(name, compared)
        predictor.fit(joined)
        scores = predictor.scores(us)
        found |= {
            "seconds": round(time.monotonic() - wall, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
            "scored": int((scores > 0).sum()),
        }
    found["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return found


def alone(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """``measured`` in a process of its own."""
    options = [f"--{key}={getattr(given, key)}" for key in ("values", "days", "victims")]
    done = subprocess.run([sys.executable, __file__, "--only", name, *options], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def grades(worlds: int) -> list[dict[str, Any]]:
    """Every method over several worlds: everything that comes, and only what had not come before; with liars."""
    sys.path.insert(0, str(ROOT / "tests"))
    from attack_scenes import SECTORS, world

    rows = []
    for unmet in (False, True):
        for name in METHODS:
            if name == "private":
                continue
            pasts = [world(seed=seed).history() for seed in range(worlds)]
            row = total([graded(method(name), past, SECTORS, unmet=unmet) for past in pasts])
            row = {"method": name, "only_unmet": unmet, **row}
            if unmet and name in UNBOUNDED:
                for bounded in (True, False):
                    row["hits_with_liar" if bounded else "hits_with_liar_unbounded"] = {
                        lie.value: sum(
                            graded(
                                UNBOUNDED[name](bounded=bounded), with_liar(past, lie), SECTORS, unmet=True,
                                bounded=bounded,
                            ).hits
                            for past in pasts
                        )
                        for lie in Lie
                    }  # fmt: skip
            rows.append(row)
    return rows


def graded(predictor: Predictor, past: History, sectors: int, *, unmet: bool, bounded: bool = True) -> Grade:
    """One method in one world, for all of party 0."""
    joined, us = past.joined(range(sectors))
    task = Task(victim=us, k=LIST, test_days=days_to_test(past, most=7), unmet=unmet, bounded=bounded)
    return grade(lambda: predictor, joined, task)


def total(found: list[Grade]) -> dict[str, Any]:
    """Sums over worlds, and the middle of their leads."""
    names = ("listed", "hits", "came", "reachable", "beyond_own", "first_meetings", "test_days", "silent_days")
    sums = {name: sum(getattr(one, name) for one in found) for name in names}
    leads = sorted(one.median_lead_hours for one in found if one.median_lead_hours is not None)
    return sums | {
        "precision": round(sums["hits"] / max(sums["listed"], 1), 4),
        "recall": round(sums["hits"] / max(sums["came"], 1), 4),
        "recall_of_reachable": round(sums["hits"] / max(sums["reachable"], 1), 4),
        "false_positives_a_day": round((sums["listed"] - sums["hits"]) / max(sums["test_days"], 1), 1),
        "median_lead_hours": round(leads[len(leads) // 2], 1) if leads else None,
    }


def real(folder: Path) -> dict[str, Any]:
    """What a node that holds these logs answers, and of which days they are."""
    with tempfile.TemporaryDirectory() as scratch:
        node = Path(scratch) / "node"
        seawall(node, "init", "--name", "bench", "--economy", "TW")
        taken = seawall(node, "ingest", folder)
        answer = seawall(node, "predict", "--evaluate", "--days", "366")
    return {
        "stored": taken["stored"], "state": answer["state"], "missing": answer["missing"],
        "values": answer["values"], "meetings": answer["meetings"],
    }  # fmt: skip


def seawall(node: Path, *arguments: str | Path) -> dict[str, Any]:
    """One command's document."""
    command = [sys.executable, "-m", "seawall", "--node", node, "--json", *arguments]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


def draw(path: Path, rows: list[dict[str, Any]]) -> None:
    """Precision and recall of what had not come before, with intervals."""
    from seawall.cli.predict_plot import plot_grades
    from seawall.warn.lead.intervals import wilson

    shown = [
        row
        | {
            "precision_between": [(one := wilson(row["hits"], row["listed"])).low, one.high],
            "recall_between": [(two := wilson(row["hits"], row["came"])).low, two.high],
        }
        for row in rows
        if row["only_unmet"] and row["listed"]
    ]
    words = {"precision": "precision", "recall": "recall", "silent": ""}
    title = f"First meetings predicted a day ahead, lists of {LIST} values, made-up worlds"
    path.write_text(plot_grades(shown, title=title, foot="95 % intervals (Wilson)", words=words), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
