"""What a demonstration found, as one value: the JSON document, and what the report renders."""

from __future__ import annotations

import msgspec

from seawall.flow.demo.checkers import Checked
from seawall.flow.demo.crossing import CrossedFile, Searched
from seawall.flow.demo.grade import Grade
from seawall.flow.demo.quiet import QuietFigures
from seawall.flow.demo.story import Story
from seawall.model import rfc3339


class SideFigures(msgspec.Struct, frozen=True):
    """One node at the end of the day. ``values``: distinct values at the remote end, of any basis."""

    side: str
    events: int
    rejected: int
    values: int
    candidates: int
    sent: int
    withheld: int
    received: int
    warnings: int
    ledger_leaves: int
    block_list: dict[str, int]  # entries by export format


class OwnLog(msgspec.Struct, frozen=True):
    """The user's own log, put on one side. ``warned``: warnings about values that it holds."""

    path: str
    side: str
    events: int
    stored: int
    rejected: int
    duplicates: int
    hostile_values: int
    warned: tuple[str, ...]


class DemoResult(msgspec.Struct, frozen=True):
    """Everything, in the order in which it is told."""

    scale: float
    seed: int
    folder: str
    events: int
    story: Story | None
    sides: tuple[SideFigures, ...]
    crossed: tuple[CrossedFile, ...]
    searched: tuple[Searched, ...]
    control: Searched | None  # a value that did cross: the search finds it
    grade: Grade
    checked: tuple[Checked, ...]
    own_log: OwnLog | None
    quiet: QuietFigures | None
    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int

    @property
    def crossed_bytes(self) -> int:
        """Size of all that crossed."""
        return sum(file.bytes for file in self.crossed)

    def document(self) -> dict[str, object]:
        """The ``--json`` document: the public keys first, rounded; moments as RFC 3339."""
        grade = self.grade
        story = msgspec.to_builtins(self.story)
        if self.story is not None:
            story |= {name: rfc3339(getattr(self.story, name)) for name in ("first_seen", "told_at", "other_seen")}
            story["lead_seconds"] = self.story.lead_seconds
        return {
            "events": self.events,
            "seconds": round(self.seconds, 3),
            "warnings": grade.warnings,
            "recall": _rounded(grade.recall),
            "precision": _rounded(grade.precision),
            "median_usable_lead_seconds": grade.median_usable_lead_seconds,
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_memory_bytes": self.peak_memory_bytes,
            "scale": self.scale,
            "seed": self.seed,
            "by_adversity": grade.by_adversity,
            "story": story,
            "sides": msgspec.to_builtins(self.sides),
            "crossed": {
                "files": len(self.crossed),
                "bytes": self.crossed_bytes,
                "items": msgspec.to_builtins(self.crossed),
            },
            "private_values_searched": msgspec.to_builtins(self.searched),
            "search_control": msgspec.to_builtins(self.control),
            "checkers": msgspec.to_builtins(self.checked),
            "quiet": msgspec.to_builtins(self.quiet),
            "own_log": msgspec.to_builtins(self.own_log),
            "grade": msgspec.to_builtins(grade),
            "folder": self.folder,
        }


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 4)
