"""Small conversions every group needs on the way into the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from zlib import crc32

import msgspec

from seawall.model import Fault, to_microseconds

MAX_PAGE = 10_000  # rows of one listing: about 10 MB of bodies
MAX_NAME_LENGTH = 64  # characters of a user's, peer's or circle's name: they are read aloud and typed


def clean(text: str) -> str:
    """The text as both engines can hold it: NUL (PostgreSQL) and lone surrogates (UTF-8) become U+FFFD."""
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    return text.replace("\x00", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def optional(text: str | None) -> str | None:
    """``clean`` for what may be missing."""
    return None if text is None else clean(text)


def id_hash(id: str) -> int:
    """CRC-32 of an id: finds the few rows to compare. Ids are compared themselves, so collisions only cost time."""
    return crc32(id.encode("utf-8", "replace"))


def version_moment(version: str) -> int:
    """Microseconds UTC of a STIX timestamp, for comparing versions; 0 for objects that have none.

    Texts cannot be compared: ``...01Z`` sorts behind ``...01.5Z``. Digits beyond the sixth are cut off.
    """
    try:
        moment = datetime.fromisoformat(version)
    except ValueError:
        return 0
    return to_microseconds(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def checked_name(kind: str, name: str) -> str:
    """The name, if people and our own lists can tell it from others: 1 to 64 printable characters, no spaces around.

    Commas separate names on the command line, a colon ends the name in HTTP Basic credentials (RFC 7617), a slash
    stands between a peer and a circle in the name of a source. Raises Fault E-STORE-030.
    """
    plain = name.isprintable() and name == name.strip() and not name.startswith("-") and not set(name) & set(",:/")
    if not 0 < len(name) <= MAX_NAME_LENGTH or not plain:
        raise Fault(
            "E-STORE-030",
            "{given} cannot be the name of a {kind}; use 1 to {most} printable characters, no comma, colon or slash.",
            given=ascii(name[:MAX_NAME_LENGTH]),
            kind=kind,
            most=MAX_NAME_LENGTH,
        )
    return name


def bounded(limit: int) -> int:
    """A page size between 1 and MAX_PAGE."""
    return max(1, min(limit, MAX_PAGE))


def names_to_text(names: frozenset[str] | tuple[str, ...]) -> str | None:
    """A JSON list; a set is sorted first. None when empty."""
    if not names:
        return None
    return msgspec.json.encode(sorted(names) if isinstance(names, frozenset) else names).decode()


def text_to_names(text: str | None) -> tuple[str, ...]:
    """The names of ``names_to_text``."""
    return () if text is None else msgspec.json.decode(text, type=tuple[str, ...])
