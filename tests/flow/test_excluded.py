"""What never enters an overlap: every class by its reason, for values that are asked about one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.books_scenes import address, alarm, observe, own, pair, visit
from seawall.flow.commitments import commit_candidates, left_out
from seawall.flow.excluded import exclude, excluded, include, may_enter, values_in, why_not
from seawall.flow.node import Node
from seawall.model import Fault, NotFound, ObservableType

IPV4, CIDR, DOMAIN, URL, EMAIL = (
    ObservableType.IPV4,
    ObservableType.CIDR,
    ObservableType.DOMAIN,
    ObservableType.URL,
    ObservableType.EMAIL,
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Taipei with ranges and a zone of its own."""
    with pair(tmp_path) as nodes:
        own(nodes["taipei"], "45.90.0.0/16", "grid.tw")
        yield nodes["taipei"]


def test_lists_keep_values_out(node: Node) -> None:
    """Own assets, warninglisted values and operations, with all that lies in or below them."""
    exclude(node, ["45.80.0.0/16", "sting.example.org", "http://host.test-site.net/drop", "a" * 64])
    for type, value, reason in (
        (IPV4, "45.90.1.1", "own-asset"),
        (IPV4, "10.1.1.1", "own-asset"),
        (CIDR, "45.90.1.0/24", "own-asset"),
        (DOMAIN, "www.grid.tw", "own-asset"),
        (EMAIL, "a@grid.tw", "own-asset"),
        (IPV4, "8.8.8.8", "warninglist"),
        (IPV4, "45.80.7.7", "operation"),
        (CIDR, "45.80.7.0/24", "operation"),
        (CIDR, "45.0.0.0/8", "operation"),
        (URL, "http://45.80.7.7/x", "operation"),
        (DOMAIN, "c2.sting.example.org", "operation"),
        (URL, "https://c2.sting.example.org/a?b", "operation"),
        (EMAIL, "bait@sting.example.org", "operation"),
        (URL, "http://host.test-site.net/drop?id=1", "operation"),
        (ObservableType.SHA256, "a" * 64, "operation"),
        (IPV4, "45.76.1.1", None),
        (DOMAIN, "notsting.example-c2.net", None),
        (ObservableType.SHA256, "b" * 64, None),
        (ObservableType.WALLET, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT", None),
    ):
        assert why_not(node, type, value.encode()) == reason, value
        assert may_enter(node, type, value) is (reason is None)


def test_our_own_sensors_keep_values_out(node: Node) -> None:
    """Addresses that everybody here meets, and their names; an attacker that two sensors alarm about may enter."""
    observe(
        node,
        *(visit("45.77.1.1", host=f"10.1.{number}.9") for number in range(40)),
        alarm("45.77.1.1"),
        alarm(address(1)),
        alarm(address(1), sensor="tpe-2"),
    )
    assert why_not(node, IPV4, "45.77.1.1") == "shared"
    assert why_not(node, DOMAIN, "www.everybody.tw") in ("shared", "common-site")
    assert why_not(node, DOMAIN, "cdn.everybody.tw") is None  # never met: the terms of the run decide
    assert why_not(node, IPV4, address(1)) is None


def test_benign_traffic_gives_nothing(node: Node) -> None:
    """A thousand popular sites, some of them with a false alarm, shared resolvers and networks: 0 items."""
    lines = []
    for site in range(1_000):
        server = f"46.{site // 200}.{site % 200}.80"
        lines += [visit(server, host=f"10.{host}.0.9", name=f"www.site-{site}.com.tw") for host in range(8)]
        if site % 10 == 0:
            lines.append(alarm(server, host="10.0.0.9"))
    lines += [alarm(value) for value in ("1.1.1.1", "8.8.4.4", "9.9.9.9", "168.95.1.1")]
    observe(node, *lines)
    assert commit_candidates(node) == 0
    outside = left_out(node)["ipv4"]
    assert outside["popular"] == 100
    assert outside["warninglist"] >= 3


def test_the_list_is_kept_by_people(node: Node, tmp_path: Path) -> None:
    """Defanged or not, each value once; comments and empty lines are none; what is no value is refused whole."""
    file = tmp_path / "list"
    file.write_text("\ufeff# covert\n45[.]80.1.1\n\nhxxp://bad.site.net/x\n")
    assert values_in(file) == ["45[.]80.1.1", "hxxp://bad.site.net/x"]
    assert exclude(node, values_in(file)) == {"given": 2, "added": 2, "excluded": 2}
    assert exclude(node, ["45.80.1.1"])["added"] == 0
    assert [(row["type"], row["value"], row["added_by"]) for row in excluded(node)] == [
        ("ipv4", "45.80.1.1", "administrator"),
        ("url", "http://bad.site.net/x", "administrator"),
    ]
    with pytest.raises(Fault, match="E-FLOW-500"):
        exclude(node, ["45.80.1.2", "no value at all"])
    with pytest.raises(Fault, match="E-FLOW-503"):
        exclude(node, ["x"], "ipv9")
    with pytest.raises(Fault, match="E-VALUE-001"):
        exclude(node, ["x"], "ipv4")
    assert include(node, "45.80.1.1")["excluded"] == 1
    with pytest.raises(NotFound, match="E-FLOW-501"):
        include(node, "45.80.1.1")
    file.write_text("a" * 5_000)
    with pytest.raises(Fault, match="E-FLOW-502"):
        values_in(file)
