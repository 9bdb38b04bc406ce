"""Sightings of indicators: from hits, from the roll-up, and as STIX."""

from __future__ import annotations

from match.fake_lake import DAY, FakeLake, keys, row
from seawall.match import findings_of, match, rollup_sightings, sighting_table, sightings
from seawall.model import ObservableType, Pap, SightingSummary, Tlp

IDENTITY = "identity--6f0e4f0a-52a5-4c67-9a7e-8f3f0f5e2a11"
TABLE = keys(("domain", "evil.example"), ("ipv4", "198.51.100.7"), tlp=[3, 1], origin=[None, "kr"])
ROWS = [
    row(1, domain="evil.example", time=50, sector="water"),
    row(2, domain="a.evil.example", time=10, sector="health", basis="none"),
    row(3, domain="evil.example", time=90, sector="water"),
    row(4, domain="evil.example", time=DAY + 5, side="B", sector="energy"),
    row(5, dst="198.51.100.7", src="10.0.0.1", own_end="source", time=7),
]


def matched() -> FakeLake:
    """A lake with the rows, matched."""
    lake = FakeLake()
    lake.add(ROWS)
    match(lake, TABLE)
    return lake


def test_a_sighting_says_first_last_count_and_sectors_in_order() -> None:
    """One sighting for each indicator and side, with the indicator's marking."""
    with matched().reading() as session:
        seen = list(sightings(session, TABLE))
    assert [(one.value, one.side, one.first_seen, one.last_seen, one.count, one.sectors, one.tlp) for one in seen] == [
        ("evil.example", "A", 10, 90, 3, ("health", "water"), Tlp.AMBER_STRICT),
        ("evil.example", "B", DAY + 5, DAY + 5, 1, ("energy",), Tlp.AMBER_STRICT),
        ("198.51.100.7", "A", 7, 7, 1, ("energy",), Tlp.GREEN),
    ]
    assert seen[0].indicator_id == "indicator--1"


def test_only_an_indicator_of_our_own_import_vouches() -> None:
    """The basis names ``indicator`` for our own import, not for what a peer's sighting made."""
    with matched().reading() as session:
        basis = {one.value: one.basis for one in sightings(session, TABLE)}
    assert basis == {"evil.example": ("alert", "indicator"), "198.51.100.7": ("alert",)}


def test_only_what_later_runs_hit_is_told_again() -> None:
    """With ``after_run`` only touched indicators come, whole."""
    lake = matched()
    with lake.reading() as session:
        assert sighting_table(session, TABLE, after_run=1).num_rows == 0
    lake.add([row(9, domain="evil.example", time=200)])
    assert match(lake, TABLE).run == 2
    with lake.reading() as session:
        again = sighting_table(session, TABLE, after_run=1)
    assert again["count"].to_pylist() == [4, 1]


def test_the_rollup_gives_the_same_sightings_without_raw_rows() -> None:
    """First, last, count and sectors agree with those from hits."""
    lake = matched()
    with lake.reading() as session:
        lake.parts = [(part[0], part[1].slice(0, 0), part[2]) for part in lake.parts]
        fast = rollup_sightings(session, TABLE).to_pylist()
    assert [(one["indicator"], one["side"], one["first"], one["last"], one["count"]) for one in fast] == [
        (1, "A", 10, 90, 3), (1, "B", DAY + 5, DAY + 5, 1), (2, "A", 7, 7, 1),
    ]  # fmt: skip
    assert fast[0]["sectors"] == ["health", "water"]


def test_no_hits_and_no_keys_give_an_empty_table() -> None:
    """Before the first run there is nothing, and nothing fails."""
    with FakeLake().reading() as session:
        assert sighting_table(session, TABLE).num_rows == 0
        assert list(sightings(session, keys())) == []


def summary(**changes: object) -> SightingSummary:
    """A sighting from a peer."""
    given: dict[str, object] = {
        "type": ObservableType.DOMAIN, "value": "evil.example", "side": "KR", "first_seen": 1_773_446_400_123_456,
        "last_seen": 1_773_446_400_200_000, "count": 3, "sectors": ("water", "health"),
        "indicator_id": "indicator--6f0e4f0a-52a5-4c67-9a7e-8f3f0f5e2a12", "basis": ("alert",), "tlp": Tlp.GREEN,
        "pap": Pap.GREEN, "origin": "kr", **changes,
    }  # fmt: skip
    return SightingSummary(**given)  # type: ignore[arg-type]


def test_what_peers_tell_counts_as_alarms_only_where_its_basis_says_so() -> None:
    """A peer's sighting on an alert counts its events as alarms; one on context or an indicator alone does not."""
    told = [summary(), summary(basis=("none",)), summary(basis=("indicator", "none"), told_at=5)]
    table = findings_of(told, {("domain", "evil.example"): 7})
    assert table["hostile"].to_pylist() == [3, 0, 0]
    assert table["told_at"].to_pylist() == [7, 7, 7]
    assert findings_of(told)["told_at"].to_pylist() == [None, None, 5]
