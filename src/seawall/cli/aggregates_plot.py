"""The bins of a round as an SVG drawing that needs no script, font or colour scheme: bars, and the noise's interval."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from seawall.exchange.aggregate import Bin

ROW, LEFT, WIDTH, RIGHT, TOP, FOOT = 24, 240, 420, 120, 34, 30  # pixels


def plot(bins: Sequence[Bin], *, title: str, foot: str, suppressed: dict[str, str]) -> str:
    """``suppressed``: what to say of a bin that is not told, by its reason."""
    most = max((one.high for one in bins if one.high is not None), default=1) or 1
    height = TOP + ROW * len(bins) + FOOT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(title)}</title>',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    for place, one in enumerate(bins):
        top = TOP + place * ROW
        label = f'<text x="{LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(f"{one.bin} {one.week}")}</text>'
        if one.count is None or one.low is None or one.high is None:
            words = escape(suppressed.get(one.suppressed or "", one.suppressed or ""))
            parts.append(
                f'{label}<text x="{LEFT + 6}" y="{top + 15}" fill="#5f6b73" font-style="italic">{words}</text>'
            )
        else:
            parts.append(label + _bar(one.count, one.low, one.high, most, top))
    parts.append(f'<text x="8" y="{height - 10}" fill="#333">{escape(foot)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(count: int, low: int, high: int, most: int, top: int) -> str:
    at = [LEFT + max(0, value) / most * WIDTH for value in (count, low, high)]
    middle = top + (ROW - 8) / 2
    return (
        f'<rect x="{LEFT}" y="{top}" width="{max(1.0, at[0] - LEFT):.1f}" height="{ROW - 8}" fill="#1b5e8c"/>'
        f'<path d="M{at[1]:.1f} {middle:.1f}H{at[2]:.1f}M{at[1]:.1f} {top + 3}v{ROW - 14}M{at[2]:.1f} {top + 3}'
        f'v{ROW - 14}" stroke="#b45309" stroke-width="1.5" fill="none"/>'
        f'<text x="{at[2] + 6:.1f}" y="{top + 13}">{count:,} ({low:,} - {high:,})</text>'
    )
