"""Predictions and their grades as SVG drawings that need no script, font or colour scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from seawall.cli.output import printable

ROW, LEFT, WIDTH, RIGHT, TOP, FOOT = 24, 300, 420, 230, 40, 30  # pixels
BLUE, ORANGE, GREY = "#1b5e8c", "#b45309", "#5f6b73"
MAX_TEXT = 42  # characters of a value beside its bar


def plot_list(items: Sequence[Mapping[str, Any]], *, title: str, empty: str) -> str:
    """One bar a predicted value, as long as its score of the first; who saw it behind the bar."""
    parts = []
    for place, item in enumerate(items):
        top = TOP + place * ROW
        value = printable(item["value"])
        text = value if len(value) <= MAX_TEXT else value[: MAX_TEXT - 1] + "…"
        length = max(1.0, float(item["score"]) * WIDTH)
        colour = GREY if item["met_here"] else BLUE
        seen = ", ".join(printable(name) for name in item["seen_by"])[:MAX_TEXT]
        parts.append(
            _label(top, f"{item['rank']}. {text}")
            + f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{ROW - 8}" fill="{colour}"/>'
            + f'<text x="{LEFT + length + 6:.1f}" y="{top + 13}">{item["score"]:.2f} {escape(seen)}</text>'
        )
    if not items:
        parts.append(_label(TOP, "") + f'<text x="8" y="{TOP + 15}" fill="{GREY}">{escape(empty)}</text>')
    return _drawn(parts, rows=max(len(items), 1), title=title, foot="")


def plot_grades(items: Sequence[Mapping[str, Any]], *, title: str, foot: str, words: Mapping[str, str]) -> str:
    """Two bars a method, precision and recall with their intervals; ``words``: precision, recall, silent."""
    parts = []
    for place, item in enumerate(items):
        for line, (name, colour) in enumerate((("precision", BLUE), ("recall", ORANGE))):
            top = TOP + (2 * place + line) * ROW
            parts.append(_label(top, f"{item['method']}: {words[name]}"))
            if item[name] is None:
                parts.append(f'<text x="{LEFT + 6}" y="{top + 13}" fill="{GREY}">{escape(words["silent"])}</text>')
                continue
            low, high = item[f"{name}_between"]
            whole = item["listed"] if name == "precision" else item["came"]
            parts.append(_bar(item[name], low, high, top, colour, f"{item[name]:.3f} ({item['hits']} / {whole})"))
    if not items:
        parts.append(f'<text x="8" y="{TOP + 15}" fill="{GREY}">{escape(words["silent"])}</text>')
    return _drawn(parts, rows=max(2 * len(items), 1), title=title, foot=foot)


def _bar(share: float, low: float, high: float, top: int, colour: str, text: str) -> str:
    at = [LEFT + value * WIDTH for value in (share, low, high)]
    middle = top + (ROW - 8) / 2
    return (
        f'<rect x="{LEFT}" y="{top}" width="{max(1.0, at[0] - LEFT):.1f}" height="{ROW - 8}" fill="{colour}"/>'
        f'<path d="M{at[1]:.1f} {middle:.1f}H{at[2]:.1f}M{at[1]:.1f} {top + 3}v{ROW - 14}M{at[2]:.1f} {top + 3}'
        f'v{ROW - 14}" stroke="#111" stroke-width="1.5" fill="none"/>'
        f'<text x="{at[2] + 6:.1f}" y="{top + 13}">{escape(text)}</text>'
    )


def _label(top: int, text: str) -> str:
    return f'<text x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(text)}</text>'


def _drawn(parts: Sequence[str], *, rows: int, title: str, foot: str) -> str:
    height = TOP + ROW * rows + FOOT
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="20" font-weight="bold">{escape(title)}</text>'
    )
    last = f'<text x="8" y="{height - 10}" fill="#333">{escape(foot)}</text></svg>'
    return "\n".join([head, *parts, last]) + "\n"
