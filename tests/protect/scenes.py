"""Scenes for protect: a gate that guards a small home, and pages as policy and ledger would hand them over."""

from __future__ import annotations

import io
from collections.abc import Iterable

from seawall.model import Observable, ObservableType, Pap, Recorded, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.release import Release, ReleasedObject
from seawall.protect import Action, Callbacks, ExportReport, Gate, NeverBlock, Page, export

AT = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z in microseconds
DAY = 86_400_000_000
T = ObservableType


def entry(
    kind: ObservableType,
    value: str,
    *,
    number: int = 0,
    valid_from: int | None = None,
    valid_until: int | None = None,
    description: str | None = None,
) -> IndicatorEntry:
    """An indicator as the store holds it."""
    return IndicatorEntry(
        type=kind,
        value=value,
        indicator_id=f"indicator--00000000-0000-4000-8000-{number:012d}",
        campaign=None,
        description=description,
        confidence=80,
        tlp=Tlp.GREEN,
        pap=Pap.GREEN,
        valid_from=valid_from,
        valid_until=valid_until,
        origin=None,
        external_id=None,
        sources=("own list",),
        body=b"{}",
    )


def page(entries: Iterable[IndicatorEntry], action: Action = Action.BLOCK, purpose: str = "enforce") -> Page:
    """One recorded permission that covers all of ``entries``."""
    held = tuple(entries)
    objects = tuple(ReleasedObject(item.indicator_id, "2026-03-14T00:00:00Z", item.body) for item in held)
    release = Release("nft", "own-use", f"enforce:{action}", "1", AT, objects, purpose=purpose)
    return Page(Recorded(release, 7, "ab" * 32), held)


def is_own(observable: Observable) -> bool:
    """Our one name that only the asset list knows."""
    return observable.value == "asset.example.net"


def warninglist(observable: Observable) -> str | None:
    """One resolver and one great site stand on warninglists."""
    return {"198.51.100.53": "Known resolvers", "popular.example": "Top sites"}.get(observable.value)


def home_gate(undone: frozenset[str] = frozenset()) -> Gate:
    """Own 203.0.113.0/28 and home.example; partner 198.51.100.128/25; never 192.0.2.1 and bank.example."""
    return Gate(
        Callbacks(is_own, warninglist, {"example", "com.tw", "co.kr"}.__contains__, undone.__contains__),
        own=NeverBlock(("203.0.113.0/28", "2001:db8:aaaa::/48"), ("home.example",)),
        partners=NeverBlock(("198.51.100.128/25",), ("partner.example",)),
        never=NeverBlock(("192.0.2.1",), ("pay.bank.example",)),
    )


def exported(to: str, *pages: Page, include_watch: bool = False) -> tuple[bytes, ExportReport]:
    """The bytes of a one-file export behind the home gate, and its report."""
    stream = io.BytesIO()
    report = export(pages, to, gate=home_gate(), target=stream, at=AT, include_watch=include_watch)
    return stream.getvalue(), report


HOSTILE_NAMES = (
    "a\nb.example.net",
    'a";drop.example.net',
    "a'; rm -rf.example.net",
    "semi;colon.example.net",
    "$INCLUDE.example.net",
    "x" * 300 + ".example.net",
    "a" * 64 + ".example.net",
    ".".join(["a" * 60] * 5),
    "münchen.example.net",
    "\u202eevil.example.net",
    "a b.example.net",
    "a{};flush ruleset.example.net",
    "",
    ".",
    "..",
    "a..b.example.net",
    "-a.example.net",
    "#comment.example.net",
    "\x00.example.net",
    "\udc80.example.net",
    "32.1.0.0.127.rpz-ip",
)
