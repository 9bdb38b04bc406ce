"""Values are grouped by what they share, weighed by how common that is, and nobody glues groups together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seawall.model.campaign import Kind
from seawall.warn.campaigns import OURS, EvidenceBook, Explained, group
from seawall.warn.campaigns.interface import KINDS, Evidence
from warn.campaigns.made import DAY, made, pairs


def book_of(*groups: tuple[str, ...]) -> EvidenceBook:
    """Domains, of which those of one tuple share a certificate."""
    book = EvidenceBook()
    for number, names in enumerate(groups):
        for name in names:
            book.item(("domain", name), first=0, last=DAY)
            book.link(("domain", name), Kind.CERTIFICATE, f"certificate {number}")
    return book


def found(book: EvidenceBook) -> list[set[str]]:
    evidence = book.evidence()
    groups = group(evidence)
    return [
        {key[1] for key, label in zip(evidence.keys, groups.label, strict=True) if label == number}
        for number in range(groups.count)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_campaigns_are_found_beside_strangers_and_shared_hosting(seed: int) -> None:
    """Of forty campaigns with decoys, nearly all pairs said to belong together do, and most that do are said."""
    evidence, truth = made(40, 15, seed=seed, strangers=200)
    precision, recall = pairs(group(evidence).label, truth)
    assert precision >= 0.97
    assert recall >= 0.75


def test_the_order_of_what_is_known_does_not_matter() -> None:
    """Links and items in any order give the same groups under the same numbers."""
    evidence, _ = made(10, 12, seed=4, strangers=30)
    order = np.random.default_rng(5).permutation(len(evidence.keys))
    place = np.argsort(order)
    turned = replace(
        evidence,
        keys=[evidence.keys[number] for number in order],
        first=evidence.first[order],
        last=evidence.last[order],
        source=evidence.source[order],
        link_item=place[evidence.link_item][::-1],
        link_feature=evidence.link_feature[::-1],
        link_source=evidence.link_source[::-1],
    )
    one, other = group(evidence).label, group(turned).label
    assert (one == other[place]).all()


def test_nothing_and_strangers_give_no_group() -> None:
    """No evidence, values without anything in common, and one value alone are no campaign."""
    assert group(EvidenceBook().evidence()).count == 0
    assert found(book_of(("a.example",), ("b.example",))) == []


def test_one_giant_network_joins_nobody() -> None:
    """Thousands of values in one AS, under one signature of everybody, stay apart."""
    book = EvidenceBook()
    for number in range(3000):
        key = ("ipv4", f"192.0.{number // 250}.{number % 250}")
        book.item(key, first=0, last=DAY)
        book.link(key, Kind.AS, "3462")
        book.link(key, Kind.SIGNATURE, "scan")
    assert found(book) == []


def test_shared_hosting_does_not_melt_two_campaigns() -> None:
    """An address that serves hundreds of other names connects nobody; one that serves three names does."""
    book = book_of(("a1.example", "a2.example", "a3.example"), ("b1.example", "b2.example", "b3.example"))
    for name in ("a1.example", "b1.example"):
        book.link(("domain", name), Kind.ADDRESS, "198.51.100.9")
    assert len(found(book)) == 1
    book.background(Kind.ADDRESS, "198.51.100.9", 300)
    assert len(found(book)) == 2


def test_one_chance_link_joins_no_two_large_groups() -> None:
    """A value that two groups share goes to one of them, and the groups stay two."""
    names = [tuple(f"{letter}{number}.example" for number in range(12)) for letter in "ab"]
    book = book_of(*names)
    book.item(("domain", "between.example"), first=0, last=DAY)
    for number in (0, 1):
        book.link(("domain", "between.example"), Kind.CERTIFICATE, f"certificate {number}")
    groups = found(book)
    assert sorted(map(len, groups)) == [12, 13]


def test_a_peer_that_floods_us_connects_nothing() -> None:
    """One peer's thousand values and labels over two campaigns move only its own values; two voices count."""
    names = [tuple(f"{letter}{number}.example" for number in range(12)) for letter in "ab"]
    before = found(book_of(*names))
    book = book_of(*names)
    for number in range(1000):
        key = ("domain", f"glue{number}.example")
        book.item(key, first=0, last=DAY, peer="liar")
        book.link(key, Kind.CERTIFICATE, f"certificate {number % 2}", peer="liar")
        book.link(key, Kind.LABEL, "one campaign", peer="liar")
    for name in (*names[0], *names[1]):
        book.link(("domain", name), Kind.LABEL, "one campaign", peer="liar")
        book.link(("domain", name), Kind.MALWARE, "one tool", peer="liar")
    after = found(book)
    ours = [{name for name in one if not name.startswith("glue")} for one in after]
    assert [one for one in ours if one] == before
    for name in (*names[0], *names[1]):
        book.link(("domain", name), Kind.LABEL, "one campaign", peer="second")
    assert any({*names[0], *names[1]} <= one for one in found(book))


def test_what_only_a_peer_told_is_marked_as_its_word() -> None:
    """A group of one peer's values alone names that peer; a value that we know too is everybody's."""
    book = EvidenceBook()
    for name in ("x.example", "y.example"):
        book.item(("domain", name), first=0, last=DAY, peer="seoul")
        book.link(("domain", name), Kind.LABEL, "told", peer="seoul")
    assert book.peers[group(book.evidence()).only_from[0]] == "seoul"
    book.item(("domain", "x.example"), first=0, last=DAY)
    book.item(("domain", "y.example"), first=0, last=DAY)
    book.link(("domain", "x.example"), Kind.CERTIFICATE, "c")
    book.link(("domain", "y.example"), Kind.CERTIFICATE, "c")
    assert group(book.evidence()).only_from.tolist() == [OURS]


def test_the_same_feed_twice_changes_nothing() -> None:
    """Values and links said again give the evidence they gave before."""
    once, twice = book_of(("a.example", "b.example")), book_of(("a.example", "b.example"))
    for name in ("a.example", "b.example"):
        twice.item(("domain", name), first=0, last=DAY)
        twice.link(("domain", name), Kind.CERTIFICATE, "certificate 0")
    assert _plain(once.evidence()) == _plain(twice.evidence())


def test_every_group_and_member_says_why() -> None:
    """Reasons name what is shared, by how many, and what it is worth."""
    book = book_of(("a.example", "b.example", "c.example"))
    book.link(("domain", "a.example"), Kind.JA4, "t13d1516h2")
    book.link(("domain", "b.example"), Kind.JA4, "t13d1516h2")
    evidence = book.evidence()
    told = Explained(evidence, group(evidence))
    first = told.group(0)[0]
    assert (first.kind, first.members, first.value) == (Kind.CERTIFICATE, 3, "certificate 0")
    assert [reason.kind for reason in told.member(0)] == [Kind.CERTIFICATE, Kind.JA4]
    assert [reason.kind for reason in told.member(2)] == [Kind.CERTIFICATE]


def _plain(evidence: Evidence) -> tuple[object, ...]:
    return (
        evidence.keys,
        evidence.link_item.tolist(),
        evidence.link_feature.tolist(),
        evidence.link_source.tolist(),
        evidence.text,
    )


def test_names_of_one_stem_join_only_with_another_kind_of_ground() -> None:
    """Two domains of several words that begin alike, with one rare fingerprint, stand together; a brand's name or the
    stem alone joins nobody."""
    book = EvidenceBook()
    for name in ("grofinbel-mobrige", "grofinbel-fanplarten", "microsoft-one", "microsoft-two", "lonelystem-a",
                 "lonelystem-b"):  # fmt: skip
        book.item(("domain", f"{name}.example"), first=0, last=0)
        if not name.startswith("lonelystem"):
            book.link(("domain", f"{name}.example"), Kind.JA3, name.partition("-")[0])
    book.from_values(lambda value: value, lambda values: [None] * len(values))
    assert found(book) == [{"grofinbel-mobrige.example", "grofinbel-fanplarten.example"}]


def test_three_kinds_that_agree_join_groups_only_where_many_stand() -> None:
    """Two groups with one range, one machine of ours and one fingerprint, each fairly common, are one campaign beside
    sixty others; beside few others nobody can tell, and they stay two."""

    def collection(others: int) -> int:
        book = EvidenceBook()
        for group_number in range(others + 2):
            for member in range(10):
                key = ("domain", f"g{group_number}m{member}.example")
                book.item(key, first=0, last=0)
                book.link(key, Kind.CERTIFICATE, f"own {group_number}")
                if group_number < 2:
                    book.link(key, Kind.RANGE, "203.0.113.0/24")
                    book.link(key, Kind.VICTIM, "ours")
                if group_number < 10:
                    book.link(key, Kind.JA4, "fairly common")
        return group(book.evidence()).count

    assert collection(60) == 61
    assert collection(6) == 8


@pytest.mark.parametrize("seed", range(3))
def test_weak_evidence_dealt_out_at_random_joins_little(seed: int) -> None:
    """Ranges, fingerprints, tools and networks given to other values by lot: what still joins is what alone suffices,
    and few pairs are wrong."""
    evidence, truth = made(60, 8, seed=seed, strangers=100)
    random, item = np.random.default_rng(seed), evidence.link_item.copy()
    for code in (KINDS.index(kind) for kind in (Kind.RANGE, Kind.JA4, Kind.SIGNATURE, Kind.AS)):
        which = np.flatnonzero(evidence.kind[evidence.link_feature] == code)
        item[which] = random.permutation(item[which])
    precision, _ = pairs(group(replace(evidence, link_item=item)).label, truth)
    assert precision > 0.9  # 0.64 before features of groups had to recur
