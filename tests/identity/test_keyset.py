"""Key sets: one follows another by the rule, or the one held stays."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.identity import KeySet, NodeKeys, OfflineKey, Reason, check_current, read_card
from seawall.identity.keyset import CLOCK_SKEW, KEYSET_TYPE, moment, read_key_set, sign_key_set, succeed
from seawall.identity.rotation import Prepared, activate, prepare
from seawall.model import Refused, system_clock

DAY = 86_400_000_000


def rotate(keys: NodeKeys, *, at: int = 0, offline: tuple[OfflineKey, ...] = (), **more: object) -> Prepared:
    """The next set of ``keys``, put in force."""
    at = at or system_clock()
    options = {"reason": Reason.ROTATED} | more
    prepared = prepare(keys, at=at, expires=at + 700 * DAY, overlap_until=at + DAY, offline=offline, **options)  # type: ignore[arg-type]
    activate(keys, prepared)
    return prepared


def offline_key(folder: Path, name: str) -> OfflineKey:
    """A root key in a file."""
    return OfflineKey.create(folder / name)


@pytest.fixture
def node(tmp_path: Path) -> NodeKeys:
    """Keys of version 1."""
    return NodeKeys.create(tmp_path / "keys", name="Taipei", economy="TW", at=system_clock())


def last_envelope(keys: NodeKeys) -> bytes:
    """The set in force as peers get it."""
    return read_card(keys.card()).key_sets[-1].encode()


def test_a_card_of_a_rotated_node_leads_from_its_first_key_to_the_one_in_force(node: NodeKeys) -> None:
    """Three rotations later the card still has the node's id, and its periods follow each other without a gap."""
    id, first = node.node_id, node.signing_public
    for _ in range(3):
        rotate(node)
    card = read_card(node.card())
    found = card.periods()
    assert (card.node_id, found[0].public, found[-1].public) == (id, first, node.signing_public)
    assert [period.version for period in found] == [1, 2, 3, 4]
    assert [period.ends for period in found[:-1]] == [period.begins for period in found[1:]]
    assert found[-1].ends is None and not any(period.stolen for period in found)


def test_an_open_node_notices_that_another_process_rotated(node: NodeKeys) -> None:
    """What was loaded before signs with the new key afterwards."""
    other = NodeKeys.load(node.folder)
    before = other.signing_public
    rotate(node)
    assert other.signing_public == node.signing_public != before
    assert other.former_keys == (before,)
    assert other.fingerprint == node.fingerprint == read_card(other.card()).fingerprint


def test_the_former_secrets_are_destroyed(node: NodeKeys) -> None:
    """After a rotation neither the old signing key nor the old authority's key is on the disk."""
    rotate(node)
    assert not (node.folder / "signing.key").exists() and not (node.folder / "ca.key").exists()
    assert node.former_secrets == {1: node.folder} and (node.folder / "leaf.key").exists()


def test_a_set_that_skips_a_version_is_refused(node: NodeKeys) -> None:
    """Version 3 does not follow version 1."""
    old = node.key_set
    rotate(node)
    rotate(node)
    with pytest.raises(Refused, match="none may be skipped") as caught:
        succeed(old, last_envelope(node))
    assert caught.value.code == "E-IDENTITY-083"


def test_an_older_set_or_the_same_again_is_refused(node: NodeKeys) -> None:
    """A replayed set does not roll back what is in force."""
    rotate(node)
    earlier = last_envelope(node)
    rotate(node)
    for replayed in (earlier, last_envelope(node)):
        with pytest.raises(Refused) as caught:
            succeed(node.key_set, replayed)
        assert caught.value.code == "E-IDENTITY-082"


def test_a_set_that_the_old_key_did_not_sign_is_refused(node: NodeKeys, tmp_path: Path) -> None:
    """Whoever makes a perfect next set with keys of their own cannot put it in force."""
    stranger = OfflineKey.create(tmp_path / "stranger.key")
    rotate_on_paper = msgspec.structs.replace(
        node.key_set,
        version=2,
        signing_key=_text(stranger),
        root_keys=(_text(stranger),),
    )
    with pytest.raises(Refused) as caught:
        succeed(node.key_set, sign_key_set(rotate_on_paper, [stranger]))
    assert caught.value.code == "E-IDENTITY-084"


def test_a_set_that_its_own_keys_did_not_sign_is_refused(node: NodeKeys, tmp_path: Path) -> None:
    """The old key alone cannot name somebody else's key as its next."""
    other = OfflineKey.create(tmp_path / "other.key")
    fresh = msgspec.structs.replace(node.key_set, version=2, signing_key=_text(other), root_keys=(_text(other),))
    with pytest.raises(Refused) as caught:
        succeed(node.key_set, sign_key_set(fresh, [node]))
    assert caught.value.code == "E-IDENTITY-085"


def test_a_threshold_of_offline_keys_is_needed_once_it_was_set(node: NodeKeys, tmp_path: Path) -> None:
    """With two of three root keys one alone rotates nothing, nor does the key on the machine."""
    roots = tuple(offline_key(tmp_path, f"{name}.key") for name in "abc")
    rotate(node, offline=roots, threshold=2)
    for too_few in ((), roots[:1]):
        with pytest.raises(Refused) as caught:
            rotate(node, offline=too_few)
        assert caught.value.code == "E-IDENTITY-092"
    rotate(node, offline=roots[1:])
    assert node.version == 3
    assert len(node.key_set.root_keys) == 3 and node.key_set.threshold == 2
    read_card(node.card())


def test_one_key_written_twice_counts_once(node: NodeKeys, tmp_path: Path) -> None:
    """A root key cannot fill a threshold of two by standing there in two spellings."""
    key = OfflineKey.create(tmp_path / "one.key")
    text = _text(key)
    spelled = text[:-2] + chr(ord(text[-2]) + 1) + "="  # other unused bits, same bytes
    twice = msgspec.structs.replace(node.key_set, version=2, signing_key=text, root_keys=(text, spelled), threshold=2)
    with pytest.raises(Refused) as caught:
        succeed(node.key_set, sign_key_set(twice, [node, key, key]))
    assert caught.value.code == "E-IDENTITY-080"


def test_a_key_that_was_put_away_does_not_come_back(node: NodeKeys) -> None:
    """The old signing key as the next one is refused."""
    fresh = msgspec.structs.replace(node.key_set, version=2)
    with pytest.raises(Refused) as caught:
        succeed(node.key_set, sign_key_set(fresh, [node]))
    assert caught.value.code == "E-IDENTITY-086"


@pytest.mark.parametrize(("hours", "code"), [(-48, "E-IDENTITY-089"), (24 * 800, "E-IDENTITY-088")])
def test_a_set_is_not_put_in_force_outside_its_time(node: NodeKeys, hours: int, code: str) -> None:
    """Expired sets and sets from the future are refused; a clock that is half a day off is not."""
    at = system_clock()
    keys = rotate(node, at=at).keys
    with pytest.raises(Refused) as caught:
        check_current(keys, at + hours * 3_600_000_000)
    assert caught.value.code == code
    assert check_current(keys, at - CLOCK_SKEW // 2) is keys


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_no_byte_of_an_envelope_can_be_changed(rotated: tuple[KeySet, bytes], place: int, flip: int) -> None:
    """Any changed byte of a signed set is refused, or it is a byte that says nothing (the key hint)."""
    old, envelope = rotated
    changed = bytearray(envelope)
    changed[place % len(changed)] ^= flip
    try:
        accepted = succeed(old, bytes(changed))
    except Refused:
        return
    assert accepted == read_key_set(envelope)


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeySet, bytes]:
    """Version 1 and the envelope of version 2."""
    keys = NodeKeys.create(tmp_path_factory.mktemp("r") / "keys", name="Taipei", economy="TW", at=system_clock())
    old = keys.key_set
    rotate(keys)
    return old, last_envelope(keys)


@settings(max_examples=8, deadline=None)
@given(steps=st.lists(st.sampled_from([Reason.ROTATED, Reason.STOLEN]), min_size=1, max_size=5))
def test_any_run_of_rotations_can_be_followed_from_any_point(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Reason]
) -> None:
    """Whatever set a peer holds, the sets behind it in the newest card lead to the one in force."""
    keys = NodeKeys.create(tmp_path_factory.mktemp("n") / "keys", name="Taipei", economy="TW", at=system_clock())
    held = [keys.key_set]
    for reason in steps:
        rotate(keys, reason=reason)
        held.append(keys.key_set)
    card = read_card(keys.card())
    envelopes = [envelope.encode() for envelope in card.key_sets]
    for place, start in enumerate(held):
        current = start
        for envelope in envelopes[place:]:
            current = succeed(current, envelope)
        assert current == keys.key_set
    assert [period.stolen for period in card.periods()[:-1]] == [reason is Reason.STOLEN for reason in steps]


def test_a_new_start_is_vouched_for_by_its_fingerprint_alone(node: NodeKeys) -> None:
    """A node that lost all its keys keeps its id; its card says that nothing leads there, and reads."""
    id = node.node_id
    rotate(node)
    old = node.key_set
    rotate(node, reason=Reason.ANEW)
    card = read_card(node.card())
    assert card.anew and card.node_id == id and [period.version for period in card.periods()] == [3]
    with pytest.raises(Refused):
        succeed(old, last_envelope(node))
    rotate(node)
    assert read_card(node.card()).anew and len(read_card(node.card()).sets()) == 2


def test_a_card_whose_chain_was_cut_is_refused(node: NodeKeys) -> None:
    """Leaving out a set in the middle breaks the card."""
    for _ in range(3):
        rotate(node)
    card = msgspec.json.decode(node.card())
    del card["key_sets"][1]
    with pytest.raises(Refused):
        read_card(msgspec.json.encode(card))


def test_a_rotation_that_was_killed_goes_on_with_the_same_set(node: NodeKeys) -> None:
    """Peers may have heard of the prepared set already, so no second version of the same number is made."""
    at = system_clock()
    first = prepare(node, at=at, expires=at + DAY, overlap_until=at, reason=Reason.ROTATED)
    assert node.version == 1
    second = prepare(node, at=at + 1, expires=at + DAY, overlap_until=at, reason=Reason.STOLEN)
    assert second.resumed and second.keys == first.keys
    activate(node, second)
    assert node.version == 2


def test_an_offline_key_with_a_password_is_unusable_without_it(tmp_path: Path) -> None:
    """The file of a root key can be encrypted; the wrong password is one clear sentence."""
    path = tmp_path / "root.key"
    made = OfflineKey.create(path, b"secret")
    assert OfflineKey.load(path, b"secret").signing_public == made.signing_public
    for wrong in (None, b"guess"):
        with pytest.raises(Exception, match="password is missing or wrong"):
            OfflineKey.load(path, wrong)


def test_moments_and_types_are_as_published(node: NodeKeys) -> None:
    """The payload type and the moments' spelling are what other tools rely on."""
    assert KEYSET_TYPE == "application/vnd.seawall.keys.v1+json"
    assert moment(0) == "1970-01-01T00:00:00.000000Z"


def _text(key: OfflineKey) -> str:
    return base64.b64encode(key.signing_public).decode()
