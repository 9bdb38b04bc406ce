"""The subject of a mail: its marking first (TLP 2.0, messaging), then its tickets; values never stand there."""

from __future__ import annotations

import re
import unicodedata

import msgspec

from seawall.model import Pap, Tlp

_TLP = re.compile(r"TLP\s*:\s*(RED|AMBER\s*[+_ -]\s*STRICT|AMBER|GREEN|CLEAR|WHITE)(?![A-Z])", re.IGNORECASE)
_PAP = re.compile(r"PAP\s*:\s*(RED|AMBER|GREEN|CLEAR|WHITE)(?![A-Z])", re.IGNORECASE)
_OURS = re.compile(r"\[(SW-\d{4}-\d{4,9})\]")
_THEIRS = re.compile(r"\[([A-Za-z][A-Za-z0-9_.-]{0,30}#?[ -]?\d[\w./-]{0,30})\]", re.ASCII)
MAX_FOREIGN = 3


class SaidInSubject(msgspec.Struct, frozen=True):
    """What a subject tells. None: it does not say."""

    tlp: Tlp | None = None
    pap: Pap | None = None
    ticket: str | None = None  # ours
    foreign: tuple[str, ...] = ()  # their own tickets, as they write them


def ticket_name(year: int, number: int) -> str:
    """``SW-2026-0001``."""
    return f"SW-{year:04d}-{number:04d}"


def subject_line(
    *, tlp: Tlp, pap: Pap, ticket: str, text: str, part: int = 1, parts: int = 1, foreign: tuple[str, ...] = ()
) -> str:
    """``[TLP:AMBER] [PAP:GREEN] [SW-2026-0001] text (1/2)``."""
    tickets = " ".join(f"[{name}]" for name in (ticket, *foreign[:MAX_FOREIGN]))
    count = f" ({part}/{parts})" if parts > 1 else ""
    return f"[TLP:{tlp.label.upper()}] [PAP:{pap.label.upper()}] {tickets} {text}{count}"


def read_subject(text: str) -> SaidInSubject:
    """What a subject, or a line of text, says: of several markings the strictest, of our tickets the first."""
    plain = unicodedata.normalize("NFKC", text)
    levels = [Tlp.parse(re.sub(r"\s*[+_ -]\s*", "+", found)) for found in _TLP.findall(plain)]
    actions = [Pap.parse("clear" if found.lower() == "white" else found) for found in _PAP.findall(plain)]
    ours = _OURS.findall(plain)
    return SaidInSubject(
        tlp=max(levels, default=None),
        pap=max(actions, default=None),
        ticket=ours[0] if ours else None,
        foreign=tuple(dict.fromkeys(name for name in _THEIRS.findall(plain) if name not in ours))[:MAX_FOREIGN],
    )
