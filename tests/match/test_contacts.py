"""What our records say about values that somebody asks for."""

from __future__ import annotations

import pyarrow as pa

from match.fake_lake import FakeLake
from match.scenes import HOUR, PlainScreens, Traffic
from seawall.match import contact_table, overlap_table

SERVER, NAME, FILE = "198.51.100.7", "evil.example", "ab" * 32


def asked(*values: tuple[str, str]) -> pa.Table:
    """Values as a table."""
    return pa.table({"type": [kind for kind, _ in values], "value": [value for _, value in values]})


def contacts(traffic: Traffic, *values: tuple[str, str]) -> dict[str, dict[str, object]]:
    """Contacts by value, for traffic of one side."""
    lake = FakeLake()
    lake.add(traffic.rows)
    with lake.reading() as session:
        return {found["value"]: found for found in contact_table(session, PlainScreens(), asked(*values)).to_pylist()}


def test_a_quiet_victim_is_told_by_the_company_it_kept() -> None:
    """A host that met server, name and file within minutes supports each of them; the name and its server do not."""
    traffic = Traffic()
    traffic.meet(1, dst=SERVER, domain=NAME, sha256=FILE, at=HOUR)
    traffic.meet(2, dst="198.51.100.8", domain="tail.example", at=HOUR)
    found = contacts(
        traffic,
        ("ipv4", SERVER),
        ("domain", NAME),
        ("sha256", FILE),
        ("ipv4", "198.51.100.8"),
        ("domain", "tail.example"),
    )
    assert {value: one["met_with"] for value, one in found.items()} == {
        SERVER: 1, NAME: 1, FILE: 2, "198.51.100.8": 0, "tail.example": 0,
    }  # fmt: skip
    assert (found[SERVER]["hostile"], found[SERVER]["quiet"], found[SERVER]["basis"]) == (0, 1, ["none"])


def test_two_errands_of_one_host_do_not_support_each_other() -> None:
    """The same host hours later, and another host at the same time, are other stories."""
    traffic = Traffic()
    traffic.meet(1, dst=SERVER, at=HOUR)
    traffic.meet(1, sha256=FILE, at=3 * HOUR)
    traffic.meet(2, sha256=FILE, at=HOUR)
    found = contacts(traffic, ("ipv4", SERVER), ("sha256", FILE))
    assert {one["met_with"] for one in found.values()} == {0}


def test_another_tenant_is_a_stranger() -> None:
    """An address that serves a name nobody asked for here is marked; with the asked name it is not."""
    traffic = Traffic()
    traffic.meet(1, dst=SERVER, domain="innocent.example")
    traffic.meet(2, dst="198.51.100.8", domain=NAME)
    traffic.meet(3, dst="198.51.100.9")
    found = contacts(traffic, ("ipv4", SERVER), ("ipv4", "198.51.100.8"), ("ipv4", "198.51.100.9"), ("domain", NAME))
    assert found[SERVER]["stranger"] is True
    assert found["198.51.100.8"]["stranger"] is False
    assert found["198.51.100.9"]["stranger"] is False


def test_a_value_that_six_use_in_peace_is_screened() -> None:
    """Somebody else's hostile value that many of our people use quietly is popular here."""
    traffic = Traffic()
    traffic.crowd(8, dst=SERVER, domain="www.shop.example")
    assert contacts(traffic, ("ipv4", SERVER))[SERVER]["screen"] == "popular"


def test_a_name_on_shared_hosting_is_screened_and_its_file_is_not() -> None:
    """What only a popular address serves is shared hosting; the file from there stands on its own."""
    traffic = Traffic()
    traffic.crowd(30, dst=SERVER, domain="www.shop.example")
    traffic.meet(40, dst=SERVER, domain=NAME, sha256=FILE, at=50 * HOUR)
    found = contacts(traffic, ("domain", NAME), ("sha256", FILE))
    assert found[NAME]["screen"] == "shared-hosting"
    assert found[FILE]["screen"] is None


def test_values_that_never_came_here_give_no_row() -> None:
    """Unknown values and types that no sensor shows are simply absent."""
    traffic = Traffic()
    traffic.meet(1, dst=SERVER)
    assert contacts(traffic, ("ipv4", "198.51.100.99"), ("wallet", "x"), ("ipv6", "2001:db8::1")) == {}


def test_the_overlap_of_two_sides_includes_the_side_without_alarms() -> None:
    """A value with alarms on one side gives a row for the other side's quiet contact as well."""
    lake, traffic = FakeLake(), Traffic()
    traffic.meet(1, alarm=True, dst=SERVER, side="A")
    traffic.meet(2, dst=SERVER, side="B", at=HOUR)
    traffic.meet(3, alarm=True, dst="198.51.100.8", side="A")
    lake.add(traffic.rows)
    with lake.reading() as session:
        found = overlap_table(session, PlainScreens()).to_pylist()
    assert [(one["value"], one["side"], one["hostile"]) for one in found] == [(SERVER, "A", 1), (SERVER, "B", 0)]
