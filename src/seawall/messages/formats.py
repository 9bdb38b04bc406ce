"""Numbers, moments and durations as each language writes them (Unicode CLDR, through Babel)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, dates, numbers

from seawall.messages.catalogue import canonical_language

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KIBIBYTE = 1024
BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def _locale(lang: str) -> Locale:
    return Locale.parse(canonical_language(lang).replace("-", "_"))


def format_number(value: float, lang: str) -> str:
    """``1,234,567``; floats keep up to three decimals."""
    return numbers.format_decimal(value, locale=_locale(lang))


def format_percent(share: float, lang: str) -> str:
    """``0.957`` as ``95.7%``."""
    return numbers.format_percent(share, format="#,##0.#%", locale=_locale(lang))


def format_bytes(size: int, lang: str) -> str:
    """A size in bytes in binary units: ``3.4 MiB``."""
    amount, unit = float(size), 0
    while amount >= KIBIBYTE and unit < len(BYTE_UNITS) - 1:
        amount, unit = amount / KIBIBYTE, unit + 1
    return f"{numbers.format_decimal(round(amount, 1), locale=_locale(lang))} {BYTE_UNITS[unit]}"


def format_moment(moment: int, lang: str, timezone: str = "UTC", style: str = "medium") -> str:
    """Microseconds UTC as date and time in ``timezone`` (an IANA name; UTC where it is unknown).

    ``style`` is ``time`` (``03:12``), ``date``, ``medium`` (both) or ``full`` (with the zone's offset).
    """
    try:
        zone: tzinfo = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    local = (EPOCH + timedelta(microseconds=moment)).astimezone(zone)
    locale = _locale(lang)
    if style == "time":
        return dates.format_time(local, "HH:mm", locale=locale)
    if style == "date":
        return dates.format_date(local.date(), "medium", locale=locale)
    text = dates.format_datetime(local, "medium", locale=locale, tzinfo=zone)
    return f"{text} {local:%z}" if style == "full" else text


_Unit = Literal["day", "hour", "minute", "second"]
_UNITS: tuple[tuple[_Unit, int], ...] = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_KEEP_UNIT = 10**9  # threshold above which Babel would change to a greater unit; we choose the unit ourselves


def format_duration(seconds: float, lang: str) -> str:
    """Seconds as ``5 hours 2 minutes``: the two greatest units, never a false precision."""
    left = round(abs(seconds))
    parts: list[str] = []
    for unit, length in _UNITS:
        amount, left = divmod(left, length)
        if amount or (unit == "second" and not parts):
            span = timedelta(seconds=amount * length)
            parts.append(dates.format_timedelta(span, unit, threshold=_KEEP_UNIT, locale=_locale(lang)))
        if len(parts) == 2:
            break
    return ("-" if seconds < 0 else "") + " ".join(parts)
