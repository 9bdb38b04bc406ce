"""Counting while an import runs."""

from __future__ import annotations

from collections import Counter

from seawall.codec.indicators import Loss, Rejected
from seawall.codec.losses import merge
from seawall.intel.interface import ImportReport
from seawall.model.stored import PutCounts

MAX_PROBLEMS = 1000  # sentences kept; the counts stay exact
MAX_PER_FILE = 50


class Tally:
    """Sums of all files so far."""

    def __init__(self) -> None:
        self.counts = PutCounts()
        self.rejected = 0
        self.by_type: Counter[str] = Counter()
        self.problems: list[str] = []
        self.losses: list[list[Loss]] = []
        self.files = 0
        self.warninglists = self.taxonomies = self.flagged = 0
        self._left_out = 0
        self._of_file: Counter[str] = Counter()

    @property
    def objects(self) -> int:
        """How many objects landed."""
        return self.counts.total

    def add(self, counts: PutCounts) -> None:
        """What one write did."""
        self.counts += counts

    def reject(self, name: str, what: Rejected, unit: str) -> None:
        """One part of a file that could not be used."""
        self.rejected += 1
        shown = f" ({what.id!a})" if what.id else ""
        self.problem(name, f"{unit} {what.index}{shown}: {what.reason}")

    def problem(self, name: str, sentence: str) -> None:
        """A sentence about a file, unless there are too many already."""
        self._of_file[name] += 1
        if self._of_file[name] > MAX_PER_FILE or len(self.problems) >= MAX_PROBLEMS:
            self._left_out += 1
        else:
            self.problems.append(f"{name}: {sentence}")

    def report(self) -> ImportReport:
        """The sums, frozen."""
        more = [f"{self._left_out} more problems are not listed"] if self._left_out else []
        return ImportReport(
            objects=self.counts.total,
            new=self.counts.new,
            updated=self.counts.updated,
            unchanged=self.counts.unchanged,
            rejected=self.rejected,
            by_type=dict(sorted(self.by_type.items())),
            problems=self.problems + more,
            losses=merge(self.losses),
            files=self.files,
            warninglists=self.warninglists,
            taxonomies=self.taxonomies,
            flagged=self.flagged,
        )
