"""What a tail is asked and what it answers."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

Say = Callable[..., None]
"""Hears an English sentence with ``{named}`` places, and the values for them."""


class TailWish(msgspec.Struct, frozen=True):
    """What to follow, and how to read it."""

    sources: tuple[str, ...]  # paths, patterns, folders, and addresses such as syslog+udp://127.0.0.1:5514
    format: str = "auto"
    side: str | None = None
    sector: str | None = None
    sensor: str | None = None
    once: bool = False  # end when everything that is there was read


class TailReport(msgspec.Struct):
    """What became of it. Lines are counted when they are in the lake."""

    lines: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: int = 0
    hits: int = 0  # pairs of a stored line and an indicator
    sightings: int = 0  # indicators by side that were hit
    warnings: int = 0  # drawn at once
    spilled: int = 0  # lines that waited on disk
    dropped: int = 0  # datagrams that the system dropped before they could be read
    latency: dict[str, float | None] = {}
    by_type: dict[str, int] = {}
    problems: list[str] = []
