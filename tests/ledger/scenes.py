"""Scenes of the ledger tests: releases and refusals, and a ledger with some of each."""

from __future__ import annotations

from pathlib import Path

from seawall.ledger import EventKind, Ledger, LedgerEvent, LedgerKey
from seawall.ledger.layout import RECORD_BYTES
from seawall.model import Recorded, ReleasedObject, Withheld
from seawall.model import Release as Release

MOMENT = 1_773_446_400_000_000


def release(number: int = 0, objects: int = 1) -> Release:
    """A release of a page."""
    page = tuple(ReleasedObject(f"indicator--{number}-{item}", "v1", b'{"a":1}') for item in range(objects))
    return make_release(page, number)


def make_release(page: tuple[ReleasedObject, ...], number: int = 0) -> Release:
    """A release of exactly these objects."""
    values = ("seoul", "tw-kr", "approved", "seawall-1/tw-kr@1", MOMENT + number, page, ("lin",))
    return Release(*values)


def refusal(number: int = 0, version: str = "v1", policy_version: str = "seawall-1/tw-kr@1", at: int = 0) -> Withheld:
    """A refusal of one object version."""
    values = (
        "seoul",
        "tw-kr",
        "tlp-ceiling",
        policy_version,
        MOMENT + at,
        f"indicator--{number}",
        version,
        "too strict",
    )
    return Withheld(*values)


def event(number: int = 0) -> LedgerEvent:
    """Some other event."""
    return LedgerEvent(EventKind.PEER_ADDED, MOMENT, "lin", f"peer-{number}", {"fingerprint": "11217"})


def fill(folder: Path, key: LedgerKey | None = None) -> list[Recorded[Release]]:
    """A ledger of eight leaves in six batches: releases 0, 1, 2 | 3 | refusals 4 | 5 | event 6 | page 7."""
    with Ledger.open(folder, key) as ledger:
        receipts = ledger.record_many([release(0), release(1), release(2)])
        receipts.append(ledger.record(release(3)))
        ledger.record(refusal(4))
        ledger.record(refusal(5))
        ledger.record_event(event(6))
        receipts.append(ledger.record(release(7, objects=3)))
    return receipts


def splice(path: Path, start: int, stop: int, new: bytes) -> None:
    """Replace bytes of a file, as an intruder would."""
    data = path.read_bytes()
    path.write_bytes(data[:start] + new + data[stop:])


def record_at(index: int) -> tuple[int, int]:
    """Where record ``index`` begins and ends in ``leaves``."""
    return index * RECORD_BYTES, (index + 1) * RECORD_BYTES
