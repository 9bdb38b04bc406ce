"""The Observation: one normalised sensor record, a row of the lake. Its columns stand in ``observation_table``."""

from __future__ import annotations

from enum import StrEnum


class Basis(StrEnum):
    """Why a row counts as hostile; ``none`` is context, searchable at home only."""

    ALERT = "alert"
    HONEYPOT = "honeypot"
    BLOCKED = "blocked"
    INDICATOR = "indicator"
    ANALYST = "analyst"
    NONE = "none"


class OwnEnd(StrEnum):
    """Which end of a row is ours, from own-asset ranges and flow direction."""

    SOURCE = "source"
    DESTINATION = "destination"
    BOTH = "both"
    NEITHER = "neither"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """Which end a rolled-up value stood at."""

    REMOTE = "remote"
    OWN = "own"
    UNKNOWN = "unknown"


IPV4_MAPPED_LOW = 0xFFFF_0000_0000  # low half of ::ffff:0:0
