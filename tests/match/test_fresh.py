"""Candidates among values that just alarmed: the same answer as for the whole lake, or none yet."""

from __future__ import annotations

import random

from match.fake_lake import FakeLake
from match.scenes import HOUR, PlainScreens, Traffic
from seawall.match import candidate_table
from seawall.match.fresh import Surroundings, alarmed_values, fresh_candidates
from seawall.model import Observable, ObservableType


def lake_with_everything(seed: int) -> tuple[FakeLake, list[Observable]]:
    """Attackers, popular sites that sometimes alarm, scanners, weak alarms, URLs on busy hosts; and their values."""
    lake, picked, values = FakeLake(), random.Random(seed), list[Observable]()
    background = Traffic()
    background.crowd(120, dst="203.0.113.200", domain="www.everyday.example")
    parts = [background]
    for number in range(40):
        part, address, name = Traffic(), f"198.51.100.{number}", f"host{number}.site{number % 7}.example"
        for host in range(picked.randint(1, 12)):
            part.meet(
                host,
                alarm=picked.random() < 0.4,
                at=picked.randint(0, 20) * HOUR,
                sensor=picked.randint(0, 5),
                dst=address,
                domain=name,
                url=f"http://{name}/a?b=c",
            )
        parts.append(part)
        values.append(Observable(ObservableType.IPV4, address))
        values.append(Observable(ObservableType.DOMAIN, name))
        values.append(Observable(ObservableType.URL, f"http://{name}/a"))
    for number, part in enumerate(parts):
        lake.add([{**made, "event": int(str(made["event"])) + number * 100_000} for made in part.rows])
    return lake, values


def test_what_is_found_at_once_is_what_the_whole_run_finds() -> None:
    """Row by row the same, for addresses, names and URLs together and one by one."""
    screens = PlainScreens("198.51.100.3")
    for seed in (1, 2):
        lake, values = lake_with_everything(seed)
        with lake.reading() as session:
            whole = {(row["type"], row["value"]): row for row in candidate_table(session, screens).to_pylist()}
            around = Surroundings(session)
            together = fresh_candidates(session, screens, dict.fromkeys(values, 0), around).to_pylist()
            alone = [
                row
                for value in values[:9]
                for row in fresh_candidates(session, screens, {value: 0}, around).to_pylist()
            ]
        asked = {(value.type.value, value.value) for value in values}
        assert together == [row for key, row in sorted(whole.items()) if key in asked]
        assert len(together) > 5
        assert all(whole[row["type"], row["value"]] == row for row in alone)


def test_a_name_that_looks_random_is_left_to_the_whole_run() -> None:
    """Whether a machine made it up takes every name that its hosts met."""
    part = Traffic()
    part.meet(1, alarm=True, dst="198.51.100.7", domain="xkqzvbnrtw.example")
    lake = FakeLake()
    lake.add(part.rows)
    named, address = (
        Observable(ObservableType.DOMAIN, "xkqzvbnrtw.example"),
        Observable(ObservableType.IPV4, "198.51.100.7"),
    )
    with lake.reading() as session:
        found = fresh_candidates(session, PlainScreens(), {named: 0, address: 0}, Surroundings(session))
    assert found["value"].to_pylist() == ["198.51.100.7"]


def test_while_a_clock_is_wrong_only_what_has_no_past_is_told_at_once() -> None:
    """What was met before its alarm of now may have been met at another time than it says."""
    part = Traffic()
    part.meet(1, alarm=True, at=0, dst="198.51.100.8")
    part.meet(2, alarm=True, at=5 * HOUR, dst="198.51.100.8")
    part.meet(1, alarm=True, at=5 * HOUR, dst="198.51.100.9")
    lake = FakeLake()
    lake.add(part.rows)
    old, new = (Observable(ObservableType.IPV4, f"198.51.100.{last}") for last in (8, 9))
    with lake.reading() as session:
        around = Surroundings(session)
        around.wrong_clocks = True
        firsts = {row["value"]: row["first_seen"] for row in candidate_table(session, PlainScreens()).to_pylist()}
        since = {old: firsts["198.51.100.8"] + HOUR, new: firsts["198.51.100.9"]}
        found = fresh_candidates(session, PlainScreens(), since, around)
    assert found["value"].to_pylist() == ["198.51.100.9"]


def test_the_values_of_alarmed_rows_stand_at_the_remote_end() -> None:
    """Our own address is not asked about; each value comes with its first moment."""
    part = Traffic()
    part.meet(1, alarm=True, at=2 * HOUR, dst="198.51.100.8", domain="evil.example")
    part.meet(1, alarm=True, at=HOUR, dst="198.51.100.8", domain="evil.example")
    lake = FakeLake()
    lake.add(part.rows)
    with lake.reading() as session:
        rows = session.sql(f"SELECT * FROM {session.observations(0)} AS o")
        found = alarmed_values(session, rows)
    assert set(found) == {
        Observable(ObservableType.IPV4, "198.51.100.8"), Observable(ObservableType.DOMAIN, "evil.example"),
    }  # fmt: skip
    assert set(found.values()) == {min(rows["time"].to_pylist())}
