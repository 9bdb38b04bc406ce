"""Version ranges as people and tools write them: ``vers:`` (CSAF 2.0, 3.1.2.2), ``>=1.0, <2.1``, "1.0 to 1.5", "1.2.x".

What cannot be read is handed on as its text, so that whoever compares answers "possibly" instead of "no".
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from seawall.model.exposure import VersionRange

MAX_TEXT = 2_000  # characters of one range
MAX_CLAUSES = 100  # of one range
_SCHEMES = {"pypi": "pypi", "deb": "deb", "debian": "deb"}
_VERSION = r"[vV]?\d(?:[\w.+~:()\-]*[\w)])?"
_CLAUSE = re.compile(rf"(>=|<=|==|!=|>|<|=|≤|≥)?\s*({_VERSION}|\*)")
_WORDS = (
    (re.compile(r"\b(?:prior to|before|earlier than|lower than|less than|older than|below)\b"), "<"),
    (re.compile(r"\bup to but (?:not including|excluding)\b"), "<"),
    (re.compile(r"\b(?:up to and including|through|up to|until)\b"), "<="),
    (re.compile(r"\b(?:later than|after|newer than|greater than|above)\b"), ">"),
    (re.compile(r"\b(?:starting with|starting from|starting at|beginning with|since|from)\b"), ">="),
)  # fmt: skip
_AND_EARLIER = re.compile(
    rf"({_VERSION})\s*(?:,)?\s*(?:and|or)\s+(?:all\s+)?(earlier|prior|older|below|lower|previous)\b.*"
)
_AND_LATER = re.compile(rf"({_VERSION})\s*(?:,)?\s*(?:and|or)\s+(?:later|newer|above|higher)\b.*")
_SPAN = re.compile(rf"({_VERSION})\s*(?:-|–|to|through|<=x<=)\s+({_VERSION})")
_NOISE = re.compile(r"\b(?:versions?|ver\.?|release[sd]?|all|and)\b|\(inclusive(?:ly)?\)|\binclusive(?:ly)?\b|[,;&]")
_FAMILY = re.compile(r"[vV]?(\d+(?:\.\d+)*)\.[xX*]")
_EVERY = frozenset({"*", "all", "all versions", "any", "any version", "all/*", "vers:all/*", "every version"})
_NONE = frozenset({"", "-", "n/a", "na", "none", "unknown", "unspecified", "not applicable"})


def read_ranges(text: str, scheme: str = "") -> list[VersionRange]:
    """The ranges that a text names, never none: a text that says nothing gives one that says nothing."""
    text = " ".join(text[:MAX_TEXT].split())
    lowered = text.lower()
    if lowered in _NONE:
        return [VersionRange()]
    if lowered in _EVERY or re.fullmatch(r"vers:[a-z0-9.+-]+/\*", lowered):
        return [VersionRange(every=True)]
    if lowered.startswith("vers:"):
        kind, slash, rest = text[len("vers:") :].partition("/")
        found = _vers(rest, _SCHEMES.get(kind.lower(), "")) if slash else None
    else:
        found = _written(lowered, _SCHEMES.get(scheme, ""))
    return found if found else [VersionRange(text=text)]


def _vers(rest: str, scheme: str) -> list[VersionRange] | None:
    """``>=1.0|<2.0|3.1``: bounds in rising order, each lower one closed by the next upper one."""
    clauses = [clause.strip() for clause in rest.split("|") if clause.strip()]
    if not 0 < len(clauses) <= MAX_CLAUSES:
        return None
    found: list[VersionRange] = []
    low: tuple[str, bool] | None = None
    for clause in clauses:
        sign = next((one for one in (">=", "<=", "!=", ">", "<", "=") if clause.startswith(one)), "=")
        version = unquote(clause.removeprefix(sign).strip())
        if sign == "!=" or not version or version == "*":
            return None
        if sign in (">", ">="):
            if low is not None:
                return None
            low = version, sign == ">="
        elif sign in ("<", "<="):
            start, included = low if low is not None else ("", True)
            found.append(VersionRange(start=start, start_included=included, end=version, end_included=sign == "<=",
                                      scheme=scheme))  # fmt: skip
            low = None
        else:
            found.append(VersionRange.only(version, scheme))
    if low is not None:
        found.append(VersionRange(start=low[0], start_included=low[1], scheme=scheme))
    return found


def _written(text: str, scheme: str) -> list[VersionRange] | None:
    """Ranges in words or signs; alternatives are parted by ``||`` or "or"."""
    if found := _FAMILY.fullmatch(text):  # 1.2.x: from 1.2 to before 1.3
        front, dot, last = found[1].rpartition(".")
        return [VersionRange(start=found[1], end=f"{front}{dot}{int(last) + 1}", scheme=scheme)]
    if found := _AND_EARLIER.fullmatch(text):
        return [VersionRange(end=found[1], end_included=True, scheme=scheme)]
    if found := _AND_LATER.fullmatch(text):
        return [VersionRange(start=found[1], scheme=scheme)]
    ranges: list[VersionRange] = []
    for part in re.split(r"\s*\|\|\s*|\s+or\s+", text)[:MAX_CLAUSES]:
        if (one := _span(part.strip(), scheme)) is None:
            return None
        ranges.append(one)
    return ranges


def _span(text: str, scheme: str) -> VersionRange | None:
    if found := _SPAN.fullmatch(_NOISE.sub(" ", text).strip()):
        return VersionRange(start=found[1], end=found[2], end_included=True, scheme=scheme)
    for words, sign in _WORDS:
        text = words.sub(f" {sign} ", text)
    text = " ".join(_NOISE.sub(" ", text).split())
    start = end = only = ""
    start_included = end_included = True
    place = 0
    while place < len(text):
        found = _CLAUSE.match(text, place)
        if found is None or found[2] == "*":
            return None
        sign, version = found[1] or "=", found[2]
        if sign in (">", ">=", "≥"):
            if start:
                return None
            start, start_included = version, sign != ">"
        elif sign in ("<", "<=", "≤"):
            if end:
                return None
            end, end_included = version, sign != "<"
        elif sign == "!=" or only:
            return None
        else:
            only = version
        place = found.end() + len(text[found.end() :]) - len(text[found.end() :].lstrip())
    if _FAMILY.search(text):
        return None
    if only:
        if start:
            return None
        # "7.2.0 before 7.2.5": the first stands for the lower end
        return (
            VersionRange(start=only, end=end, end_included=end_included, scheme=scheme)
            if end
            else (VersionRange.only(only, scheme))
        )
    if not start and not end:
        return None
    return VersionRange(start=start, start_included=start_included, end=end, end_included=end_included, scheme=scheme)
