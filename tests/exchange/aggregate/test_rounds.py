"""Rounds of masked sums: exact, bound to their members, and refusing what does not belong."""

from __future__ import annotations

import random
import struct

import msgspec
import pytest

from exchange.aggregate.scene import AT, DAY, PERIOD, Round, member_keys
from seawall.exchange.aggregate import (
    Agreement,
    Signed,
    Sums,
    catalogue,
    check_contribution,
    check_proposal,
    check_set_up,
    commitment_of,
    draw,
    open_signed,
    pack,
    published,
    result,
    seal,
    unpack,
    without_noise_unsafe,
)
from seawall.exchange.aggregate.bounds import MAX_BUNDLE_BYTES, MAX_DOCUMENTS
from seawall.exchange.aggregate.masks import summed
from seawall.model import Fault, Refused


def counts_of(scene: Round, seed: int = 1) -> dict[str, list[int]]:
    """Some counts for each member."""
    dice = random.Random(seed)
    return {node: [dice.randrange(0, 400) for _ in range(scene.places)] for node in scene.nodes}


def refused(code: str) -> pytest.RaisesExc[Fault]:
    """A Fault with this code."""
    return pytest.raises(Fault, match=code)


@pytest.mark.parametrize("members", [2, 3, 4, 5])
def test_the_sum_is_exact_without_noise(members: int) -> None:
    """Two to five members: every bin is the plain sum, and every presence the number of members above the threshold."""
    scene = Round(members)
    counts = counts_of(scene)
    sums = result(scene.vectors(counts), scene.query, scene.places)
    columns = list(zip(*counts.values(), strict=True))
    assert sums.counts == tuple(sum(column) for column in columns)
    assert sums.presence == tuple(sum(one >= scene.query.presence_from for one in column) for column in columns)


def test_one_contribution_alone_looks_random() -> None:
    """Equal counts of two members look unlike, and no word of a contribution is small."""
    scene = Round(3)
    vectors = scene.vectors({node: [7] * scene.places for node in scene.nodes})
    words = [word for vector in vectors.values() for word in struct.unpack(f"<{len(vector) // 8}Q", vector)]
    assert len(set(words)) == len(words)
    assert all(2**32 < word < 2**64 - 2**32 for word in words)


def test_two_of_three_members_learn_only_noise_and_masks() -> None:
    """Without one contribution the sum is random in every bin."""
    scene = Round(3)
    vectors = scene.vectors(counts_of(scene))
    del vectors[min(vectors)]
    assert all(abs(word) > 2**32 for word in summed(vectors.values()))


def test_overlapping_rounds_cannot_be_subtracted() -> None:
    """The same counts, keys and round id with one member fewer: the difference is random in every bin."""
    whole, part = Round(4), Round(3)
    part.secrets = {node: whole.secrets[node] for node in part.nodes}
    part.set_ups = [part.set_up(node) for node in part.nodes]
    counts = counts_of(whole)
    one, other = whole.vectors(counts), part.vectors(counts)
    kept = [summed([one[node]])[place] - summed([other[node]])[place] for node in part.nodes for place in range(5)]
    assert all(abs(word) > 2**32 for word in kept)


def test_members_that_were_told_different_lists_learn_nothing() -> None:
    """One member masked for another list: the masks do not cancel, and that is said."""
    scene, other = Round(4), Round(3)
    other.secrets = {node: scene.secrets[node] for node in other.nodes}
    other.set_ups = [other.set_up(node) for node in other.nodes]
    counts = counts_of(scene)
    vectors = scene.vectors(counts)
    fooled = max(other.nodes)
    vectors[fooled] = other.contribution(fooled, counts[fooled]).vector
    with refused("E-EXCHANGE-846"):
        result(vectors, scene.query, scene.places)
    honest = scene.wanted
    with refused("E-EXCHANGE-852"):
        check_contribution(other.contribution(fooled, counts[fooled]), honest, scene.roster, 2 * scene.places)


def test_a_vector_of_another_length_or_round_is_refused() -> None:
    """Too short, too long, of another round, of a stranger: each is named and not taken in."""
    scene, later = Round(3), Round(3, round_id="b" * 32)
    node, counts = min(scene.nodes), counts_of(Round(3))
    good = scene.contribution(node, counts[node])
    check_contribution(good, scene.wanted, scene.roster, 2 * scene.places)
    for vector in (b"", good.vector[:-8], good.vector + bytes(8), good.vector[:-1]):
        with refused("E-EXCHANGE-843"):
            check_contribution(
                msgspec.structs.replace(good, vector=vector), scene.wanted, scene.roster, 2 * scene.places
            )
    with refused("E-EXCHANGE-844"):
        check_contribution(later.contribution(node, counts[node]), scene.wanted, scene.roster, 2 * scene.places)
    stranger = msgspec.structs.replace(good, node=member_keys()[4].node_id)
    with refused("E-EXCHANGE-844"):
        check_contribution(stranger, scene.wanted, scene.roster, 2 * scene.places)


def test_our_own_counts_above_the_cap_never_leave() -> None:
    """Above the cap, negative, or not one for each bin: refused before noise and masks."""
    scene = Round(3)
    fine = [0] * scene.places
    for bad, code in (
        ([*fine[1:], scene.query.cap + 1], "E-EXCHANGE-845"),
        ([*fine[1:], -1], "E-EXCHANGE-847"),
        (fine[1:], "E-EXCHANGE-847"),
        ([*fine, 0], "E-EXCHANGE-847"),
    ):
        with refused(code):
            draw(bad, scene.query, 3, scene.places)
    put_in = draw([scene.query.cap, *fine[1:]], scene.query, 3, scene.places)
    assert put_in.counts[0] == scene.query.cap


def test_a_false_million_is_not_noticed() -> None:
    """What stands in the how-to: within the cap nobody can tell a lie from a count, only its commitment is kept."""
    scene = Round(3)
    counts = {node: [0] * scene.places for node in scene.nodes}
    counts[min(counts)][0] = 1_000_000
    assert result(scene.vectors(counts), scene.query, scene.places).counts[0] == 1_000_000


def test_a_commitment_binds_and_hides() -> None:
    """Another input, salt or round gives another commitment."""
    scene = Round(3)
    put_in = draw([5] * scene.places, scene.query, 3, scene.places)
    said = commitment_of(put_in, "a" * 32)
    others = [
        commitment_of(put_in, "b" * 32),
        commitment_of(msgspec.structs.replace(put_in, salt=bytes(32)), "a" * 32),
        commitment_of(msgspec.structs.replace(put_in, counts=(6, *put_in.counts[1:])), "a" * 32),
    ]
    assert said not in others
    assert commitment_of(put_in, "a" * 32) == said


def test_noise_is_drawn_anew_each_time() -> None:
    """Two rounds over the same counts have other noise."""
    scene = Round(3)
    one, other = (draw([5] * scene.places, scene.query, 3, scene.places) for _ in range(2))
    assert one.noise != other.noise
    assert one.salt != other.salt


@pytest.mark.parametrize(
    "changes",
    [
        {"members": ("x",)},
        {"members": ()},
        {"round_id": "a" * 31},
        {"rerun_of": "../.."},
        {"first_week": -1},
        {"first_week": 10**9},
        {"expires": AT},
        {"expires": AT + 61 * DAY},
        {"at": 0},
        {"node": "5b0c1d0e-6d0a-5f0e-9c3a-1f7c2d5f8a41"},
    ],
)
def test_a_proposal_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    """Members, ids, weeks and times are checked before anything else is done with them."""
    with refused("E-EXCHANGE-842"):
        check_proposal(msgspec.structs.replace(Round(3).wanted, **changes), catalogue())


def test_a_proposal_with_a_list_out_of_order_or_doubled_is_refused() -> None:
    """One list has one spelling, or two members would bind different lists."""
    wanted = Round(3).wanted
    for members in (wanted.members[::-1], (*wanted.members, wanted.members[-1])):
        with refused("E-EXCHANGE-842"):
            check_proposal(msgspec.structs.replace(wanted, members=members), catalogue())


def test_only_the_catalogues_questions_are_asked() -> None:
    """Another catalogue, an unknown query, too many weeks, one without data yet: each has its sentence."""
    wanted, terms = Round(3).wanted, catalogue()
    closed = msgspec.structs.replace(terms.queries[2], available=False, unavailable_because="nobody counts it")
    waiting = msgspec.structs.replace(terms, queries=(*terms.queries[:2], closed))
    with refused("E-EXCHANGE-853"):
        waiting.query("baseline-coverage")
    for changes, code in (
        ({"catalogue": "0" * 64}, "E-EXCHANGE-854"),
        ({"query": "who-is-hit"}, "E-EXCHANGE-849"),
        ({"weeks": 14}, "E-EXCHANGE-851"),
        ({"weeks": 0}, "E-EXCHANGE-851"),
        ({"query": "baseline-coverage", "weeks": 2}, "E-EXCHANGE-851"),
    ):
        with refused(code):
            check_proposal(msgspec.structs.replace(wanted, **changes), terms)
    assert check_proposal(wanted, terms).name == "attacks-by-sector"


def test_a_set_up_belongs_to_one_proposal() -> None:
    """Another round, another proposal under the same id, another catalogue, a key of another length."""
    scene = Round(3)
    node = min(scene.nodes)
    for changes, code in (
        ({"round_id": "b" * 32}, "E-EXCHANGE-844"),
        ({"proposal": "0" * 64}, "E-EXCHANGE-844"),
        ({"catalogue": "0" * 64}, "E-EXCHANGE-844"),
        ({"key": bytes(31)}, "E-EXCHANGE-848"),
    ):
        spoilt = scene.set_up(node, **changes).document
        with refused(code):
            check_set_up(spoilt, scene.proposal)  # type: ignore[arg-type]


def test_a_point_of_small_order_is_no_key() -> None:
    """A member that gives zeros would have every mask with it known."""
    scene = Round(3)
    first, second = list(scene.nodes)[:2]
    scene.set_ups[1] = scene.set_up(second, key=bytes(32))
    with refused("E-EXCHANGE-848"):
        scene.contribution(first, [0] * scene.places)


def test_documents_are_believed_by_their_authors_key_only() -> None:
    """Altered, signed by another, cut short, with unknown fields or in another spelling: not taken in."""
    keys = {one.node_id: [one.signing_public] for one in member_keys()}
    one, other = member_keys()[:2]
    signed = seal(Agreement(one.node_id, "0" * 64, 1, AT), one)
    assert open_signed(signed.envelope, lambda node: keys.get(node, [])).digest == signed.digest
    forged: Signed = seal(Agreement(one.node_id, "0" * 64, 1, AT), other)
    for envelope, code in (
        (forged.envelope, "E-EXCHANGE-841"),
        (signed.envelope[:-40], "E-EXCHANGE-840"),
        (b"{}", "E-EXCHANGE-840"),
        (b"\xff" * 100, "E-EXCHANGE-840"),
        (b" " * 200_000, "E-EXCHANGE-840"),
    ):
        with refused(code):
            open_signed(envelope, lambda node: keys.get(node, []))
    with refused("E-EXCHANGE-841"):
        open_signed(signed.envelope, lambda _: [])


def test_a_bundle_is_bounded() -> None:
    """What is packed comes out again; nothing, too much, or something else does not."""
    assert unpack(pack([b"a", b"b"])) == (b"a", b"b")
    for body in (b"", b"[]", pack([]), pack([b"a"] * (MAX_DOCUMENTS + 1)), b" " * (MAX_BUNDLE_BYTES + 1)):
        with refused("E-EXCHANGE-840"):
            unpack(body)


def test_small_bins_and_bins_of_few_are_suppressed() -> None:
    """A bin is told with three members and a noised count of 20; else its count is nowhere in what is told."""
    scene = Round(5)
    counts, presence = [0] * scene.places, [0] * scene.places
    for place, (count, nodes) in enumerate([(19, 5), (20, 3), (500, 2), (-4, 3), (900, 5)]):
        counts[place], presence[place] = count, nodes
    told = published(Sums(tuple(counts), tuple(presence)), scene.query, PERIOD, catalogue(), 5)
    reasons = [one.suppressed for one in told.bins[:5]]
    assert reasons == ["too small", None, "too few nodes", "too small", None]
    assert [one.count for one in told.bins[:5]] == [None, 20, None, None, 900]
    assert (told.bins[1].low, told.bins[1].high) == (0, 20 + told.margin)
    assert told.deviation == pytest.approx(15.8, abs=0.1)


def test_a_round_of_two_tells_bins_that_both_have() -> None:
    """Thresholds and noise are all that two members have."""
    scene = Round(2)
    sums = Sums((100, 100) + (0,) * (scene.places - 2), (2, 1) + (0,) * (scene.places - 2))
    told = published(sums, scene.query, PERIOD, catalogue(), 2)
    assert [one.count for one in told.bins[:2]] == [100, None]
    assert told.deviation == pytest.approx(20.0, abs=0.1)


def test_the_unsafe_way_has_no_noise_and_says_so_in_its_name() -> None:
    """For tests of the arithmetic."""
    scene = Round(3)
    assert set(without_noise_unsafe([1] * scene.places, scene.query, scene.places).noise) == {0}
    assert issubclass(Refused, Fault)
