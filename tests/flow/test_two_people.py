"""Two named people are two: not one with two tokens, names in two spellings, or one person in two roles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.neighbours import neighbours
from seawall.flow.keys import rotate_keys
from seawall.flow.node import Node
from seawall.flow.peers import verify_peer
from seawall.model import Fault, Refused, UserRole
from seawall.model.peer import PeerState


def opened(node: Node, first: Path, second: Path | None) -> Node:
    """The node as two people open it."""
    return Node(node.folder, node.settings, clock=node.clock, token=first, approver_token=second)


def person(node: Node, folder: Path, name: str, role: UserRole) -> Path:
    """A named person; the file with their token."""
    file = folder / f"{name}.token"
    file.write_text(node.store.users.add(name, role, node.clock()))
    return file


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Two nodes whose fingerprint nobody compared yet."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        nodes["taipei"].store.peers.set_state("seoul", PeerState.PENDING)
        yield nodes


def test_one_token_twice_verifies_nobody(pair: dict[str, Node], tmp_path: Path) -> None:
    """The same token, also from another file and with other spaces, is one person."""
    taipei, spoken = pair["taipei"], pair["seoul"].keys.fingerprint
    own = taipei.folder / "administrator.token"
    copy = tmp_path / "copy.token"
    copy.write_text(f"  {own.read_text()}\n")
    for second in (own, copy):
        with opened(taipei, own, second) as node, pytest.raises(Refused) as caught:
            verify_peer(node, "seoul", spoken)
        assert caught.value.code == "E-FLOW-003"
    assert taipei.store.peers.get("seoul").state is PeerState.PENDING


@pytest.mark.parametrize("other", ["LIN", "Lin", "ｌｉｎ"])
def test_one_name_in_two_spellings_is_one_person(pair: dict[str, Node], tmp_path: Path, other: str) -> None:
    """A second account of the same name in another case, width or role cannot be made."""
    person(pair["taipei"], tmp_path, "lin", UserRole.ADMIN)
    with pytest.raises(Fault) as caught:
        pair["taipei"].store.users.add(other, UserRole.APPROVER, pair["taipei"].clock())
    assert caught.value.code in ("E-STORE-030", "E-STORE-031")


@pytest.mark.parametrize("role", [UserRole.READER, UserRole.ANALYST, UserRole.RELEASER, UserRole.AUDITOR])
def test_the_second_person_has_a_role_that_approves(pair: dict[str, Node], tmp_path: Path, role: UserRole) -> None:
    """Somebody who may not approve is no second person, for peers and for keys alike."""
    taipei = pair["taipei"]
    second = person(taipei, tmp_path, "park", role)
    with opened(taipei, taipei.folder / "administrator.token", second) as node:
        with pytest.raises(Refused):
            verify_peer(node, "seoul", pair["seoul"].keys.fingerprint)
        with pytest.raises(Refused):
            rotate_keys(node)
    assert taipei.keys.version == 1


def test_a_revoked_second_person_counts_no_more(pair: dict[str, Node], tmp_path: Path) -> None:
    """A token that was revoked agrees to nothing."""
    taipei = pair["taipei"]
    second = person(taipei, tmp_path, "park", UserRole.APPROVER)
    taipei.store.users.revoke("park", taipei.clock())
    with opened(taipei, taipei.folder / "administrator.token", second) as node, pytest.raises(Refused):
        rotate_keys(node)


def test_two_people_rotate_and_both_are_on_the_record(pair: dict[str, Node], tmp_path: Path) -> None:
    """The ledger names them, and the approval stands in the store."""
    taipei = pair["taipei"]
    second = person(taipei, tmp_path, "park", UserRole.APPROVER)
    with opened(taipei, taipei.folder / "administrator.token", second) as node:
        done = rotate_keys(node)
    assert done["approved_by"] == ["administrator", "park"]
    told = [entry.event for entry in taipei.ledger.show(100).items if entry.kind == "keys-rotated"]
    assert [event["details"]["approved_by"] for event in told] == [["administrator", "park"]]
    assert taipei.store.approvals.of("keys", f"{taipei.keys.node_id} 2") is not None
    assert taipei.ledger.verify().signed
