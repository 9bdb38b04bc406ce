"""Who sees what."""

from __future__ import annotations

import pytest

from policy.scenes import circle
from seawall.model import Actor, Pap, Tlp, UserRole
from seawall.model.circle import Track
from seawall.policy import visibility, visibility_table
from seawall.policy.visibility import NOTHING


@pytest.mark.parametrize(
    ("role", "tlp"),
    [
        (UserRole.READER, Tlp.AMBER),
        (UserRole.ANALYST, Tlp.AMBER_STRICT),
        (UserRole.RELEASER, Tlp.RED),
        (UserRole.APPROVER, Tlp.RED),
        (UserRole.ADMIN, Tlp.RED),
    ],
)
def test_people_see_by_role(role: UserRole, tlp: Tlp) -> None:
    """On the whole node and inside a circle the role bounds the TLP; the circle bounds it further."""
    seen = visibility(Actor("lin", role))
    assert (seen.tlp_at_most, seen.types, seen.circle) == (tlp, None, None)
    inside = visibility(Actor("lin", role), circle(tlp_ceiling=Tlp.GREEN, pap_ceiling=Pap.AMBER))
    assert (inside.tlp_at_most, inside.pap_at_most, inside.circle) == (Tlp.GREEN, Pap.AMBER, "tw-kr")


@pytest.mark.parametrize(
    "actor", [Actor("client", UserRole.TAXII), Actor("seoul", None, "seoul"), Actor("x", UserRole.AUDITOR)]
)
def test_without_a_circle_outsiders_and_auditors_see_nothing(actor: Actor) -> None:
    """TAXII clients and peers have no view of the node itself, auditors none of any object."""
    assert visibility(actor) == NOTHING
    assert NOTHING.types == frozenset()


@pytest.mark.parametrize("actor", [Actor("client", UserRole.TAXII), Actor("Seoul CERT", None, "seoul")])
def test_a_seat_gives_the_circles_outbox(actor: Actor) -> None:
    """Members see what stands in the circle's outbox, up to its ceilings and of its types."""
    terms = circle(members=frozenset({"client", "seoul"}))
    seen = visibility(actor, terms)
    assert (seen.circle, seen.tlp_at_most, seen.types) == ("tw-kr", Tlp.AMBER, terms.types)
    assert visibility(actor, circle(members=frozenset({"busan"}))) == NOTHING
    assert visibility(actor, circle(members=terms.members, exclusions=terms.members)) == NOTHING


def test_a_peer_is_known_by_its_code_name_only() -> None:
    """The name in a peer's card gives no seat."""
    assert visibility(Actor("seoul", None, "impostor"), circle()) == NOTHING


def test_auditors_see_no_object_in_circles_either() -> None:
    """The ledger is elsewhere."""
    assert visibility(Actor("x", UserRole.AUDITOR), circle()) == NOTHING


def test_track_two_sees_green_at_most() -> None:
    """In a track 2 circle nobody sees more than GREEN, whatever its ceiling and their role."""
    terms = circle(track=Track.TWO, tlp_ceiling=Tlp.RED, members=frozenset({"client"}))
    for role in (UserRole.TAXII, UserRole.ADMIN):
        assert visibility(Actor("client", role), terms).tlp_at_most is Tlp.GREEN


def test_the_table_names_every_role() -> None:
    """The documented table comes from the rules and leaves nobody out."""
    table = visibility_table()
    assert all(f"| {role.value} |" in table for role in UserRole)
    assert "| auditor | none | the ledger only |" in table
    assert "| reader | TLP:AMBER | everywhere on this node |" in table
