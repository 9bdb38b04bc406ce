"""Versioning (STIX 2.1, 3.6): which of two versions is newer, and how a new version or a revocation is made."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from seawall.model.clock import from_microseconds
from seawall.model.errors import Fault
from seawall.model.stix.objects import VersionedObject


class _Timed(Protocol):
    @property
    def created(self) -> str | None: ...
    @property
    def modified(self) -> str | None: ...


def timestamp(moment: int) -> str:
    """Microseconds UTC as a STIX timestamp: at least milliseconds, microseconds only where there are any."""
    text = from_microseconds(moment).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return f"{text.removesuffix('000')}Z"


def version_of(obj: _Timed) -> str | None:
    """What tells versions of one object apart: ``modified``, or ``created`` where there is no other (markings)."""
    return obj.modified or obj.created


def is_newer(candidate: VersionedObject, held: VersionedObject) -> bool:
    """True when ``candidate`` replaces ``held``.

    Raises Fault E-STIX-020 when both are not versions of one object (another id), E-STIX-023 when ``created`` or the
    creator differs, which only the object's creator may ever have set (3.6.1).
    """
    if candidate.id != held.id:
        raise Fault("E-STIX-020", "{id} and {other} are different objects, not versions of one.", id=candidate.id,
                    other=held.id)  # fmt: skip
    if candidate.created_by_ref != held.created_by_ref or sort_key(candidate.created) != sort_key(held.created):
        raise Fault("E-STIX-023", "{id} claims to be a new version of {other}, but another creator or creation time.",
                    id=candidate.id, other=held.id)  # fmt: skip
    return sort_key(candidate.modified) > sort_key(held.modified)


def sort_key(text: str) -> str:
    """STIX timestamps compare as text once trailing zeros of the fraction are gone (they are all UTC)."""
    bare = text.removesuffix("Z")
    return bare.rstrip("0").removesuffix(".") if "." in bare else bare


def new_version(obj: VersionedObject, at: int, **changes: Any) -> VersionedObject:
    """The next version of our own object: ``modified`` rises to ``at`` and always beyond the former one.

    Raises Fault E-STIX-021 when the object was revoked: nothing comes after a revocation (3.6.2).
    """
    if obj.revoked:
        raise Fault("E-STIX-021", "{id} was revoked; a revoked object gets no new version.", id=obj.id)
    modified = timestamp(at)
    if sort_key(modified) <= sort_key(obj.modified):
        raise Fault("E-STIX-022", "A new version of {id} must be later than {modified}.", id=obj.id,
                    modified=obj.modified)  # fmt: skip
    return msgspec.structs.replace(obj, modified=modified, **changes)


def revoked_version(obj: VersionedObject, at: int) -> VersionedObject:
    """The last version of our own object: ``revoked`` is true, everything else stays."""
    return new_version(obj, at, revoked=True)
