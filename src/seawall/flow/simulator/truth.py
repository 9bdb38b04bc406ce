"""The ground truth of a day, its file, and its making from the rows that campaigns left.

The format is public (``docs/reference/truth-format.md``): anyone may bring logs and a truth file to ``bench/score.py``.
"""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec

from seawall.model import Fault, ObservableType
from seawall.model.unreadable import UNREADABLE

FORMAT = "seawall-truth-1"
FINDABLE_TYPES = frozenset({"ipv4", "ipv6", "domain", "url", "md5", "sha1", "sha256"})
MOST_BYTES = 256 * 2**20  # a truth file of ten million values; larger is a mistake


class SideTruth(msgspec.Struct, frozen=True):
    """One value on one side, in true time (RFC 3339), whatever the sensors' clocks said."""

    first_seen: str
    last_seen: str
    events: int
    hostile_events: int  # with an alert
    sectors: tuple[str, ...] = ()  # in order of arrival


class ValueTruth(msgspec.Struct, frozen=True):
    """One value of a campaign.

    ``true``: one campaign used it against both sides, so a warning about it is right. ``findable``: also seen with
    a hostile basis on at least one side and of a type that names infrastructure or a file, so that a missing warning
    is a miss.
    """

    type: ObservableType
    value: str
    campaign: str
    true: bool
    findable: bool
    sides: dict[str, SideTruth] = {}
    note: str = ""  # why not true or not findable


class StageTruth(msgspec.Struct, frozen=True):
    """One piece of a campaign's work: against which sector of which side, from when (RFC 3339, true time)."""

    side: str
    sector: str
    at: str


class CampaignTruth(msgspec.Struct, frozen=True):
    """One campaign. ``sides`` in order of attack; ``detected`` names the sides where signatures existed; ``stages``
    only where it goes on for days."""

    id: str
    kind: str
    sides: tuple[str, ...]
    delay_seconds: float | None = None
    events: int = 0
    detected: tuple[str, ...] = ()
    sectors: dict[str, tuple[str, ...]] = {}
    stages: tuple[StageTruth, ...] = ()


class Trap(msgspec.Struct, frozen=True):
    """A value that must not be warned, and the adversity it belongs to."""

    type: ObservableType
    value: str
    adversity: str


class Truth(msgspec.Struct, frozen=True):
    """Everything that really happened. Values that are not listed are ordinary: a warning about one is false."""

    format: str
    sides: tuple[str, ...]
    values: tuple[ValueTruth, ...]
    traps: tuple[Trap, ...] = ()
    campaigns: tuple[CampaignTruth, ...] = ()
    events: dict[str, int] = {}
    clock_skew_seconds: dict[str, int] = {}  # by sensor: its clock minus the true time
    seed: int | None = None
    scale: float | None = None
    begins: str | None = None


def write_truth(folder: Path, truth: Truth) -> None:
    """``truth.json`` (everything) and ``truth.csv`` (values and traps, one a line) in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    document = msgspec.json.format(msgspec.json.encode(truth), indent=1)
    (folder / "truth.json").write_bytes(document + b"\n")
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("type", "value", "campaign", "true", "findable", "adversity"))
        for item in truth.values:
            writer.writerow(
                (item.type, item.value, item.campaign, str(item.true).lower(), str(item.findable).lower(), "")
            )
        writer.writerows((trap.type, trap.value, "", "false", "false", trap.adversity) for trap in truth.traps)


def read_truth(path: Path) -> Truth:
    """A truth file, ``.json`` or ``.csv``.

    Raises Fault E-TRUTH-001 when it cannot be read, E-TRUTH-002 when its content is not of the documented format.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Fault("E-TRUTH-001", "Cannot read the truth file {path}: {reason}.", path=path, reason="too large")
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Fault("E-TRUTH-001", "Cannot read the truth file {path}: {reason}.", path=path, reason=reason) from None
    try:
        truth = _from_csv(raw.decode()) if path.suffix == ".csv" else msgspec.json.decode(raw, type=Truth)
    except (KeyError, ValueError, *UNREADABLE) as error:
        raise _wrong(path, error) from None
    if truth.format != FORMAT:
        raise _wrong(path, f"format is {truth.format[:40]!r}, not {FORMAT!r}")
    return truth


def _wrong(path: Path, reason: object) -> Fault:
    return Fault(
        "E-TRUTH-002",
        "{path} is not a truth file: {reason}; see docs/reference/truth-format.md.",
        path=path,
        reason=reason,
    )


def _from_csv(text: str) -> Truth:
    """``type`` and ``value`` are needed; ``true`` and ``findable`` default to yes, unless ``adversity`` is given."""
    values, traps = [], []
    for row in csv.DictReader(text.splitlines()):
        kind = ObservableType(row["type"].strip())
        value, adversity = row["value"].strip(), (row.get("adversity") or "").strip()
        if adversity:
            traps.append(Trap(kind, value, adversity))
            continue
        true = _yes(row.get("true"))
        findable = true and kind in FINDABLE_TYPES and _yes(row.get("findable"))
        values.append(ValueTruth(kind, value, (row.get("campaign") or "").strip(), true, findable))
    return Truth(FORMAT, (), tuple(values), tuple(traps))


def _yes(text: str | None) -> bool:
    return (text or "true").strip().lower() in ("true", "yes", "1")
