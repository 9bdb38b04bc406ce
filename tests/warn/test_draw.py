"""Warnings: who saw it first, how long was left, how sure we are, and what is not warned about."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from match.fake_lake import FakeLake, FakeSession
from seawall.model import Pap, Tlp, Warning
from seawall.model.finding_table import FINDING_SCHEMA
from seawall.warn import REASONS, WarnOptions, sharing_delay_seconds, warning_table, warnings
from seawall.warn.evidence import BOTH_ALARMED, MET_WITH, QUIETLY_KNOWN, SINGLE_ALARM, STRANGER

SECOND = 1_000_000


def finding(value: str, side: str, first_seen: int, **changes: object) -> dict[str, object]:
    """One finding: two alarms in one sector unless ``changes`` says otherwise. Times in seconds."""
    return {
        "type": "domain", "value": value, "side": side, "first_seen": first_seen * SECOND,
        "last_seen": first_seen * SECOND, "count": 2, "hostile": 2, "sectors": ["water"], "basis": ["alert"],
        "sensors": 1, "indicator_id": None, "campaign": None, "tlp": 2, "pap": 1, "origin": None, "told_at": None,
        "screen": None, "quiet": 0, "met_with": 0, "stranger": False, **changes,
    }  # fmt: skip


def table(*findings: dict[str, object]) -> pa.Table:
    """Findings as FINDING_SCHEMA."""
    return pa.Table.from_pylist(list(findings), schema=FINDING_SCHEMA)


def drawn(
    ours: list[dict[str, object]],
    theirs: list[dict[str, object]] | None = None,
    options: WarnOptions | None = None,
) -> list[Warning]:
    """The warnings of these findings."""
    given = table(*theirs) if theirs is not None else None
    return list(warnings(FakeSession(FakeLake()), table(*ours), given, options))


def test_two_sides_of_one_lake_give_one_warning_a_value() -> None:
    """The earlier side is first; the usable lead starts when the other side was told, here after the assumed delay."""
    ours = [finding("x.test", "KR", 100, sectors=["health", "water"]), finding("x.test", "TW", 40, tlp=3)]
    (one,) = drawn(ours, options=WarnOptions(assumed_sharing_delay=10 * SECOND))
    assert (one.first_side, one.other_side, one.first_seen, one.other_first_seen) == (
        "TW",
        "KR",
        40 * SECOND,
        100 * SECOND,
    )
    assert (one.raw_lead_seconds, one.usable_lead_seconds, sharing_delay_seconds(one)) == (60.0, 50.0, 10.0)
    assert one.sectors == ("water", "health")
    assert (one.tlp, one.pap, one.origins) == (Tlp.AMBER_STRICT, Pap.GREEN, frozenset())
    assert set(one.reasons) <= {text for _, text in REASONS}


def test_leads_are_never_negative() -> None:
    """Told after the value came, or told nobody at all: the usable lead is zero, not less."""
    late = [finding("x.test", "KR", 40, origin="kr", told_at=500 * SECOND)]
    (told_late,) = drawn([finding("x.test", "TW", 100)], late)
    assert (told_late.first_side, told_late.raw_lead_seconds, told_late.usable_lead_seconds) == ("KR", 60.0, 0.0)
    (never_told,) = drawn([finding("x.test", "TW", 10)], late)
    assert (never_told.first_side, never_told.told_at, never_told.usable_lead_seconds) == ("TW", None, 0.0)


def test_a_lead_counts_from_the_moment_the_later_side_was_told() -> None:
    """What a peer told us before it came here is our lead; what we told them is theirs."""
    theirs = [finding("x.test", "KR", 40, origin="kr", told_at=60 * SECOND)]
    (ours_later,) = drawn([finding("x.test", "TW", 100, told_at=999 * SECOND)], theirs)
    assert (ours_later.told_at, ours_later.usable_lead_seconds) == (60 * SECOND, 40.0)
    theirs = [finding("x.test", "KR", 100, origin="kr", told_at=110 * SECOND)]
    (theirs_later,) = drawn([finding("x.test", "TW", 40, told_at=70 * SECOND)], theirs)
    assert (theirs_later.told_at, theirs_later.usable_lead_seconds) == (70 * SECOND, 30.0)
    assert theirs_later.origins == frozenset({"kr"})


def test_a_peers_value_that_never_came_here_has_no_leads() -> None:
    """With enough behind it, it is an early notice with nulls; thin ones and, on request, all of them are left out."""
    strong = finding("x.test", "KR", 40, origin="kr", sectors=["water", "health"], told_at=50 * SECOND)
    thin = finding("y.test", "KR", 40, origin="kr", hostile=1, count=1)
    (one,) = drawn([], [strong, thin])
    assert (one.value, one.other_side, one.other_first_seen, one.raw_lead_seconds, one.usable_lead_seconds) == (
        "x.test", None, None, None, None,
    )  # fmt: skip
    assert one.told_at == 50 * SECOND
    assert drawn([], [strong], WarnOptions(one_sided=False)) == []


def test_what_only_we_saw_is_no_warning() -> None:
    """One side of one lake, or our own value that no peer named, warns nobody."""
    assert drawn([finding("x.test", "TW", 40)]) == []
    assert drawn([finding("x.test", "TW", 40)], [finding("y.test", "KR", 1, origin="kr", hostile=1)]) == []


@pytest.mark.parametrize("screen", ["popular", "mass-scanner", "warninglist: top sites", "own", "shared-hosting"])
def test_a_screened_value_is_not_warned_about(screen: str) -> None:
    """Failing a screen on either side is enough."""
    assert drawn([finding("x.test", "KR", 100), finding("x.test", "TW", 40, screen=screen)]) == []


def test_an_indicator_may_vouch_for_a_name_on_shared_hosting() -> None:
    """Shared hosting alone yields to an indicator of our own import; popularity does not."""
    vouched = finding("x.test", "TW", 40, basis=["alert", "indicator"], indicator_id="indicator--1", campaign="c")
    (one,) = drawn([finding("x.test", "KR", 100, screen="shared-hosting"), vouched])
    assert (one.indicator_ids, one.campaigns) == (("indicator--1",), ("c",))
    assert drawn([finding("x.test", "KR", 100, screen="popular"), vouched]) == []


def test_a_single_alarm_needs_support() -> None:
    """One alarm here and quiet contacts there are left out, unless the same machine met more of the set."""
    alarm = finding("x.test", "TW", 40, hostile=1, met_with=2)
    quiet = finding("x.test", "KR", 100, hostile=0, basis=["none"], quiet=3)
    assert drawn([alarm, quiet]) == []
    (found,) = drawn([alarm, {**quiet, "met_with": 1}])
    assert MET_WITH[1] in found.reasons
    (weak,) = drawn([alarm, quiet], options=WarnOptions(raise_at=0))
    assert SINGLE_ALARM[1] in weak.reasons
    assert weak.confidence < found.confidence


def test_on_a_server_that_hardly_anybody_meets_one_alarm_is_enough() -> None:
    """False alarms follow traffic: two quiet contacts on the other side leave the alarm standing."""
    quiet = finding("x.test", "KR", 100, hostile=0, basis=["none"], quiet=2)
    assert len(drawn([finding("x.test", "TW", 40, hostile=1), quiet])) == 1


def test_doubts_outweigh_alarms() -> None:
    """One alarm on an address that serves others there, and values that many met in peace, stay below the line."""
    tenants = [finding("x.test", "TW", 40, hostile=1), finding("x.test", "KR", 100, hostile=0, stranger=True)]
    known = [finding("y.test", "TW", 40, hostile=1), finding("y.test", "KR", 100, hostile=1, quiet=9)]
    assert drawn([*tenants, *known]) == []
    reasons = {one.value: one.reasons for one in drawn([*tenants, *known], options=WarnOptions(raise_at=0))}
    assert STRANGER[1] in reasons["x.test"]
    assert QUIETLY_KNOWN[1] in reasons["y.test"]


def test_an_address_with_two_tenants_that_both_attack_is_told_with_the_doubt() -> None:
    """Alarms of both sides outweigh other names on the address; the reader sees both."""
    (one,) = drawn([finding("x.test", "TW", 40, stranger=True), finding("x.test", "KR", 100)])
    assert {STRANGER[1], BOTH_ALARMED[1]} <= set(one.reasons)
    (certain,) = drawn([finding("x.test", "TW", 40), finding("x.test", "KR", 100)])
    assert one.confidence < certain.confidence


def test_a_value_that_nobody_alarmed_about_is_not_warned_about() -> None:
    """Context on both sides is no attack; an indicator of our own import makes it one."""
    calm = [finding("x.test", side, 40, hostile=0, basis=["none"]) for side in ("TW", "KR")]
    assert drawn(calm) == []
    vouched = [{**one, "basis": ["indicator", "none"], "indicator_id": "indicator--1"} for one in calm]
    assert len(drawn(vouched)) == 1


def test_the_order_of_findings_does_not_matter() -> None:
    """Shuffled findings, with repeats of one value and side, give the same warnings in the same order."""
    findings = [
        finding(f"v{number % 7}.test", "TW" if number % 2 else "KR", number * 13 % 29, sectors=[f"s{number % 3}"])
        for number in range(40)
    ]
    expected = drawn(findings)
    assert [one.first_seen for one in expected] == sorted(one.first_seen for one in expected)
    for seed in range(3):
        mixed = random.Random(seed).sample(findings, len(findings))
        assert drawn(mixed) == expected


def test_many_values_are_drawn_without_one_object_each() -> None:
    """A hundred thousand values on both sides become a table in one pass."""
    count = 100_000
    half = table(finding("x", "TW", 1)).to_pylist()[0]
    columns = {name: pa.array([half[name]] * count, FINDING_SCHEMA.field(name).type) for name in FINDING_SCHEMA.names}
    columns["value"] = pa.array([f"v{number}.test" for number in range(count)])
    tw = pa.table(columns, schema=FINDING_SCHEMA)
    kr = tw.set_column(2, FINDING_SCHEMA.field("side"), pa.array(["KR"] * count))
    kr = kr.set_column(3, FINDING_SCHEMA.field("first_seen"), pa.array(np.arange(count) + 5 * SECOND))
    found = warning_table(FakeSession(FakeLake()), pa.concat_tables([tw, kr]))
    assert found.num_rows == count
    assert found["raw_lead"].to_pylist()[:1] == [4 * SECOND]


def test_who_told_first_stands_against_us() -> None:
    """A peer that tells later and says to have seen it earlier takes nobody's place, and wins nobody a lead."""
    honest = finding("x.test", "KR", 100, origin="kr", told_at=110 * SECOND)
    liar = finding("x.test", "XX", 1, origin="xx", told_at=400 * SECOND)
    for theirs in ([honest, liar], [liar, honest]):
        (one,) = drawn([finding("x.test", "TW", 300)], theirs)
        assert (one.first_side, one.raw_lead_seconds, one.usable_lead_seconds) == ("KR", 200.0, 190.0)
    (alone,) = drawn([finding("x.test", "TW", 300)], [liar])
    assert (alone.first_side, alone.usable_lead_seconds) == ("XX", 0.0)


def test_the_word_of_a_doubted_peer_raises_nothing_alone() -> None:
    """What only a doubted peer alarmed about is not raised; with an alarm of ours, or an honest peer's, it is."""
    doubting = WarnOptions(doubted=frozenset({"xx"}))
    said = finding("x.test", "XX", 40, origin="xx", told_at=50 * SECOND)
    calm = finding("x.test", "TW", 100, hostile=0, basis=["none"])
    assert [one.value for one in drawn([calm], [said])] == ["x.test"]
    assert drawn([calm], [said], doubting) == []
    assert len(drawn([finding("x.test", "TW", 100)], [said], doubting)) == 1
    honest = finding("x.test", "KR", 60, origin="kr", told_at=70 * SECOND)
    (one,) = drawn([calm], [said, honest], doubting)
    assert one.first_side == "KR"
