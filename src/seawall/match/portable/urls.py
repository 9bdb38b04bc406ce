"""URLs and mail senders: equality of whole texts in their canonical form."""

from __future__ import annotations

from seawall.match.portable.stage import Stage, by_equality


def url_hits(stage: Stage) -> list[str]:
    """SQL for the hits of URLs and e-mail addresses."""
    return by_equality(stage, ("url", "email"))
