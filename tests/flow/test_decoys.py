"""Decoys: drawn from own unused space, kept secret, and what follows when a peer holds some."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.books_scenes import alarm, observe, own, pair, visit
from seawall.flow.commitments import commit_candidates
from seawall.flow.decoys import decoys, describe_hits, draw_decoys, judge_hits, list_decoys, remove_decoys
from seawall.flow.node import Node
from seawall.flow.overlap_stops import overlap_state, overlaps_told, require_running, resume_overlap
from seawall.model import Fault, NotFound, ObservableType, Refused
from seawall.model.books import Verdict

IPV4, DOMAIN, WALLET = ObservableType.IPV4, ObservableType.DOMAIN, ObservableType.WALLET
RANGE = ipaddress.ip_network("45.90.0.0/16")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Taipei with a /16 and two zones of its own."""
    with pair(tmp_path) as nodes:
        own(nodes["taipei"], str(RANGE), "45.90.3.0/24", "example-energy.tw", "grid.tw", "2001:db8:77::/48")
        yield nodes["taipei"]


@pytest.mark.parametrize("direction", [1, -1])
def test_a_sweep_is_an_incident_within_eight_thousand_probes(node: Node, direction: int) -> None:
    """A /16 with 64 decoys, probed in a row from anywhere: a question at the first hit, an end at the third."""
    assert draw_decoys(node, "ipv4", 64)["decoys"] == 64
    assert len(decoys(node, IPV4)) == 64
    begin, probes, verdicts = secrets.randbelow(65_536), 0, []
    for start in range(0, 8_000, 500):
        guessed = [str(RANGE[(begin + direction * (start + step)) % 65_536]).encode() for step in range(500)]
        probes += len(guessed)
        verdicts.append(
            judge_hits(node, "seoul", IPV4, [each for each in guessed if each in decoys(node, IPV4)]).verdict
        )
        if verdicts[-1] is Verdict.INCIDENT:
            break
    assert verdicts[-1] is Verdict.INCIDENT
    assert probes <= 8_000
    with pytest.raises(Refused, match="E-FLOW-540"):
        require_running(node, "seoul")
    require_running(node, "tokyo")
    kinds = [item.kind for item in node.ledger.show(1_000).items]
    assert kinds.count("overlap-stopped") == 1
    assert kinds.index("decoy-hit") < kinds.index("overlap-stopped")


def test_one_is_a_question_and_three_are_an_incident(node: Node) -> None:
    """Different decoys count, whenever they were hit; the same one again does not; other values never do."""
    draw_decoys(node, "ipv4", 4)
    one, two, three, four = sorted(decoys(node, IPV4))
    assert judge_hits(node, "seoul", IPV4, [b"45.76.1.1"]).verdict is Verdict.NOTHING
    for values, total in (([one], 1), ([one, b"45.76.1.1"], 1), ([two], 2), ([one, two], 2)):
        judged = judge_hits(node, "seoul", IPV4, values)
        assert (judged.verdict, judged.total) == (Verdict.QUESTION, total)
    assert overlap_state(node, "seoul") == "question"
    assert judge_hits(node, "tokyo", IPV4, [four]).verdict is Verdict.QUESTION
    assert judge_hits(node, "seoul", IPV4, [three]).verdict is Verdict.INCIDENT
    assert judge_hits(node, "seoul", IPV4, [three]).verdict is Verdict.INCIDENT
    assert describe_hits(node, "seoul") == {"peer": "seoul", "verdict": "incident", "hits": 3, "by_type": {"ipv4": 3}}
    with pytest.raises(Fault, match=r"E-FLOW-543.*seoul stopped, tokyo question"):
        overlaps_told(node)
    assert [item.event["details"]["total"] for item in node.ledger.show(1_000).items if item.kind == "decoy-hit"] == [
        1, 2, 1, 3, 3,
    ]  # fmt: skip


def test_a_named_person_goes_on(node: Node) -> None:
    """What was hit is settled and retired, for the peer may know it; another peer that holds it tells on itself."""
    draw_decoys(node, "ipv4", 5)
    hit = sorted(decoys(node, IPV4))[:3]
    judge_hits(node, "seoul", IPV4, hit)
    assert resume_overlap(node, "seoul") == {"peer": "seoul", "resumed_by": "administrator", "decoys_retired": 3}
    require_running(node, "seoul")
    assert overlaps_told(node) == "nothing stopped"
    assert len(decoys(node, IPV4)) == 2
    assert judge_hits(node, "tokyo", IPV4, hit).verdict is Verdict.INCIDENT
    with pytest.raises(NotFound, match="E-FLOW-542"):
        resume_overlap(node, "seoul")


def test_decoys_come_from_space_that_nothing_was_seen_in(node: Node) -> None:
    """Of a /28 with all but three addresses in use, three can be drawn; four are refused and none is kept."""
    own(node, "45.91.0.0/28")
    used = [str(each) for each in list(ipaddress.ip_network("45.91.0.0/28"))[3:]]
    observe(
        node,
        *(visit("45.77.1.1", host=each) for each in used[:7]),
        *(alarm("45.76.1.1", host=each) for each in used[7:]),
    )
    with pytest.raises(Fault, match="E-FLOW-532"):
        draw_decoys(node, "ipv4", 4)
    assert decoys(node, IPV4) == frozenset()
    draw_decoys(node, "ipv4", 3)
    assert {each.decode() for each in decoys(node, IPV4)} == {"45.91.0.0", "45.91.0.1", "45.91.0.2"}


def test_names_and_ipv6_addresses_are_our_own(node: Node) -> None:
    """Names that no machine of ours has, below each of our zones; addresses inside our ranges."""
    draw_decoys(node, "domain", 10)
    names = {each.decode() for each in decoys(node, DOMAIN)}
    assert {name.partition(".")[2] for name in names} == {"example-energy.tw", "grid.tw"}
    draw_decoys(node, "ipv6", 8)
    inside = ipaddress.ip_network("2001:db8:77::/48")
    assert all(ipaddress.ip_address(each.decode()) in inside for each in decoys(node, ObservableType.IPV6))


def test_wallets_come_from_a_list_only(node: Node, tmp_path: Path) -> None:
    """Nobody here can look at a chain: without a list of checked wallets there are none."""
    with pytest.raises(Fault, match="E-FLOW-533"):
        draw_decoys(node, "wallet", 1)
    listed = tmp_path / "wallets"
    listed.write_text("# never used\n1BoatSLRHtKNngkdXEeobR76b53LETtpyT\n1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n")
    assert draw_decoys(node, "wallet", 1, listed)["decoys"] == 1
    with pytest.raises(Fault, match="E-FLOW-532"):
        draw_decoys(node, "wallet", 2, listed)


def test_a_decoy_that_is_met_is_one_no_more(node: Node) -> None:
    """When our own sensors see it, somebody may have a reason to hold it."""
    draw_decoys(node, "ipv4", 2)
    met = sorted(decoys(node, IPV4))[0].decode()
    observe(node, alarm("45.76.1.1", host=met))
    commit_candidates(node)
    assert met.encode() not in decoys(node, IPV4)
    assert [item["retired"] for item in list_decoys(node) if item["value"] == met] == ["met by our own sensors"]


def test_decoys_are_secret(node: Node) -> None:
    """No leaf of the ledger names one, and who may not manage peers does not see the list."""
    draw_decoys(node, "ipv4", 3)
    judge_hits(node, "seoul", IPV4, decoys(node, IPV4))
    told = b"".join((node.folder / "ledger" / name).read_bytes() for name in ("payloads", "leaves"))
    assert not any(each in told for each in decoys(node, IPV4))


def test_removing_and_refusing(node: Node) -> None:
    """One or all; unknown types, unknown values and too many have a sentence each."""
    draw_decoys(node, "ipv4", 3)
    value = sorted(decoys(node, IPV4))[0].decode()
    assert remove_decoys(node, "ipv4", value)["decoys"] == 2
    assert remove_decoys(node, "ipv4", None, all_of_them=True)["removed"] == 2
    with pytest.raises(Fault, match="E-FLOW-534"):
        remove_decoys(node, "ipv4", value)
    with pytest.raises(Fault, match="E-FLOW-536"):
        remove_decoys(node, "ipv4", None)
    with pytest.raises(Fault, match="E-FLOW-530"):
        draw_decoys(node, "sha256", 1)
    with pytest.raises(Fault, match="E-FLOW-531"):
        draw_decoys(node, "ipv4", 10_001)
