"""The ricochet as an SVG drawing that needs no script, font or colour scheme: places on a circle, arrows between them.

An arrow is as wide as its count; beside it stands ``count of campaigns (interval)`` and the median delay. Dashed: too
few campaigns for a share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from seawall.warn.ricochet import Ricochet, Transition

WIDTH, HEIGHT, RADIUS, BUBBLE = 1000, 840, 300, 44  # pixels
MOST_ARROWS = 16
"""Arrows in one picture, the most frequent first: more cross each other until nobody reads them."""
INK, LINE, THIN = "#1d2a33", "#1b5e8c", "#8a99a3"


def plot(found: Ricochet, *, title: str, foot: str, empty: str) -> str:
    """``empty``: what to say where no campaign hit two places."""
    drawn = found.transitions[:MOST_ARROWS]
    names = {one.origin for one in drawn} | {one.target for one in drawn}
    places = [one.place for one in found.places if one.place in names]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'role="img" font-family="sans-serif" font-size="12"><title>{escape(title)}</title>',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerUnits="userSpaceOnUse" markerWidth="12" '
        f'markerHeight="12" orient="auto"><path d="M0 0L10 5L0 10z" fill="{LINE}"/></marker></defs>',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="16" y="26" font-size="16" font-weight="bold" '
        f'fill="{INK}">{escape(title)}</text>',
    ]
    if not drawn:
        parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT / 2}" text-anchor="middle">{escape(empty)}</text>')
    where = _circle(places)
    most = max((one.count for one in drawn), default=1)
    parts += [_arrow(one, where[one.origin], where[one.target], most) for one in reversed(drawn)]
    first = {one.place: (one.first, one.chains) for one in found.places}
    parts += [_bubble(place, *where[place], *first[place]) for place in places]
    parts.append(f'<text x="16" y="{HEIGHT - 16}" fill="{INK}">{escape(foot)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _circle(places: Sequence[str]) -> dict[str, tuple[float, float]]:
    step = 2 * math.pi / max(1, len(places))
    return {
        place: (
            WIDTH / 2 + (RADIUS + 60) * math.sin(number * step),
            HEIGHT / 2 + 10 - RADIUS * math.cos(number * step),
        )
        for number, place in enumerate(places)
    }


def _bubble(place: str, x: float, y: float, first: int, chains: int) -> str:
    name = place if len(place) <= 18 else place[:17] + "\u2026"
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{BUBBLE}" fill="#eef4f8" stroke="{LINE}"/>'
        f'<text x="{x:.1f}" y="{y - 2:.1f}" text-anchor="middle" fill="{INK}"><title>{escape(place)}</title>'
        f'{escape(name)}</text><text x="{x:.1f}" y="{y + 14:.1f}" text-anchor="middle" fill="{INK}" '
        f'font-size="10">1st {first:,}/{chains:,}</text>'
    )


def _arrow(one: Transition, begin: tuple[float, float], end: tuple[float, float], most: int) -> str:
    """A curve to the right of the straight line, so that both directions show."""
    along, across = end[0] - begin[0], end[1] - begin[1]
    length = math.hypot(along, across) or 1.0
    unit = along / length, across / length
    bend = 0.16 * length
    middle = (begin[0] + end[0]) / 2 - unit[1] * bend, (begin[1] + end[1]) / 2 + unit[0] * bend
    start, tip = _edge(begin, middle), _edge(end, middle)
    width = 1 + 7 * one.count / most
    dashed = ' stroke-dasharray="4 4"' if one.share is None else ""
    colour = LINE if one.share is not None else THIN
    at = (start[0] + 2 * middle[0] + tip[0]) / 4, (start[1] + 2 * middle[1] + tip[1]) / 4
    return (
        f'<path d="M{start[0]:.1f} {start[1]:.1f}Q{middle[0]:.1f} {middle[1]:.1f} {tip[0]:.1f} {tip[1]:.1f}" '
        f'fill="none" stroke="{colour}" stroke-opacity="0.75" stroke-width="{width:.1f}" marker-end="url(#tip)"'
        f"{dashed}/>"
        f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="middle" fill="{INK}" font-size="10" stroke="#fff" '
        f'stroke-width="3" paint-order="stroke">{escape(_words(one))}</text>'
    )


def _edge(point: tuple[float, float], toward: tuple[float, float]) -> tuple[float, float]:
    along, across = toward[0] - point[0], toward[1] - point[1]
    length = math.hypot(along, across) or 1.0
    return point[0] + along / length * (BUBBLE + 2), point[1] + across / length * (BUBBLE + 2)


def _words(one: Transition) -> str:
    text = f"{one.count}/{one.campaigns}"
    if one.interval is not None:
        text += f" ({100 * one.interval.low:.0f}-{100 * one.interval.high:.0f} %)"
    return text if one.median_hours is None else f"{text} \u00b7 {one.median_hours:.0f} h"
