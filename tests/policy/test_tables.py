"""The truth tables, case by case against what the standards say; and what leaves, field by field."""

from __future__ import annotations

import pytest

from seawall.model import Pap, Tlp
from seawall.model.circle import SHAREABLE_TYPES, Seat, Track
from seawall.policy import Rule
from seawall.policy.fields import STAYS, Fate, fates, never, shareable
from seawall.policy.tables import Case, ceiling_table, decision_tables, every_case, iep_table, outcome, seat_table

CASES = list(every_case())


def expected(case: Case) -> str:
    """Written down by hand: exclusion first, then the track, then how many people."""
    if case.excluded:
        return Rule.OBJECT_EXCLUSION
    if case.track is Track.TWO and case.tlp in (Tlp.AMBER, Tlp.AMBER_STRICT, Tlp.RED):
        return Rule.TRACK
    return "two people" if case.tlp in (Tlp.AMBER_STRICT, Tlp.RED) else "one person"


def test_every_case_of_tlp_pap_track_and_exclusion() -> None:
    """All 120 of them, each decided as the table written by hand says."""
    assert len(CASES) == len(set(CASES)) == len(Tlp) * len(Pap) * len(Track) * 2
    assert [outcome(case) for case in CASES] == [str(expected(case)) for case in CASES]


@pytest.mark.parametrize("ceiling", Pap)
def test_every_case_under_every_pap_ceiling(ceiling: Pap) -> None:
    """A PAP above the ceiling withholds whatever else would be released, and changes nothing else."""
    for case in CASES:
        free = expected(case)
        barred = case.pap > ceiling and free in ("one person", "two people")
        assert outcome(case, pap_ceiling=ceiling) == str(Rule.PAP_CEILING if barred else free)


@pytest.mark.parametrize("seat", Seat)
@pytest.mark.parametrize("track", Track)
def test_every_seat_on_every_track(seat: Seat, track: Track) -> None:
    """Officials sit on track 1 only, officials in private role on track 1.5, non-officials on 1.5 and 2."""
    allowed = {
        Seat.OFFICIAL: {Track.ONE},
        Seat.PRIVATE_ROLE: {Track.ONE_AND_A_HALF},
        Seat.NON_OFFICIAL: {Track.ONE_AND_A_HALF, Track.TWO},
    }
    found = outcome(Case(Tlp.CLEAR, Pap.CLEAR, track, excluded=False, seat=seat))
    assert found == ("one person" if track in allowed[seat] else Rule.SEAT)


def test_the_tables_are_whole() -> None:
    """Six tables of five rows, and one row a value of each statement; nothing in them is empty."""
    assert decision_tables().count("\n| ") == 6 * (5 + 2)
    assert ceiling_table().count("pap-ceiling") == 6
    assert seat_table().count("track-seat") == 5
    rows = iep_table().splitlines()[2:]
    assert len(rows) == 31
    assert sum("markings-understood" in row for row in rows) == 9 + 1
    assert all(cell.strip() for row in rows for cell in row.split("|")[1:-1])


def test_raw_telemetry_never_leaves() -> None:
    """Rule 3: what sensors write has no type that a circle could permit."""
    assert {"observed-data", "network-traffic", "artifact", "process", "user-account"} <= set(never())
    assert set(shareable()) | set(never()) >= SHAREABLE_TYPES


@pytest.mark.parametrize("kind", shareable())
def test_no_field_lets_out_what_is_private_redacted_or_nameless(kind: str) -> None:
    """In every property of every type: a private value, a redacted property and our name never leave as they stand.

    Only what can hold no such value leaves as it is: ids, moments, versions and words of STIX's own.
    """
    fixed = {"id", "spec_version", "created", "modified", "valid_from", "valid_until", "first_seen", "last_seen"}
    fixed |= {"pattern_type", "pattern_version", "hashes", "schema", "object_marking_refs"}
    for fate in fates(kind):
        assert isinstance(fate, Fate)
        if fate.property in fixed:
            continue
        assert fate.private in ("-", "replaced", STAYS), fate
        assert fate.redacted in ("removed", STAYS), fate
        assert fate.nameless in ("-", "replaced", "removed", STAYS), fate
        assert fate.withheld in ("-", "removed", STAYS) or fate.property == "created_by_ref", fate
