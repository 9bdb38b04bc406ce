from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa

from seawall.model import Actor, Fault, NotFound, Refused, UserRole
from seawall.store import Store
from seawall.store.users import Users


def test_token_is_shown_once_and_kept_as_a_digest(store: Store) -> None:
    """A token has 256 bits, opens the door, and stands nowhere in the store."""
    token = store.users.add("mina", UserRole.ANALYST, at=1)
    assert len(bytes.fromhex(token)) == 32
    assert store.users.authenticate(token) == Actor("mina", UserRole.ANALYST)
    with store._database.reading() as connection:
        row = connection.execute(sa.text("SELECT * FROM users")).one()
    assert token not in str(row)
    assert hashlib.sha256(token.encode()).hexdigest() in str(row)


def test_wrong_tokens_are_refused_alike(store: Store) -> None:
    """Unknown, revoked, empty, huge and misshapen tokens get the same answer."""
    revoked = store.users.add("ren", UserRole.READER, at=1)
    store.users.revoke("ren", at=2)
    answers = set()
    for token in ("", "0" * 64, revoked, revoked.upper(), "x" * 10_000_000, "\ud800", "漁", "' OR 1=1 --", "\x00"):
        with pytest.raises(Refused) as caught:
            store.users.authenticate(token)
        answers.add(str(caught.value))
    assert len(answers) == 1


def test_one_name_is_one_person(store: Store) -> None:
    """A taken name stays taken, in any case and width, also after it was revoked."""
    store.users.add("mina", UserRole.ANALYST, at=1)
    store.users.revoke("mina", at=2)
    for name in ("mina", "Mina", "MINA", "ｍｉｎａ"):
        with pytest.raises(Fault, match="E-STORE-031"):
            store.users.add(name, UserRole.ADMIN, at=3)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 65, " mina", "-rf", "a\x1b[31m", "a\u202eb"])
def test_names_that_people_cannot_read(store: Store, name: str) -> None:
    """Names that are empty, too long, or could fool a reader or a terminal are refused."""
    with pytest.raises(Fault, match="E-STORE-030"):
        store.users.add(name, UserRole.READER, at=1)


def test_listing_and_revoking(store: Store) -> None:
    """The list names everybody with role and dates; revoking twice keeps the first date; unknown names are told."""
    store.users.add("ren", UserRole.APPROVER, at=5)
    store.users.add("mina", UserRole.TAXII, at=6)
    store.users.revoke("ren", at=7)
    store.users.revoke("ren", at=9)
    assert [(each.name, each.role, each.created_at, each.revoked_at) for each in store.users.list()] == [
        ("mina", UserRole.TAXII, 6, None),
        ("ren", UserRole.APPROVER, 5, 7),
    ]
    assert store.users.get("ren").revoked_at == 7
    with pytest.raises(NotFound, match="E-STORE-033"):
        store.users.revoke("nobody", at=1)
    with pytest.raises(NotFound, match="E-STORE-033"):
        store.users.get("nobody")


def test_two_people_approve(store: Store, two_people: tuple[str, str]) -> None:
    """What one person asks for and another approves is approved, with both names and moments."""
    asker, approver = two_people
    asked = store.approvals.request("peer", "fingerprint 1", asker, at=10)
    assert store.approvals.of("peer", "fingerprint 1") is None
    assert store.approvals.list(waiting=True) == (asked,)
    approved = store.approvals.approve(asked.number, approver, at=20)
    assert approved.people == (asker, approver)
    assert store.approvals.of("peer", "fingerprint 1") == approved
    assert store.approvals.of("peer", "fingerprint 2") is None
    assert store.approvals.list(waiting=True) == ()
    assert store.approvals.list() == (approved,)


def test_one_person_twice_is_refused(store: Store) -> None:
    """Whoever asks may not approve, whatever their role, also in one step; the database itself refuses as well."""
    store.users.add("ren", UserRole.ADMIN, at=1)
    with pytest.raises(Refused, match="E-STORE-042"):
        store.approvals.both("peer", "x", "ren", "ren", at=2)
    assert store.approvals.of("peer", "x") is None
    with pytest.raises(Fault, match="E-STORE-007"), store._database.writing() as connection:
        connection.execute(sa.text("UPDATE approvals SET approver = requester"))


def test_who_may_not_approve(store: Store, two_people: tuple[str, str]) -> None:
    """Readers, revoked and unknown people do not approve, and nobody approves twice or what nobody asked for."""
    asker, approver = two_people
    store.users.add("kai", UserRole.ANALYST, at=1)
    store.users.add("gone", UserRole.APPROVER, at=1)
    store.users.revoke("gone", at=2)
    asked = store.approvals.request("release", "x", asker, at=3)
    for name, code in (("kai", "E-STORE-043"), ("gone", "E-STORE-040"), ("nobody", "E-STORE-040")):
        with pytest.raises(Refused, match=code):
            store.approvals.approve(asked.number, name, at=4)
    store.approvals.approve(asked.number, approver, at=5)
    with pytest.raises(Refused, match="E-STORE-044"):
        store.approvals.approve(asked.number, approver, at=6)
    with pytest.raises(NotFound, match="E-STORE-041"):
        store.approvals.approve(9999, approver, at=6)
    with pytest.raises(Refused, match="E-STORE-040"):
        store.approvals.request("release", "y", "gone", at=7)


def test_both_in_one_step(store: Store, two_people: tuple[str, str]) -> None:
    """Two tokens on one command make one approval."""
    asker, approver = two_people
    assert store.approvals.both("circle", "c 2", asker, approver, at=9).people == (asker, approver)


def test_a_third_party_is_bound_to_circles_and_a_day(store: Store) -> None:
    """The holder of a bound token carries its circles; from its last moment on the token is as good as none."""
    moment = [10]
    users = Users(store._database, clock=lambda: moment[0])
    token = users.add("siem", UserRole.TAXII, at=1, circles=["open", "bank"], expires_at=20)
    assert users.authenticate(token) == Actor("siem", UserRole.TAXII, circles=frozenset({"bank", "open"}))
    assert (users.get("siem").circles, users.get("siem").expires_at) == (("bank", "open"), 20)
    moment[0] = 20
    with pytest.raises(Refused, match="E-STORE-032"):
        users.authenticate(token)
    nothing = users.add("mute", UserRole.TAXII, at=1, circles=[])
    assert users.authenticate(nothing).circles == frozenset()
