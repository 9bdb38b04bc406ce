"""Warnings: what matters to both sides, who saw it first, and how much time the other side has or had.

Comes in: findings of our own lake and findings that peers told us, as Arrow tables of FINDING_SCHEMA. Goes out: one
warning a value, with its leads, its confidence and the reasons for it. Never here: raw rows, policy, sending.

>>> from seawall.warn import warnings
>>> with lake.reading() as session:  # doctest: +SKIP
...     drawn = list(warnings(session, ours, theirs))
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use
from seawall.warn.score import Score, ScoreEvidence, ScorePart, Voice, VoiceKind, fades_at, score

if TYPE_CHECKING:
    from seawall.warn.draw import WARNING_SCHEMA, WarnOptions, sharing_delay_seconds, warning_table, warnings
    from seawall.warn.evidence import REASONS
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "draw": ("WARNING_SCHEMA", "WarnOptions", "sharing_delay_seconds", "warning_table", "warnings"),
            "evidence": ("REASONS",),
        },
    )

__all__ = [
    "REASONS",
    "WARNING_SCHEMA",
    "Score",
    "ScoreEvidence",
    "ScorePart",
    "Voice",
    "VoiceKind",
    "WarnOptions",
    "fades_at",
    "score",
    "sharing_delay_seconds",
    "warning_table",
    "warnings",
]
