"""The peers' figures as a table and as a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from bench.peers.peer import STEPS

ROW, LEFT, WIDTH, RIGHT = 26, 260, 420, 90  # of the plot, in pixels


@dataclass(frozen=True)
class Figures:
    """One peer's line. ``reason`` stands for the figures when it could not run."""

    name: str
    version: str = ""
    events: int = 0
    cpu_seconds: float = 0.0
    start_up: float = 0.0  # CPU-seconds taken off
    does: dict[str, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""

    @property
    def rate(self) -> float:
        """Events per CPU-second."""
        return self.events / self.cpu_seconds if self.cpu_seconds else 0.0

    def told(self) -> dict[str, Any]:
        """For a JSON document."""
        return asdict(self) | {"events_per_cpu_second": round(self.rate)}


def table(figures: Sequence[Figures]) -> str:
    """Markdown, one line a peer; the ratio is to the first one."""
    first = figures[0].rate
    head = ["Peer", "Events", "CPU-s", "Events per CPU-s", "Ours is", *(step.capitalize() for step in STEPS)]
    rows = [head, ["---"] * len(head)]
    for one in figures:
        name = f"{one.name} {one.version}".strip()
        if one.reason:
            rows.append([name, f"not run: {one.reason}", *[""] * (len(head) - 2)])
            continue
        ratio = f"{first / one.rate:.2g} x" if one is not figures[0] and first else ""
        numbers = [f"{one.events:,}", f"{one.cpu_seconds:.1f}", f"{one.rate:,.0f}", ratio]
        rows.append([name, *numbers, *(one.does[step] for step in STEPS)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def plot(figures: Sequence[Figures], title: str) -> str:
    """Bars of events per CPU-second, as an SVG document that needs no script, font or colour scheme."""
    ran = [one for one in figures if not one.reason]
    most = max((one.rate for one in ran), default=1.0) or 1.0
    height = ROW * (len(ran) + 1) + 14
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(title)}</title>',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for at, one in enumerate(ran, 1):
        top, length = at * ROW + 4, max(1.0, one.rate / most * WIDTH)
        colour = "#1b5e8c" if one is figures[0] else "#8aa4b5"
        parts.append(
            f'<text x="{LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(one.name)}</text>'
            f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{ROW - 8}" fill="{colour}"/>'
            f'<text x="{LEFT + length + 6:.1f}" y="{top + 15}">{one.rate:,.0f}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
