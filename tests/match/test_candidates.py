"""Which values become candidates: hostile at the remote end, and none of the exclusions."""

from __future__ import annotations

import hashlib

import pytest

from match.fake_lake import FakeLake, row
from match.scenes import HOUR, OURS, PlainScreens, Traffic
from seawall.match import candidate_table, candidates, why
from seawall.model import Observable, ObservableType


def candidates_of(*traffic: Traffic, listed: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """The (type, value) of the candidates of a lake with this traffic."""
    lake = lake_of(*traffic)
    with lake.reading() as session:
        return {(found.type.value, found.value) for found in candidates(session, PlainScreens(*listed))}


def lake_of(*traffic: Traffic) -> FakeLake:
    """A lake with this traffic and an ordinary background that makes the fleet known."""
    lake = FakeLake()
    background = Traffic()
    background.crowd(120, dst="203.0.113.200", domain="www.everyday.example")
    for number, part in enumerate((background, *traffic)):
        lake.add([{**made, "event": int(str(made["event"])) + number * 100_000} for made in part.rows])
    return lake


def test_everything_that_an_alarm_names_at_the_remote_end_is_a_candidate() -> None:
    """Address, name, URL without its query and file of an alert are candidates; our own address is not."""
    traffic = Traffic()
    for host in range(2):
        traffic.meet(
            host, alarm=True, dst="198.51.100.7", domain="evil.example", sha256="ab" * 32,
            url="http://evil.example/x?victim=me",
        )  # fmt: skip
    assert candidates_of(traffic) == {
        ("ipv4", "198.51.100.7"), ("domain", "evil.example"), ("url", "http://evil.example/x"), ("sha256", "ab" * 32),
    }  # fmt: skip


def test_without_an_alarm_there_is_no_candidate() -> None:
    """Ordinary records alone give nothing."""
    traffic = Traffic()
    traffic.meet(1, dst="198.51.100.7", domain="quiet.example")
    assert candidates_of(traffic) == set()


def test_a_value_that_stands_at_our_end_is_never_a_candidate() -> None:
    """An address that is ours in one row is no candidate, whatever another row says; nor are own names."""
    traffic = Traffic()
    traffic.meet(1, alarm=True, dst="198.51.100.7", domain=f"www.{OURS}")
    traffic.rows.append(row(50, src="198.51.100.7", dst="192.0.2.1", own_end="source", basis="none"))
    assert candidates_of(traffic) == set()


def test_a_warninglisted_value_is_no_candidate() -> None:
    """The lists have the last word."""
    traffic = Traffic()
    traffic.meet(1, alarm=True, dst="198.51.100.7", domain="evil.example")
    assert candidates_of(traffic, listed=("evil.example",)) == {("ipv4", "198.51.100.7")}


def test_what_many_meet_quietly_is_popular() -> None:
    """A site with a false alarm among many quiet visitors is left out, with everything below its registered name."""
    traffic = Traffic()
    traffic.crowd(30, alarms=1, dst="203.0.113.5", domain="www.popular.example")
    traffic.meet(40, alarm=True, dst="203.0.113.5", domain="cdn.popular.example", url="http://cdn.popular.example/a")
    assert candidates_of(traffic) == set()


def test_one_alarm_among_quiet_meetings_is_not_told() -> None:
    """Two hosts met it in peace and one alarmed once: nobody is told; a second alarm makes it count."""
    traffic = Traffic()
    for host in range(3):
        traffic.meet(host, alarm=host == 0, dst="198.51.100.7")
    assert candidates_of(traffic) == set()
    traffic.meet(0, alarm=True, dst="198.51.100.7")
    assert candidates_of(traffic) == {("ipv4", "198.51.100.7")}


def test_a_page_on_a_popular_site_counts_when_it_alarmed_twice() -> None:
    """Malware on shared hosting is named by its full address, not by the site."""
    traffic = Traffic()
    traffic.crowd(30, dst="203.0.113.5", domain="www.popular.example")
    for host in (40, 41):
        traffic.meet(
            host, alarm=True, dst="203.0.113.5", domain="www.popular.example", url="http://www.popular.example/a"
        )
    assert candidates_of(traffic) == {("url", "http://www.popular.example/a")}


def test_a_scanner_that_hits_everyone_is_no_candidate() -> None:
    """An address with alarms on most sensors of the fleet is a mass scanner."""
    traffic = Traffic()
    traffic.crowd(40, alarms=40, dst="203.0.113.9")
    assert candidates_of(traffic) == set()


def test_names_tried_by_the_dozen_are_generated() -> None:
    """Random-looking names that one host went through are left out; a name that it met beside them is not."""
    traffic = Traffic()
    for number in range(20):
        name = hashlib.md5(bytes([number]), usedforsecurity=False).hexdigest()[:14]
        traffic.meet(1, alarm=number < 3, domain=f"{name}.test", at=number)
    traffic.meet(1, alarm=True, domain="login.verano.test", at=HOUR)
    assert candidates_of(traffic) == {("domain", "login.verano.test")}


def test_the_verdict_explains_itself() -> None:
    """``why`` names the failed test with its numbers, and a candidate has none."""
    traffic = Traffic()
    traffic.crowd(30, alarms=1, dst="203.0.113.5", domain="www.popular.example")
    traffic.meet(40, alarm=True, dst="198.51.100.7")
    lake = lake_of(traffic)
    with lake.reading() as session:
        popular = why(session, PlainScreens(), Observable(ObservableType.DOMAIN, "www.popular.example"))
        chosen = why(session, PlainScreens(), Observable(ObservableType.IPV4, "198.51.100.7"))
        unseen = why(session, PlainScreens(), Observable(ObservableType.IPV4, "198.51.100.8"))
        range_ = why(session, PlainScreens(), Observable(ObservableType.CIDR, "198.51.100.0/24"))
    assert (popular.candidate, popular.excluded_by) == (False, ("popular", "single-alarm"))
    assert popular.evidence[0].own_quiet > 20
    assert (chosen.candidate, chosen.excluded_by, chosen.evidence[0].hostile) == (True, (), 1)
    assert (unseen.candidate, unseen.evidence) == (False, ())
    assert range_.excluded_by == ("type",)


def test_sectors_stand_in_order_of_arrival() -> None:
    """First and last moment, count and the order of sectors come from the alarms alone."""
    traffic = Traffic()
    for place, sector in enumerate(("water", "health", "water", "energy")):
        traffic.meet(place, alarm=True, at=place * HOUR, sector=sector, dst="198.51.100.7")
    traffic.meet(9, at=9 * HOUR, sector="finance", dst="198.51.100.7")
    with lake_of(traffic).reading() as session:
        found = candidate_table(session, PlainScreens()).to_pylist()
    assert [(one["first_seen"], one["last_seen"], one["count"], one["sectors"]) for one in found] == [
        (0, 3 * HOUR, 4, ["water", "health", "energy"])
    ]


@pytest.mark.parametrize("hostile", ["'; DROP TABLE x; --.test", "%s{0}$1.test", "é\u202e.test"])
def test_what_an_attacker_wrote_is_only_data(hostile: str) -> None:
    """Quotes, format marks and odd letters in names pass through as they are."""
    traffic = Traffic()
    traffic.meet(1, alarm=True, domain=hostile)
    assert ("domain", hostile) in candidates_of(traffic)
