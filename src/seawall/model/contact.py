"""Contact: how a team is reached, with the fields of RFC 2350 that people need in an incident."""

from __future__ import annotations

import msgspec


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """One team or person of the contact directory."""

    name: str  # of the team (RFC 2350 section 2.1)
    short_name: str = ""
    address: str = ""  # postal (2.2)
    timezone: str = "UTC"  # IANA name (2.3)
    phone: str = ""  # E.164 (2.4)
    phone_24x7: str = ""  # E.164; answered day and night
    email: str = ""  # (2.7)
    fingerprints: tuple[str, ...] = ()  # of OpenPGP keys, upper hex (2.8)
    members: tuple[str, ...] = ()  # (2.9)
    website: str = ""  # (2.10)
    hours: str = ""  # hours of operation (2.11)
    constituency: str = ""  # (3.2)
    languages: tuple[str, ...] = ("en",)  # BCP 47, the preferred first
    head: str = ""  # who answers first
    deputy: str = ""
    deputy_phone: str = ""  # E.164
    peer: str | None = None  # the peer that this entry belongs to
