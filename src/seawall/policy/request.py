"""What a decision is about and what it may know. Values in, no questions to the world but the callbacks given here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from seawall.model import Observable
from seawall.model.circle import CircleTerms, Seat
from seawall.model.stored import StoredObject
from seawall.policy.markings import Markings


class Evidence(msgspec.Struct, frozen=True):
    """What stands behind an object, for standing releases. ``confidence`` None: as the object itself says."""

    confidence: int | None = None  # 0-100, STIX scale
    sensors: int = 0
    bases: frozenset[str] = frozenset()


class ReleaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """May this object go to this recipient? ``markings``: of the object and everything it was made from, joined."""

    object: StoredObject
    markings: Markings
    recipient: str  # code name of a peer, or name of a local TAXII user
    approved_by: tuple[str, ...] = ()  # named people who approved exactly this object version for this circle
    evidence: Evidence = Evidence()
    left_out: tuple[str, ...] = ()  # granular markings: parts that were left out for this circle (``granular.lowered``)
    whole_because: str = ""  # or why its parts cannot be left out
    kinds: frozenset[str] = frozenset()  # of information, beside those that its labels tell


class StandingUse(msgspec.Struct, frozen=True):
    """How many objects a standing release has let go in the last hour and the last 24 hours."""

    last_hour: int = 0
    last_day: int = 0


class PrivateValues(msgspec.Struct, frozen=True):
    """What must never leave: own assets and victims' values, by question, and victims' names."""

    is_own: Callable[[Observable], bool]
    names: frozenset[str] = frozenset()
    properties: frozenset[str] = frozenset()  # names at any depth, and dotted paths, that leave no circle
    patterns: tuple[str, ...] = ()  # with ``*`` for a stretch of a word
    judged: dict[str, str] = msgspec.field(default_factory=dict)
    """Words that were looked at, as they leave: decisions of one page share it."""


def nothing_known(_id: str) -> bool:
    """The default answer to "may this reference be shown": no."""
    return False


def unsealed(body: dict[str, Any], _given: StoredObject) -> dict[str, Any]:
    """The default answer to "sign what leaves": as it is."""
    return body


class ReleaseContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision may know of this node at this moment."""

    at: int  # microseconds UTC
    node_id: str  # standing releases must bear its signature
    private: PrivateValues
    own_identity: str = ""  # our STIX identity
    own_names: frozenset[str] = frozenset()  # how texts call us
    identities: Mapping[str, str] = {}  # peer's code name -> its STIX identity
    identity_names: Mapping[str, str] = {}  # STIX identity -> how texts call it
    circles: Mapping[str, CircleTerms] = {}  # the circles in force, by name
    agreed_with: frozenset[str] = frozenset()  # members who stated the terms that are asked about
    standing_use: Mapping[str, StandingUse] = {}
    seats: Mapping[str, Seat] = {}  # as what members sit; who is not here sits as an official
    definitions: Mapping[str, Mapping[str, Any]] = {}  # marking-definitions that the objects at hand name, by id
    in_clear: bool = False  # the channel to the recipient is not encrypted
    may_refer: Callable[[str], bool] = nothing_known
    """Whether the recipient may see that an object of this id, outside the page at hand, exists."""
    seal: Callable[[dict[str, Any], StoredObject], dict[str, Any]] = unsealed
    """The body that leaves (after all redaction) and the object as it is kept -> the body with its signature."""
