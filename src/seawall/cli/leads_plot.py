"""Leads as an SVG drawing that needs no script: shares with their intervals beside chance, and usable leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

ROW, LEFT, PANEL, GAP, RIGHT, TOP, FOOT = 26, 230, 300, 40, 150, 62, 34  # pixels
MAX_ROWS = 60
"""Groups of one drawing: more cannot be read on one page; the largest are drawn."""


def plot(groups: Sequence[Mapping[str, Any]], words: Mapping[str, str]) -> str:
    """``groups`` as ``seawall leads --json`` lists them; ``words``: title, share, lead, chance, foot, little."""
    drawn = groups[:MAX_ROWS]
    hours = [abs(value) / 3600 for one in drawn for value in _leads(one) if value is not None]
    most = max(hours, default=1.0) or 1.0
    height = TOP + ROW * max(1, len(drawn)) + FOOT
    width = LEFT + 2 * PANEL + GAP + RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(words["title"])}</title>',
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="8" y="20" font-weight="bold">{escape(words["title"])}</text>',
        f'<text x="{LEFT}" y="44">{escape(words["share"])}</text>'
        f'<text x="{LEFT + PANEL + GAP}" y="44">{escape(words["lead"])}</text>',
        f'<path d="M{LEFT + PANEL / 2} {TOP - 8}V{height - FOOT}" stroke="#9aa5ad" stroke-dasharray="3 3"/>',
    ]
    for place, one in enumerate(drawn):
        top = TOP + place * ROW
        label = str(one["group"])
        label = label if len(label) <= 32 else label[:31] + "\N{HORIZONTAL ELLIPSIS}"
        parts.append(f'<text x="{LEFT - 10}" y="{top + 14}" text-anchor="end">{escape(label)}</text>')
        parts.append(_share(one, top) + _lead(one, top, most, words["little"]))
    parts.append(f'<text x="8" y="{height - 12}" fill="#333">{escape(words["foot"])}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _share(one: Mapping[str, Any], top: int) -> str:
    if one["share_first_there"] is None:
        return ""
    drawn = ""
    if one["null_low"] is not None:
        left, right = LEFT + one["null_low"] * PANEL, LEFT + one["null_high"] * PANEL
        drawn = f'<rect x="{left:.1f}" y="{top + 1}" width="{max(2.0, right - left):.1f}" height="18" fill="#d7dde1"/>'
    return drawn + _whisker(one["share_low"], one["share_first_there"], one["share_high"], top, LEFT, "#1b5e8c")


def _lead(one: Mapping[str, Any], top: int, most: float, little: str) -> str:
    begin = LEFT + PANEL + GAP
    value, low, high = _leads(one)
    both = f"n = {one['both']:,}"
    if value is None or low is None or high is None:
        return f'<text x="{begin}" y="{top + 14}" fill="#5f6b73" font-style="italic">{escape(little)} ({both})</text>'
    ends = [max(0.0, each) / 3600 / most for each in (low, value, high)]
    drawn = _whisker(ends[0], ends[1], ends[2], top, begin, "#b45309")
    words = f"{value / 3600:,.1f} h ({low / 3600:,.1f} - {high / 3600:,.1f}), {both}"
    at = begin + ends[2] * PANEL + 8
    return drawn + f'<text x="{at:.1f}" y="{top + 14}">{escape(words)}</text>'


def _leads(one: Mapping[str, Any]) -> tuple[float | None, float | None, float | None]:
    return one["usable_lead_seconds"], one["usable_low"], one["usable_high"]


def _whisker(low: float, value: float, high: float, top: int, begin: int, colour: str) -> str:
    ends = [begin + part * PANEL for part in (low, value, high)]
    return (
        f'<path d="M{ends[0]:.1f} {top + 10}H{ends[2]:.1f}M{ends[0]:.1f} {top + 5}v10M{ends[2]:.1f} {top + 5}v10" '
        f'stroke="{colour}" stroke-width="1.5" fill="none"/>'
        f'<circle cx="{ends[1]:.1f}" cy="{top + 10}" r="4" fill="{colour}"/>'
    )
