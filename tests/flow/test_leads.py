"""Leads of real nodes: from what a peer told, from the overlap alone, from two sides of a lake, and from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flow.books_scenes import DAY, HOUR, TROJAN, address, observe
from flow.neighbours import AT, neighbours
from flow.overlap_scenes import Nodes, lined, share, suspect
from ingest_scenes import eve
from seawall.flow.leads import leads
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.tables import import_sensors
from seawall.flow.worth import worth
from seawall.flow.worth_page import drawing, page
from seawall.flow.worth_replay import replay
from seawall.model import Actor, Fault, NotFound, ObservableType, Pap, SightingSummary, Tlp, UserRole
from seawall.model.answer import Answer, Verdict
from seawall.model.hit import Hit
from seawall.model.overlap import OverlapItem

IPV4 = ObservableType.IPV4


@pytest.fixture
def taipei(tmp_path: Path) -> Iterator[Node]:
    """Taipei, which knows Seoul."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        yield nodes["taipei"]


def tell(node: Node, number: int, first: int, told: int, *, peer: str = "seoul", **fields: Any) -> None:
    """A peer told of an attacker."""
    plain: dict[str, Any] = {
        "type": IPV4, "value": address(number), "side": peer, "first_seen": first, "last_seen": first, "count": 2,
        "sectors": ("energy",), "indicator_id": None, "basis": ("alert",), "tlp": Tlp.AMBER, "pap": Pap.AMBER,
        "origin": peer, "told_at": told,
    }  # fmt: skip
    node.store.sightings.put([SightingSummary(**(plain | fields))])


def meet(node: Node, number: int, first: int, *, basis: str = "alert") -> None:
    """Our own systems met it."""
    node.store.hits.put(
        [Hit(IPV4, address(number), node.side, "water", first, first, 1, None, basis, "siem", first, f"h{number}")]
    )


def jitter(number: int) -> int:
    """Some minutes, not the same for two attackers."""
    return (number * 7919 % 997) * 60_000_000


def test_what_a_peer_told_makes_usable_leads(taipei: Node) -> None:
    """Thirty attackers that Seoul told of a day before they came: raw lead above usable lead, and ten more to come."""
    for number in range(40):
        first = AT - 20 * DAY + number * 9 * HOUR
        tell(taipei, number, first, first + 3 * HOUR)
        if number < 30:
            meet(taipei, number, first + DAY + jitter(number))
    document = leads(taipei, by="peer")
    (seoul,) = document["items"]
    assert (document["state"], document["source"], document["parties"]) == ("measured", "peers", ["seoul"])
    assert (seoul["both"], seoul["only_there"], seoul["told_in_time"]) == (30, 10, 30)
    assert seoul["raw_lead_seconds"] - seoul["usable_lead_seconds"] == pytest.approx(3 * 3600)
    assert seoul["sharing_delay_seconds"] == 3 * 3600
    assert seoul["p_there"] < 0.01
    assert [one["days"] for one in seoul["within"]] == [1, 7, 30]


def test_single_values_are_told_with_their_leads(taipei: Node) -> None:
    """By observable each value stands with its moments; pages follow each other; who came late had no usable lead."""
    tell(taipei, 1, AT - 5 * HOUR, AT - 4 * HOUR)
    meet(taipei, 1, AT - HOUR)
    tell(taipei, 2, AT - 6 * HOUR, AT)
    meet(taipei, 2, AT - HOUR)
    first = leads(taipei, by="observable", limit=1)
    second = leads(taipei, by="observable", limit=1, after=first["next"])
    (one,), (other,) = first["items"], second["items"]
    assert (one["value"], one["first"], one["usable_lead_seconds"]) == (address(1), "there", 3 * 3600)
    assert (other["value"], other["raw_lead_seconds"], other["usable_lead_seconds"]) == (address(2), 5 * 3600, 0.0)
    assert second["next"] is None


def test_a_liar_has_claims_and_no_lead(taipei: Node) -> None:
    """A peer that tells what we had met, as met long before, is flagged; its lead over chance is none."""
    for number in range(40):
        met = AT - 20 * DAY + number * 9 * HOUR
        meet(taipei, number, met)
        tell(taipei, number, met - 3 * HOUR - jitter(number), met + 5 * HOUR)
    (seoul,) = leads(taipei, by="peer")["items"]
    assert seoul["share_first_there"] == 1.0
    assert (seoul["proved_first_there"], seoul["told_in_time"], seoul["usable_lead_seconds"]) == (0, 0, 0.0)
    assert seoul["lead_over_null_seconds"] < 0
    assert seoul["p_there"] == 1.0
    assert {"claims-everything-first", "told-too-late"} <= set(seoul["flags"])
    assert replay(taipei).p_there == 1.0
    assert "By their own word" in page(replay(taipei), "en")


def test_the_overlap_alone_is_enough(taipei: Node) -> None:
    """Nothing told, no telemetry kept: the days on which values came into comparisons say who had them first."""
    day = AT // DAY * DAY
    taipei.store.overlaps.add(
        OverlapItem(
            peer="seoul", type=IPV4, value=address(number), session="s", found_at=day,
            ours_said=day - (10 + number) * DAY, theirs_said=day - (10 + number + 1 + number % 4) * DAY,
        )
        for number in range(24)
    )  # fmt: skip
    document = leads(taipei)
    whole = document["whole"]
    assert (document["source"], whole["both"]) == ("peers", 24)
    assert whole["proved_first_there"] == whole["first_there"] > 15
    assert "moments-not-told" in whole["flags"]
    assert whole["usable_lead_seconds"] == 0.0


def test_a_comparison_over_a_real_line_gives_pairs(tmp_path: Path) -> None:
    """After a run that told first moments, both nodes hold pairs of what both met, without the other's telemetry."""
    with lined(tmp_path) as nodes:
        scene: Nodes = nodes
        share(scene)
        suspect(scene["taipei"], range(30))
        suspect(scene["seoul"], range(15, 40))
        run_overlap(scene["taipei"], "seoul", type=IPV4)
        for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
            document = leads(scene[name], by="observable", peer=other)
            both = [item for item in document["items"] if item["there_first_seen"] and item["here_first_seen"]]
            assert {item["value"] for item in both} == {address(number) for number in range(15, 30)}
            assert all(item["proved_at"] for item in both)


def test_two_sides_of_one_lake(tmp_path: Path) -> None:
    """Sensors of two sides in one lake: who was first, with the assumed delay, without any peer."""
    with neighbours(tmp_path, "taipei") as nodes:
        node = nodes["taipei"]
        table = node.folder.parent / "sensors.csv"
        table.write_text("sensor,side,sector\ns-tw,TW,water\ns-tw2,TW,water\ns-kr,KR,energy\ns-kr2,KR,energy\n")
        import_sensors(node, table)
        lines = [
            eve(
                number, src_ip=address(number), dest_ip=f"10.0.{number}.{host}", host=f"s-{side}{extra}",
                timestamp=f"2026-03-14T{3 if side == 'kr' else 5:02d}:{number:02d}:{number * 13 % 50:02d}.000000+0000",
                event_type="alert", direction="to_server", alert=TROJAN, flow_id=number * 10 + host,
            )
            for number in range(30) for side in ("kr", "tw") for host, extra in ((5, ""), (6, "2"))
        ]  # fmt: skip
        observe(node, *lines)
        document = leads(node)
        assert (document["source"], document["here"], document["parties"]) == ("sides", "TW", ["KR"])
        (korea,) = document["items"]
        assert (korea["both"], korea["first_there"]) == (30, 30)
        assert korea["raw_lead_seconds"] == 7_200
        assert {"assumed-delay", "clock-skew"} <= set(korea["flags"])  # exactly two hours each time is a clock


def test_nothing_one_side_and_wrong_words(taipei: Node) -> None:
    """An empty node and one-sided history say what is missing; unknown peers and groupings are one sentence."""
    assert leads(taipei)["state"] == "empty"
    assert leads(taipei)["says"].startswith("Not enough data")
    assert "Not enough data" in page(replay(taipei), "en")
    tell(taipei, 1, AT, AT)
    assert leads(taipei)["state"] == "one-sided"
    with pytest.raises(NotFound, match="E-FLOW-775"):
        leads(taipei, peer="nobody")
    with pytest.raises(Fault, match="E-FLOW-776"):
        leads(taipei, by="weather")
    with pytest.raises(Fault, match="E-FLOW-776"):
        leads(taipei, null="none")
    with pytest.raises(Fault, match="E-FLOW-777"):
        worth(taipei, month="2026-13")


def test_a_reader_counts_nothing_beyond_the_marking(taipei: Node) -> None:
    """What is marked above a reader's level is in no count of theirs."""
    for number in range(12):
        tell(taipei, number, AT - DAY + jitter(number), AT, tlp=Tlp.RED)
    reader = Actor("kim", UserRole.READER)
    assert leads(taipei, actor=reader)["state"] == "empty"
    assert leads(taipei)["whole"]["only_there"] == 12


def test_since_leaves_out_what_was_met_before(taipei: Node) -> None:
    """Only values that nobody had met before the moment stay."""
    tell(taipei, 1, AT - 10 * DAY, AT - 9 * DAY)
    tell(taipei, 2, AT - DAY, AT)
    assert leads(taipei, since="2026-03-10T00:00:00Z")["whole"]["only_there"] == 1


def test_worth_is_counted_by_circle_and_month(taipei: Node) -> None:
    """What came, what was answered, the hours won and the blocks that hit stand in the month in which we were told."""
    taipei.store.received.add("seoul", "tw-kr", [("indicator--1", "v"), ("indicator--2", "v")], AT)
    tell(taipei, 1, AT - 3 * HOUR, AT, indicator_id="indicator--1")
    tell(taipei, 2, AT - 3 * HOUR, AT, indicator_id="indicator--2")
    meet(taipei, 1, AT + 2 * HOUR, basis="blocked")
    taipei.store.answers.put([Answer(IPV4, address(1), Verdict.CONFIRMED, AT + HOUR, "kim")])
    (row,) = worth(taipei)["items"]
    assert (row["circle"], row["month"], row["received"], row["given"]) == ("tw-kr", "2026-03", 2, 0)
    assert (row["told_values"], row["confirmed"], row["refuted"]) == (2, 1, 0)
    assert row["median_answer_seconds"] == 3600
    assert (row["told_in_time"], row["usable_hours_won"], row["blocks_that_hit"]) == (1, 2.0, 1)
    assert worth(taipei, circle="other")["items"] == []


@pytest.mark.parametrize("lang", ["en", "zh-Hant", "ko"])
def test_the_page_is_one_file_without_scripts(taipei: Node, lang: str) -> None:
    """The replay is one self-contained page in the reader's language, with its median, its chance and its caveats."""
    for number in range(30):
        first = AT - 20 * DAY + number * 9 * HOUR
        tell(taipei, number, first, first + 3 * HOUR)
        meet(taipei, number, first + DAY + jitter(number))
    found = replay(taipei, days=90)
    assert (found.units, found.seen_first_there, found.told_in_time) == (30, 30, 30)
    assert found.median_lead_seconds is not None
    whole = page(found, lang)
    assert "<script" not in whole
    assert "http" not in whole.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")
    assert "{" not in whole.split("</style>")[1]
    assert drawing(found, lang).startswith("<svg")
