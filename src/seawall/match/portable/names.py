"""Names: the distinct ones first, each with its parents of two labels or more, then the rows meet that small map.

A parent is the name without its first ``n`` labels, and there are as many passes over the distinct names as the
deepest one has labels (at most 127 in the DNS).
"""

from __future__ import annotations

from seawall.match.portable.stage import ComputingSession, Stage, by_equality, text_keys

_DOTS = "length(text) - length(replace(text, '.', ''))"
_COMMAS = "length(text) - length(replace(text, ',', ''))"


def name_hits(session: ComputingSession, stage: Stage) -> list[str]:
    """SQL for the hits of domains and everything below them; with ``exact`` of equal names only."""
    if "domain" not in stage.counts:
        return []
    if stage.exact:
        return by_equality(stage, ("domain",))
    seen, named = f"{stage.keys}_names", f"{stage.keys}_name_map"
    texts = stage.select(("domain AS text",), "o.domain IS NOT NULL")
    session.keep(seen, f"SELECT text, {_DOTS} AS dots FROM (SELECT DISTINCT text FROM ({texts}) d) n")
    session.keep(named, name_map(session, stage, seen))
    return [stage.hits(("domain",), "o.domain IS NOT NULL", named, "o.domain = k.text")]


def name_map(session: ComputingSession, stage: Stage, seen: str) -> str:
    """SQL: (text, indicator, type, until) of the distinct names ``seen`` (text, dots) and what names them."""
    deepest = session.sql(f"SELECT max(dots) AS dots FROM {seen}")["dots"][0].as_py() or 0
    parents = [f"SELECT text, text AS parent FROM {seen}"]
    parents += [
        f"SELECT text, regexp_replace(text, '^([^.]*[.]){{{above:d}}}', '') AS parent "
        f"FROM {seen} WHERE dots > {above:d}"
        for above in range(1, int(deepest))
    ]
    return (
        f"SELECT n.text, k.indicator, k.type, k.until FROM ({' UNION ALL '.join(parents)}) n "
        f"JOIN {text_keys(stage, 'domain')} k ON n.parent = k.value"
    )


def cve_hits(session: ComputingSession, stage: Stage) -> list[str]:
    """SQL for the hits of CVE numbers, which a row holds as a comma-separated list."""
    if "cve" not in stage.counts:
        return []
    lists, named = f"{stage.keys}_cve_lists", f"{stage.keys}_cve_map"
    texts = stage.select(("cve AS text",), "o.cve IS NOT NULL")
    session.keep(lists, f"SELECT text, {_COMMAS} AS commas FROM (SELECT DISTINCT text FROM ({texts}) d) c")
    longest = session.sql(f"SELECT max(commas) AS commas FROM {lists}")["commas"][0].as_py() or 0
    places = " UNION ALL ".join(f"SELECT {place:d} AS place" for place in range(1, int(longest) + 2))
    ones = (
        f"SELECT DISTINCT text, trim(split_part(text, ',', place)) AS one FROM {lists} "
        f"JOIN ({places}) p ON place <= commas + 1"
    )
    session.keep(
        named,
        f"SELECT c.text, k.indicator, k.type, k.until FROM ({ones}) c "
        f"JOIN {text_keys(stage, 'cve')} k ON c.one = k.value",
    )
    return [stage.hits(("cve",), "o.cve IS NOT NULL", named, "o.cve = k.text")]
