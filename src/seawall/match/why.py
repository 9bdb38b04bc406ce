"""Why a value is a candidate or not: the evidence by side and every exclusion test with its numbers."""

from __future__ import annotations

import msgspec

from seawall.match.interface import LakeSession, Screens
from seawall.match.judge import JUDGED, judge
from seawall.match.reach import (
    CANDIDATE_TYPES,
    GENERATED_BURST,
    MASS_MIN_FLEET,
    MASS_SENSOR_SHARE,
    MASS_TEST,
    POPULAR_BUSY_RATIO,
    POPULAR_MIN_QUIET_OWN,
    POPULAR_QUIET_ALONE,
    POPULAR_QUIET_OWN_RATIO,
    POPULAR_TEST,
    POPULAR_VOLUME_RATIO,
    WEAK_TEST,
)
from seawall.match.values import KEY, register_values
from seawall.model import Observable


class Trial(msgspec.Struct, frozen=True):
    """One exclusion test. ``numbers`` are what it looked at; ``rule`` says what would fail."""

    name: str
    passed: bool
    rule: str
    numbers: dict[str, float | int | str | None]


class Evidence(msgspec.Struct, frozen=True):
    """What one side's sensors know. Times in microseconds UTC; numbers of sensors and own addresses are estimates."""

    side: str
    hostile: int  # records with an alarm, the value at the remote end
    benign: int
    first_alarm: int | None
    last_alarm: int | None
    sensors_alarmed: float
    sensors_quiet: float
    own_alarmed: float
    own_quiet: float
    sectors_alarmed: int
    weak: bool  # one alarm in all, among quiet meetings
    tests: tuple[Trial, ...]


class Why(msgspec.Struct, frozen=True):
    """The verdict: ``excluded_by`` names the failed tests; a candidate has alarms and none of these."""

    observable: Observable
    candidate: bool
    excluded_by: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    listed: Trial
    own: Trial


def why(session: LakeSession, screens: Screens, observable: Observable) -> Why:
    """Explain one canonical value from the roll-up and the reference lists; a value never seen has no evidence."""
    register_values(session, "match_why", [(observable.type, observable.value)])
    judge(session, screens, asked="match_why")
    rows = session.sql(
        f"SELECT *, {MASS_TEST} AS mass, {POPULAR_TEST} AS popular, {WEAK_TEST} AS weak "
        f"FROM {JUDGED} SEMI JOIN match_why USING ({KEY}) "
        "ORDER BY side"
    ).to_pylist()
    evidence = tuple(_evidence(row) for row in rows)
    name = screens.listed(observable)
    listed = Trial("warninglist", name is None, "It stands on a warninglist.", {"list": name})
    own = Trial("own-asset", not screens.is_own(observable), "It is one of our own addresses or names.", {})
    kind = Trial(
        "type", observable.type in CANDIDATE_TYPES, "Its type names no infrastructure.", {"type": observable.type.value}
    )
    failed = [test.name for test in (kind, listed, own) if not test.passed]
    failed += [test.name for side in evidence for test in side.tests if not test.passed and test.name not in failed]
    alarmed = any(side.hostile and not side.weak for side in evidence)
    if not alarmed and any(side.weak for side in evidence):
        failed.append("single-alarm")
    return Why(observable, alarmed and not failed, tuple(dict.fromkeys(failed)), evidence, listed, own)


def _evidence(row: dict[str, object]) -> Evidence:
    def picked(*names: str) -> dict[str, float | int | str | None]:
        values = {name: row[name] for name in names}
        return {name: round(value, 1) if isinstance(value, float) else value for name, value in values.items()}  # type: ignore[misc]

    tests = (
        Trial("own-end", row["screen"] != "own", "It stood at our own end, so it is ours or a victim's.",
             picked("own_rows", "hostile", "benign")),
        Trial("mass-scanner", not row["mass"],
             f"Alarms on {MASS_SENSOR_SHARE:.0%} of {MASS_MIN_FLEET} or more sensors, or everywhere at random.",
             picked("hostile_sensors", "fleet_sensors", "hostile_own", "fleet_own", "sectors", "fleet_sectors")),
        Trial("popular", not row["popular"],
             f"{POPULAR_QUIET_ALONE} own addresses met it without any alarm; or {POPULAR_MIN_QUIET_OWN} did and "
             f"{POPULAR_QUIET_OWN_RATIO} for each that alarmed; or ordinary records outnumber alarms "
             f"{POPULAR_VOLUME_RATIO} to 1 at quiet sensors, {POPULAR_BUSY_RATIO} to 1 anywhere busy.",
             picked("quiet_own", "hostile_own", "quiet_sensors", "benign", "hostile")),
        Trial("popular-domain", row["screen"] != "popular-domain", "It lies under a registered domain that is popular.",
             picked("popular_domain")),
        Trial("generated-name", not row["generated"],
             f"Only hosts that met {GENERATED_BURST} random-looking names in one day met it.", picked("generated")),
    )  # fmt: skip
    figures = msgspec.convert(row, _Figures)
    return Evidence(
        side=figures.side,
        hostile=figures.hostile,
        benign=figures.benign,
        first_alarm=figures.first_seen,
        last_alarm=figures.last_seen,
        sensors_alarmed=round(figures.hostile_sensors, 1),
        sensors_quiet=round(figures.quiet_sensors, 1),
        own_alarmed=round(figures.hostile_own, 1),
        own_quiet=round(figures.quiet_own, 1),
        sectors_alarmed=figures.sectors,
        weak=figures.weak,
        tests=tests,
    )


class _Figures(msgspec.Struct, frozen=True):
    side: str
    hostile: int
    benign: int
    first_seen: int | None
    last_seen: int | None
    hostile_sensors: float
    quiet_sensors: float
    hostile_own: float
    quiet_own: float
    sectors: int
    weak: bool
