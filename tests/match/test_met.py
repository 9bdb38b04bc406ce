"""What our sensors merely met: every screen of a candidate, and no alarm needed."""

from __future__ import annotations

from collections import Counter

from match.fake_lake import FakeLake
from match.scenes import HOUR, OURS, PlainScreens, Traffic
from seawall.match import Met, candidates, met_values

QUIET, SUSPECT = "198.51.100.7", "198.51.100.8"


def met(*traffic: Traffic, known: tuple[tuple[str, str], ...] = (), most_looked: int = 1_000) -> Met:
    """What a lake with this traffic met, and an ordinary background that makes the fleet known."""
    lake = FakeLake()
    background = Traffic()
    background.crowd(120, dst="203.0.113.200", domain="www.everyday.example")
    for number, part in enumerate((background, *traffic)):
        lake.add([{**made, "event": int(str(made["event"])) + number * 100_000} for made in part.rows])
    with lake.reading() as session:
        return met_values(session, PlainScreens(), known, most_looked=most_looked)


def passed(found: Met) -> list[str]:
    """The values that may enter, in their order."""
    return [row["value"] for row in found.table.to_pylist() if row["screen"] is None]


def test_what_one_machine_met_in_peace_is_met_and_what_everybody_meets_is_not() -> None:
    """A quiet address enters, the latest first; crowds, own names and suspects do not."""
    traffic = Traffic()
    traffic.meet(1, at=HOUR, dst="198.51.100.9")
    traffic.meet(1, at=3 * HOUR, dst=QUIET)
    traffic.meet(2, at=HOUR, dst="203.0.113.9", domain=f"www.{OURS}")
    for host in range(2):
        traffic.meet(host, alarm=True, dst=SUSPECT)
    traffic.crowd(9, dst="203.0.113.50")
    found = met(traffic)
    addresses = [value for value in passed(found) if value[0].isdigit()]
    assert addresses[:1] == [QUIET]
    assert set(addresses) == {QUIET, "198.51.100.9", "203.0.113.9"}
    assert "www.everyday.example" not in passed(found)
    assert found.left_out["ipv4", "popular"] == 2
    assert ("ipv4", "candidate") not in found.left_out


def test_one_weak_alarm_makes_no_candidate_and_stays_met() -> None:
    """What alarmed once where two machines met it quietly is told to nobody as a suspect, and is met."""
    traffic = Traffic()
    for host in range(3):
        traffic.meet(host, alarm=host == 0, dst=QUIET)
    lake = FakeLake()
    lake.add(traffic.rows)
    with lake.reading() as session:
        assert not list(candidates(session, PlainScreens()))
    assert QUIET in passed(met(traffic))


def test_a_name_on_shared_hosting_enters_as_it_does_among_candidates() -> None:
    """Its popular address stays out; the rare name enters, because it supports what was met with it."""
    traffic = Traffic()
    traffic.crowd(9, dst="203.0.113.50")
    traffic.meet(1, dst="203.0.113.50", domain="rare.example")
    found = passed(met(traffic))
    assert "rare.example" in found
    assert "203.0.113.50" not in found


def test_known_values_are_judged_however_long_ago_they_were_met() -> None:
    """What was committed to and is popular by now comes back with the reason; beyond the bound the rest is counted."""
    traffic = Traffic()
    traffic.crowd(9, dst=SUSPECT)
    for number in range(5):
        traffic.meet(1, at=(20 + number) * HOUR, dst=f"198.51.100.{100 + number}")
    found = met(traffic, known=(("ipv4", SUSPECT),), most_looked=2)
    rows = {row["value"]: row for row in found.table.to_pylist() if row["type"] == "ipv4"}
    assert (rows[SUSPECT]["known"], rows[SUSPECT]["screen"]) == (True, "popular")
    assert Counter(row["known"] for row in rows.values())[False] == 2
    assert found.left_out["ipv4", "met-earlier"] > 0
