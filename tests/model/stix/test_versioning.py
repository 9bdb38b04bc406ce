"""Versions of one object: which is newer, and what may follow what."""

from __future__ import annotations

import msgspec
import pytest

from seawall.model import Fault
from seawall.model.stix import Campaign, DomainName, is_newer, new_version, revoked_version, timestamp, version_of

MOMENT = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z
CAMPAIGN = Campaign(
    id="campaign--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    spec_version="2.1",
    created="2026-03-01T00:00:00.000Z",
    modified="2026-03-01T00:00:00.000Z",
    name="Green Wave",
)


def test_a_new_version_keeps_its_birth_and_is_newer() -> None:
    """Only ``modified`` and the changed property differ."""
    later = new_version(CAMPAIGN, MOMENT, name="Blue Wave")
    assert (later.created, later.modified) == (CAMPAIGN.created, "2026-03-14T00:00:00.000Z")
    assert is_newer(later, CAMPAIGN)
    assert not is_newer(CAMPAIGN, later)


def test_nothing_follows_a_revocation() -> None:
    """A revoked object is final."""
    gone = revoked_version(CAMPAIGN, MOMENT)
    assert gone.revoked is True
    with pytest.raises(Fault, match="E-STIX-021"):
        new_version(gone, MOMENT + 1)


def test_a_version_must_be_later_than_the_former() -> None:
    """A clock that went back makes no version."""
    with pytest.raises(Fault, match="E-STIX-022"):
        new_version(new_version(CAMPAIGN, MOMENT), MOMENT - 1)


def test_another_creator_cannot_make_a_version() -> None:
    """Only the creator of an object versions it."""
    forged = msgspec.structs.replace(CAMPAIGN, created_by_ref="identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f")
    with pytest.raises(Fault, match="E-STIX-023"):
        is_newer(forged, CAMPAIGN)
    with pytest.raises(Fault, match="E-STIX-020"):
        is_newer(msgspec.structs.replace(CAMPAIGN, id="campaign--" + "0" * 8), CAMPAIGN)


def test_equal_moments_of_different_spelling_are_equal() -> None:
    """``.5Z`` and ``.500Z`` are one moment, and ``.500123Z`` is later."""
    half = msgspec.structs.replace(CAMPAIGN, modified="2026-03-02T00:00:00.500Z")
    same = msgspec.structs.replace(CAMPAIGN, modified="2026-03-02T00:00:00.5Z")
    assert not is_newer(half, same)
    assert is_newer(msgspec.structs.replace(CAMPAIGN, modified="2026-03-02T00:00:00.500123Z"), half)


def test_timestamps_have_milliseconds_at_least() -> None:
    """And microseconds only where there are any."""
    assert timestamp(MOMENT) == "2026-03-14T00:00:00.000Z"
    assert timestamp(MOMENT + 1) == "2026-03-14T00:00:00.000001Z"


def test_observables_have_no_version() -> None:
    """They have neither ``created`` nor ``modified``."""
    assert version_of(DomainName(id="domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7", value="example.com")) is None
    assert version_of(CAMPAIGN) == CAMPAIGN.modified
