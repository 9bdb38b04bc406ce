"""Reporting what a site's own systems found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.flow import refresh
from seawall.flow.findings import list_sightings, list_warnings
from seawall.flow.hits import HitReport, Reported, read_hits, report_hits
from seawall.flow.intel import import_paths
from seawall.flow.node import Node, create_node
from seawall.flow.pipeline import ingest_paths, run_match
from seawall.model import Actor, Fault, Refused, Unavailable, UserRole

MOMENT = 1_773_532_800_000_000  # 2026-03-15T00:00:00Z
FIRST, LAST = "2026-03-14T03:12:00Z", "2026-03-14T04:00:00Z"
LISTED = "203.0.113.9"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with two indicators."""
    folder = tmp_path / "node"
    create_node(folder, name="T", economy="TW", sector="energy", timezone="UTC", lang="en", clock=lambda: MOMENT)
    (tmp_path / "ours.csv").write_text(f"type,value,campaign\nipv4,{LISTED},tide\ndomain,bad.example.net,\n")
    (tmp_path / "secret.csv").write_text("type,value\nipv4,203.0.113.66\n")
    with Node.open(folder, clock=lambda: MOMENT) as made:
        import_paths(made, [tmp_path / "ours.csv"], tlp="amber", source="ours")
        import_paths(made, [tmp_path / "secret.csv"], tlp="red", source="ours")
        yield made


def report(node: Node, **given: object) -> Reported:
    """Report one hit of the listed address, with changes."""
    fields: dict[str, object] = {"value": LISTED, "count": 5, "first": FIRST, "last": LAST}
    return report_hits(node, [(1, HitReport(**(fields | given)))])  # type: ignore[arg-type]


def code(done: Reported) -> str:
    """The code of the one refusal."""
    assert done.refused == 1
    [one] = done.problems
    return one.fault.code


def rows(node: Node) -> list[dict[str, object]]:
    """All sightings."""
    return list_sightings(node, limit=100, after=0).items


def test_a_hit_is_a_sighting_and_counts_once(node: Node) -> None:
    """Defanged or not, twice or ten times: one sighting with count, moments, side, sector and the indicator."""
    assert (report(node).new, report(node, value="203.0.113[.]9").unchanged) == (1, 1)
    [row] = rows(node)
    assert (row["value"], row["count"], row["side"], row["sectors"]) == (LISTED, 5, "TW", ["energy"])
    assert (row["first_seen"], row["last_seen"]) == ("2026-03-14T03:12:00.000000Z", "2026-03-14T04:00:00.000000Z")
    assert (row["basis"], row["tlp"], row["origin"]) == (["indicator", "none"], "amber", None)
    assert str(row["indicator_id"]).startswith("indicator--")


def test_hits_add_up_with_each_other_and_with_the_lake(node: Node, tmp_path: Path) -> None:
    """Other hits of the same value, and what was matched in the lake, are one sighting."""
    report(node)
    report(node, count=2, first="2026-03-14T02:00:00Z", last="2026-03-14T02:00:00Z", sector="water", basis="alert")
    log = tmp_path / "eve.json"
    log.write_text(
        '{"timestamp":"2026-03-14T05:00:00.000000+0000","event_type":"flow","src_ip":"10.0.0.5",'
        f'"dest_ip":"{LISTED}","proto":"TCP","host":"s"}}\n'
    )
    ingest_paths(node, [str(log)])
    run_match(node)
    [row] = rows(node)
    assert (row["count"], row["sectors"]) == (8, ["water", "energy", "unknown"])
    assert (row["first_seen"], row["last_seen"]) == ("2026-03-14T02:00:00.000000Z", "2026-03-14T05:00:00.000000Z")
    assert row["basis"] == ["alert", "indicator", "none"]


def test_hits_of_two_sides_are_a_warning(node: Node) -> None:
    """A node without any lake row warns when two sides report the same value, with the lead between them."""
    report(node, basis="alert")
    assert list_warnings(node, limit=10, after=0).items == []
    report(node, side="KR", first="2026-03-14T08:12:00Z", last="2026-03-14T08:12:00Z", basis="alert")
    [warning] = list_warnings(node, limit=10, after=0).items
    assert (warning["value"], warning["first_side"], warning["raw_lead_seconds"]) == (LISTED, "TW", 18_000.0)
    assert warning["campaigns"] == ["tide"]


def test_a_candidate_needs_a_basis_and_must_be_nobodys_own(node: Node) -> None:
    """A value that no indicator names is refused, unless it is a candidate with a basis, not ours and not listed."""
    stranger = "198.51.100.7"
    assert code(report(node, value=stranger)) == "E-FLOW-097"
    assert code(report(node, value=stranger, candidate=True)) == "E-FLOW-095"
    assert code(report(node, value=stranger, candidate=True, basis="none")) == "E-FLOW-095"
    assert code(report(node, value="10.0.0.9", candidate=True, basis="alert")) == "E-FLOW-098"
    assert code(report(node, value="8.8.8.8", candidate=True, basis="alert")) == "E-FLOW-099"
    assert rows(node) == []
    assert report(node, value=stranger, candidate=True, basis="honeypot").new == 1
    [row] = rows(node)
    assert (row["indicator_id"], row["basis"], row["pap"]) == (None, ["honeypot"], "green")


def test_hits_are_kept_while_the_lake_cannot_be_read(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """They count at once; that nothing could be prepared for the peers is told beside them."""

    def silent(_: Node) -> int:
        raise Unavailable("E-LAKE-032", "The lake at {url} cannot be used: {reason}.", url="x", reason="gone")

    monkeypatch.setattr(node.store.circles, "list", lambda: ["a circle"])
    monkeypatch.setattr(refresh, "generation_of", silent)
    done = report(node)
    assert (done.new, done.refused, len(rows(node))) == (1, 0, 1)
    assert done.unprepared is not None
    assert done.unprepared.code == "E-LAKE-032"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"count": 0}, "E-FLOW-093"),
        ({"count": 10**13}, "E-FLOW-093"),
        ({"first": LAST, "last": FIRST}, "E-FLOW-094"),
        ({"last": "2027-01-01T00:00:00Z"}, "E-FLOW-094"),
        ({"first": "1971-01-01T00:00:00Z"}, "E-FLOW-094"),
        ({"first": "yesterday"}, "E-MODEL-001"),
        ({"basis": "indicator"}, "E-FLOW-095"),
        ({"indicator": "indicator--0"}, "E-FLOW-096"),
        ({"type": "colour"}, "E-FLOW-100"),
        ({"type": "sha256"}, "E-VALUE-001"),
        ({"value": "what is this"}, "E-FLOW-101"),
        ({"side": "T\x1b[31mW"}, "E-FLOW-102"),
        ({"sector": "x" * 65}, "E-FLOW-102"),
        ({"id": "x" * 201}, "E-FLOW-103"),
    ],
)
def test_a_wrong_report_is_refused_with_its_reason(node: Node, given: dict[str, object], expected: str) -> None:
    """Each mistake has a code of its own, and nothing is kept."""
    assert code(report(node, **given)) == expected
    assert node.store.hits.count() == 0


def test_who_may_not_see_an_indicator_cannot_probe_for_it(node: Node) -> None:
    """To a person who may see AMBER+STRICT at most, an indicator of RED is as unknown as one that is not there."""
    analyst = Actor("ann", UserRole.ANALYST)
    for value in ("203.0.113.66", "203.0.113.67"):
        assert code(report_hits(node, [(1, HitReport(value, 1, FIRST, LAST))], analyst)) == "E-FLOW-097"
    assert report(node, value="203.0.113.66").new == 1


def test_only_who_may_ingest_may_report(node: Node) -> None:
    """A reader is refused."""
    with pytest.raises(Refused) as refused:
        report_hits(node, [], Actor("rita", UserRole.READER))
    assert refused.value.code == "E-FLOW-004"


def test_a_csv_is_taken_row_by_row(node: Node, tmp_path: Path) -> None:
    """Good rows are kept, wrong ones are told with their line; the same file again changes nothing."""
    path = tmp_path / "hits.csv"
    path.write_text(
        "\ufeffValue, count,first,last,sector,candidate,basis\n"
        f"{LISTED},3,{FIRST},{LAST},water,,\n"
        "\n"
        f"hxxp://bad[.]example[.]net/x,1,{FIRST},{LAST},,yes,alert\n"
        f"bad.example.net,many,{FIRST},{LAST},,,\n"
        f"nowhere.example.org,1,{FIRST},{LAST},,,\n"
        f"=cmd|' /C calc'!A0,1,{FIRST},{LAST},,,\n",
        "utf-8",
    )
    done = report_hits(node, read_hits(path))
    assert done.new == 2
    assert [(one.place, one.fault.code) for one in done.problems] == [
        (5, "E-FLOW-105"), (6, "E-FLOW-097"), (7, "E-FLOW-101"),
    ]  # fmt: skip
    again = report_hits(node, read_hits(path))
    assert (again.new, again.unchanged) == (0, 2)


@pytest.mark.parametrize("data", [b"", b"value,count\nx,1\n", b"\xff\xfe", b'value,count,first,last\n"open'])
def test_what_is_no_csv_of_hits_is_a_sentence(node: Node, tmp_path: Path, data: bytes) -> None:
    """An empty file, a missing column, another encoding and an open quote are refused."""
    path = tmp_path / "hits.csv"
    path.write_bytes(data)
    with pytest.raises(Fault) as fault:
        report_hits(node, read_hits(path))
    assert fault.value.code == "E-FLOW-104"
    with pytest.raises(Fault):
        list(read_hits(tmp_path / "absent.csv"))
