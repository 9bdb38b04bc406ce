"""Organisations: identities, known by MISP's UUID or, failing that, by their name.

MISP does not say since when an organisation has its name. Two names under one UUID are two versions, told apart by a
checksum in ``modified``: equal input gives equal objects in whatever order events come.
"""

from __future__ import annotations

from zlib import crc32

from seawall.codec.misp.draft import BEGINNING, Draft
from seawall.codec.misp.reading import text_of, uuid_from, uuid_in
from seawall.model.stix.versioning import timestamp


def take_organisation(draft: Draft, organisation: object) -> str | None:
    """The identity of an organisation; None when it has no name."""
    if not isinstance(organisation, dict) or not (name := text_of(organisation, "name", 250)):
        return None
    identifier = f"identity--{uuid_in(organisation) or uuid_from('organisation', name)}"
    draft.keep(
        {
            "type": "identity",
            "spec_version": "2.1",
            "id": identifier,
            "created": BEGINNING,
            "modified": timestamp(crc32(name.encode("utf-8", "replace")) * 1000),
            "name": name,
            "identity_class": "organization",
        },
        listed=False,
    )
    return identifier if identifier in draft.ids else None
