"""Which format a text would be taken in as, before anything is taken in."""

from __future__ import annotations

from seawall.ingest import formats


def format_name(wanted: str, head: bytes) -> str | None:
    """The name of the format ``wanted`` (``auto``: the one that knows this beginning); None when none does.

    Raises Fault E-INGEST-002 for a name that we do not know.
    """
    found = formats.by_name(wanted) or formats.recognise(head)
    return None if found is None else found.name


def format_names() -> frozenset[str]:
    """Every name that ``--format`` takes, without ``auto``."""
    return frozenset(format.name for format in formats.FORMATS)
