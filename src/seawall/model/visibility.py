"""What an actor may see, as data: policy compiles it, the store turns it into its query (policy before paging)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.marking import Pap, Tlp


class UserRole(StrEnum):
    """Roles of named people and third-party clients on a node."""

    READER = "reader"
    ANALYST = "analyst"
    RELEASER = "releaser"
    APPROVER = "approver"
    ADMIN = "admin"
    AUDITOR = "auditor"
    TAXII = "taxii"


class Actor(msgspec.Struct, frozen=True):
    """Who asks: a named user of this node, or a peer."""

    name: str
    role: UserRole | None  # None: a peer
    peer: str | None = None  # the peer's code name
    circles: frozenset[str] | None = None  # a third party's TAXII client reads these only; None: all that seat it


class Visibility(msgspec.Struct, frozen=True):
    """A conjunction of conditions on stored objects. ``None``: no condition; an empty set: nothing."""

    tlp_at_most: Tlp
    pap_at_most: Pap = Pap.RED
    types: frozenset[str] | None = None
    excluded_origins: frozenset[str] = frozenset()  # peers whose objects (and what derives from them) are not shown
    circle: str | None = None  # only what stands in this circle's outbox
