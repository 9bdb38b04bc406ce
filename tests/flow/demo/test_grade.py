"""The scoring arithmetic, on truths small enough to count by hand."""

from __future__ import annotations

import pytest

from seawall.flow.demo import Warned, from_json, from_warnings, grade, merge
from seawall.flow.simulator import FORMAT, CampaignTruth, SideTruth, Trap, Truth, ValueTruth
from seawall.model import ObservableType, Warning

IPV4, DOMAIN, JA3 = ObservableType.IPV4, ObservableType.DOMAIN, ObservableType.JA3
TW_FIRST = {
    "TW": SideTruth("2026-03-16T01:00:00Z", "2026-03-16T02:00:00Z", 3, 1, ("water",)),
    "KR": SideTruth("2026-03-16T05:00:00Z", "2026-03-16T06:00:00Z", 2, 0, ("health",)),
}
TRUTH = Truth(
    format=FORMAT,
    sides=("TW", "KR"),
    values=(
        ValueTruth(IPV4, "240.0.0.1", "C01", true=True, findable=True, sides=TW_FIRST),
        ValueTruth(IPV4, "240.0.0.2", "C01", true=True, findable=True, sides=TW_FIRST),
        ValueTruth(DOMAIN, "a.test", "C02", true=True, findable=True, sides=TW_FIRST),
        ValueTruth(JA3, "0c", "C02", true=True, findable=False, sides=TW_FIRST),
        ValueTruth(IPV4, "240.0.0.3", "C03", true=False, findable=False, sides={"TW": TW_FIRST["TW"]}),
    ),
    traps=(Trap(IPV4, "240.0.0.9", "mass-scanner"), Trap(IPV4, "240.0.0.2", "two-tenants")),
    campaigns=(
        CampaignTruth("C01", "phishing", ("TW", "KR")),
        CampaignTruth("C02", "c2-beacon", ("TW", "KR")),
        CampaignTruth("C03", "phishing", ("TW",)),
    ),
)


def warned(value: str, kind: str = "ipv4", *, complete: bool = True, lead: float | None = None) -> Warned:
    """A warning that says TW was first."""
    return Warned(kind, value, "TW", complete, lead, lead)


def test_recall_and_precision() -> None:
    """Two right of five given, one of three findable found; each wrong one is named by what misled us."""
    result = grade(
        [warned("240.0.0.1", lead=60.0), warned("0c", "ja3", lead=120.0), warned("240.0.0.9"), warned("240.0.0.3"),
         warned("240.0.0.200")],
        TRUTH,
    )  # fmt: skip
    assert (result.warnings, result.true, result.false) == (5, 2, 3)
    assert (result.findable, result.found) == (3, 1)
    assert result.recall == pytest.approx(1 / 3)
    assert result.precision == pytest.approx(2 / 5)
    assert result.by_adversity == {"mass-scanner": 1, "one-sided-campaign": 1, "ordinary": 1}
    assert result.median_usable_lead_seconds == 90.0
    assert result.recall_by_kind == {"c2-beacon": (0, 1), "phishing": (1, 2)}
    assert {value for _, value, _ in result.missed_values} == {"240.0.0.2", "a.test"}


def test_a_trap_is_false_even_when_a_campaign_used_it() -> None:
    """A value listed as an adversity is judged false whatever else is said about it."""
    result = grade([warned("240.0.0.2")], TRUTH)
    assert (result.true, result.by_adversity) == (0, {"two-tenants": 1})


def test_early_notices_are_counted_beside() -> None:
    """A notice about a value that one side has met claims no crossing: not in recall, not in precision."""
    result = grade([warned("240.0.0.1", complete=False), warned("240.0.0.9", complete=False)], TRUTH)
    assert (result.warnings, result.recall, result.precision) == (0, 0.0, None)
    assert (result.early_of_campaigns, result.early_others) == (1, 1)


def test_repeats_count_once() -> None:
    """The same value from two nodes is one warning, the complete one with the greater usable lead."""
    both = merge(
        [warned("240.0.0.1", complete=False), warned("a.test", "domain", lead=5.0)],
        [warned("240.0.0.1", lead=10.0), warned("a.test", "domain", lead=7.0)],
    )
    assert [(item.value, item.complete, item.usable_lead_seconds) for item in both] == [
        ("a.test", True, 7.0),
        ("240.0.0.1", True, 10.0),
    ]
    assert grade([*both, *both], TRUTH).warnings == 2


def test_nothing_to_find() -> None:
    """On a day without campaigns recall does not exist, and any complete warning is false."""
    empty = Truth(format=FORMAT, sides=("TW", "KR"), values=())
    assert grade([], empty).recall is None
    assert grade([], empty).precision is None
    assert grade([warned("240.0.0.1")], empty).precision == 0.0


def test_who_was_first() -> None:
    """The first side is compared with the truth, not with the sensors' clocks."""
    right, wrong = warned("240.0.0.1"), Warned("domain", "a.test", "KR", complete=True)
    assert grade([right, wrong], TRUTH).right_first_side == 0.5


def test_both_spellings_of_a_warning_grade_alike() -> None:
    """The command line's JSON and the node's own values give the same warning."""
    plain = {"type": "ipv4", "value": "240.0.0.1", "first_side": "TW", "other_first_seen": "2026-03-16T05:00:00Z",
             "raw_lead_seconds": 14_400, "usable_lead_seconds": 3_600.5}  # fmt: skip
    value = Warning("240.0.0.1", IPV4, "TW", 0, "KR", 1, 1, 14_400.0, 3_600.5, ("water",), 80)
    assert from_json([plain]) == from_warnings([value])
    assert not from_json([{**plain, "other_first_seen": None}])[0].complete
