"""Why suspects are no candidates, counted: for whoever asks what stayed out of an overlap."""

from __future__ import annotations

from collections import Counter

from seawall.match.interface import LakeSession, Screens
from seawall.match.judge import JUDGED
from seawall.match.reach import WEAK_TEST
from seawall.match.values import KEY, texts
from seawall.model import Observable, ObservableType


def screened_counts(session: LakeSession, screens: Screens) -> dict[tuple[str, str], int]:
    """(type, reason) -> how many values with an alarm stayed out, right after ``candidate_table`` in one session.

    Reasons are the names of the tests (``match.judge``), ``single-alarm``, ``warninglist`` and ``own-asset``.
    """
    counts: Counter[tuple[str, str]] = Counter()
    judged = session.sql(
        f"SELECT type, reason, count(*) AS n FROM (SELECT {KEY}, coalesce(min(screen), 'single-alarm') AS reason "
        f"FROM {JUDGED} GROUP BY {KEY} HAVING sum(hostile) > 0 "
        f"AND (min(screen) IS NOT NULL OR bool_and(hostile = 0 OR {WEAK_TEST}))) GROUP BY type, reason"
    )
    for row in judged.to_pylist():
        counts[row["type"], row["reason"]] += row["n"]
    listed = session.sql(
        f"SELECT DISTINCT {KEY} FROM {JUDGED} j ANTI JOIN match_passed p USING ({KEY}) "
        f"WHERE screen IS NULL AND hostile > 0 AND NOT {WEAK_TEST}"
    )
    for type, value in zip(listed["type"].to_pylist(), texts(listed), strict=True):
        is_own = screens.is_own(Observable(ObservableType(type), value))
        counts[type, "own-asset" if is_own else "warninglist"] += 1
    return dict(counts)
