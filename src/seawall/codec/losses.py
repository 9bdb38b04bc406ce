"""Loss reports: what a conversion could not carry over, counted by kind with one example each."""

from __future__ import annotations

from seawall.codec.indicators import Loss


class LossCounter:
    """Counts losses while a document is read."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, str]] = {}

    def add(self, kind: str, example: str) -> None:
        """One more loss of this kind; the first example is kept, shortened."""
        count, first = self._found.get(kind, (0, example[:200]))
        self._found[kind] = (count + 1, first)

    def report(self) -> list[Loss]:
        """The losses in order of first appearance."""
        return [Loss(kind, count, example) for kind, (count, example) in self._found.items()]


def merge(reports: list[list[Loss]]) -> list[Loss]:
    """Several reports as one."""
    merged: dict[str, Loss] = {}
    for report in reports:
        for loss in report:
            held = merged.get(loss.kind)
            merged[loss.kind] = Loss(loss.kind, loss.count + held.count, held.example) if held else loss
    return list(merged.values())
