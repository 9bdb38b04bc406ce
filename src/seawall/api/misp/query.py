"""What a restSearch asks, read as MISP reads it: JSON, CakePHP's named parameters, MISP's words for or, and, not."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from seawall.exchange.misp import truth
from seawall.model import Fault
from seawall.model.misp import ANY_TIME, NO_WORDS, MispQuery, Span, Words

MAX_WORDS = 1_000  # terms of one filter
MAX_WORD = 4_096  # characters of a term
MAX_MOMENT = 1 << 33  # seconds: the year 2242
MAX_OFFSET = 1_000_000  # rows skipped by page and limit: beyond that, ask by timestamp
UNSUPPORTED = (
    "org",
    "sharinggroup",
    "excludeDecayed",
    "threat_level_id",
    "analysis",
    "distribution",
    "attribute_timestamp",
)
_AGES = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_AGE = re.compile(r"(\d{1,9})([dhms])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Asked(msgspec.Struct, frozen=True):
    """A query with what is said about the answer."""

    query: MispQuery
    offset: int
    limit: int
    form: str = "json"
    deleted: bool = False  # soft-deleted parts of events are wanted too
    context: bool = False
    metadata: bool = False
    minimal: bool = False
    headerless: bool = False
    enforce_warninglist: bool = False
    attachments: bool = False  # the files of attributes are wanted too


def read_query(given: Mapping[str, Any], now: int, most: int) -> Asked:
    """The query of a request's parameters; ``now`` in seconds. Pages have the size asked for, at most ``most``.

    Raises Fault E-API-451 for a filter that we cannot apply, E-API-452 for one that cannot be read.
    """
    refused = [name for name in UNSUPPORTED if given.get(name) not in (None, "", [], False, 0)]
    if refused:
        raise Fault("E-API-451", "This server cannot filter by {name}; leave it out.", name=refused[0])
    quick = given.get("searchall") or given.get("quickFilter")
    values = _words(given.get("value"))
    if isinstance(quick, str) and quick:
        values = Words(any=(f"%{quick.strip('%')[:MAX_WORD]}%",))
    query = MispQuery(
        values=values,
        types=_words(given.get("type")),
        categories=_words(given.get("category")),
        tags=_words(given.get("tags", given.get("tag"))),
        event_tags=_words(given.get("event_tags")),
        uuids=_words(given.get("uuid")).any,
        events=_words(given.get("eventid")).any,
        info=_one(given.get("eventinfo")),
        object_name=_one(given.get("object_name")),
        to_ids=_flag(given.get("to_ids")),
        deleted=_deleted(given.get("deleted")),
        published=_flag(given.get("published")),
        changed=_span(given.get("timestamp"), now),
        event_changed=_span(given.get("event_timestamp"), now),
        published_at=_span(given.get("publish_timestamp", given.get("last")), now),
        date_from=_day(given.get("from", given.get("datefrom")), now),
        date_until=_day(given.get("to", given.get("dateuntil")), now),
    )
    limit = min(_number(given.get("limit")) or most, most)
    page = max(1, _number(given.get("page")) or 1)
    offset = (page - 1) * limit
    if offset > MAX_OFFSET:
        raise Fault("E-API-453", "At most {most} rows are skipped; narrow the search, by timestamp say.",
                    most=MAX_OFFSET)  # fmt: skip
    return Asked(
        query,
        offset,
        limit,
        form=str(given.get("returnFormat") or "json")[:20],
        deleted=query.deleted is not False,
        context=truth(given.get("includeContext")) or truth(given.get("includeEventTags")),
        metadata=truth(given.get("metadata")),
        minimal=truth(given.get("minimal")),
        headerless=truth(given.get("headerless")),
        enforce_warninglist=truth(given.get("enforceWarninglist")),
        attachments=truth(given.get("withAttachments")),
    )


def _words(given: object) -> Words:
    if given in (None, "", []):
        return NO_WORDS
    if isinstance(given, dict):
        keyed = {str(key).upper(): _listed(value) for key, value in given.items()}
        return Words(*(tuple(keyed.get(key, ())) for key in ("OR", "AND", "NOT")))
    listed = _listed(given)
    if isinstance(given, str) and ("&&" in given or "||" in given):
        joiner = "&&" if "&&" in given else "||"
        listed = [word for word in (part.strip() for part in given.split(joiner)) if word]
        plain = tuple(word for word in listed if not word.startswith("!"))
        none = tuple(word[1:] for word in listed if word.startswith("!"))
        return Words(all=plain, none=none) if joiner == "&&" else Words(any=plain, none=none)
    return Words(
        any=tuple(word for word in listed if not word.startswith("!")),
        none=tuple(word[1:] for word in listed if word.startswith("!") and len(word) > 1),
    )


def _listed(given: object) -> list[str]:
    found = [str(one) for one in (given if isinstance(given, (list, tuple)) else [given]) if one not in (None, "")]
    if len(found) > MAX_WORDS or any(len(word) > MAX_WORD for word in found):
        raise Fault("E-API-452", "The filter {given} cannot be read.", given=f"of {len(found)} terms")
    return found


def _one(given: object) -> str | None:
    return str(given)[:MAX_WORD] if isinstance(given, (str, int)) and given != "" else None


def _flag(given: object) -> bool | None:
    if isinstance(given, list):
        told = {truth(one) for one in given}
        return told.pop() if len(told) == 1 else None
    return None if given in (None, "") else truth(given)


def _deleted(given: object) -> bool | None:
    """MISP: absent or 0 leaves soft-deleted ones out, "only" asks for them alone, everything else for both."""
    if isinstance(given, list):
        return _flag(given)
    if given == "only":
        return True
    return None if truth(given) else False


def _number(given: object) -> int:
    try:
        return max(0, int(given)) if isinstance(given, (int, str)) and given != "" else 0
    except ValueError:
        return 0


def _span(given: object, now: int) -> Span:
    if given in (None, "", []):
        return ANY_TIME
    if isinstance(given, (list, tuple)) and len(given) > 1:
        return Span(_moment(given[0], now), _moment(given[1], now))
    return Span(_moment(given[0] if isinstance(given, (list, tuple)) else given, now))


def _moment(given: object, now: int) -> int:
    """Seconds of a number, a day or an age ("5d"), 0 for what lies before 1970."""
    text = str(given)[:MAX_WORD].strip()
    if (age := _AGE.fullmatch(text)) is not None:
        return max(0, now - int(age[1]) * _AGES[age[2]])
    try:
        day = time.strptime(text, "%Y-%m-%d") if _DAY.fullmatch(text) else None
        moment = max(0, calendar.timegm(day)) if day is not None else int(float(text))
    except (ValueError, OverflowError):
        moment = -1
    if not 0 <= moment <= MAX_MOMENT:
        raise Fault("E-API-452", "The filter {given} cannot be read.", given=ascii(text[:40]))
    return moment


def _day(given: object, now: int) -> str | None:
    if given in (None, ""):
        return None
    text = str(given).strip()
    return text if _DAY.fullmatch(text) else time.strftime("%Y-%m-%d", time.gmtime(_moment(text, now)))
