"""Campaigns: observables and events that one piece of work of an attacker probably connects, and why we think so.

A campaign is a grouping by evidence, never a verdict about who did it. Times are microseconds UTC.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.marking import Pap, Tlp
from seawall.model.observable import ObservableType


class Family(StrEnum):
    """Kinds of evidence that can be wrong in the same way; of each family only the strongest counts in a link."""

    NETWORK = "network"  # address, range, AS, hosting
    CERTIFICATE = "certificate"
    CLIENT = "client"  # JA3, JA4, hassh
    NAME = "name"  # registered domain, pattern of generated names
    TOOL = "tool"  # signature, malware, file name
    TECHNIQUE = "technique"
    TARGET = "target"  # the same machines of ours, the same sectors
    LABEL = "label"  # what indicators and STIX relationships say
    EVENT = "event"  # met in one and the same record


class Kind(StrEnum):
    """What two values can have in common."""

    LABEL = "label"  # the campaign that an indicator names
    RELATION = "relation"  # a STIX relationship of both to one object
    EVENT = "event"
    REGISTERED = "registered"  # one registered domain
    PATTERN = "pattern"  # how generated names look
    ADDRESS = "address"  # met at one address
    RANGE = "range"  # /24 of IPv4, /48 of IPv6
    AS = "as"
    CERTIFICATE = "certificate"
    JA3 = "ja3"
    JA4 = "ja4"
    HASSH = "hassh"
    MALWARE = "malware"
    SIGNATURE = "signature"
    FILE_NAME = "file_name"
    TECHNIQUE = "technique"
    VICTIM = "victim"  # one machine of ours met both
    SECTORS = "sectors"


FAMILY = {
    Kind.LABEL: Family.LABEL,
    Kind.RELATION: Family.LABEL,
    Kind.EVENT: Family.EVENT,
    Kind.REGISTERED: Family.NAME,
    Kind.PATTERN: Family.NAME,
    Kind.ADDRESS: Family.NETWORK,
    Kind.RANGE: Family.NETWORK,
    Kind.AS: Family.NETWORK,
    Kind.CERTIFICATE: Family.CERTIFICATE,
    Kind.JA3: Family.CLIENT,
    Kind.JA4: Family.CLIENT,
    Kind.HASSH: Family.CLIENT,
    Kind.MALWARE: Family.TOOL,
    Kind.SIGNATURE: Family.TOOL,
    Kind.FILE_NAME: Family.TOOL,
    Kind.TECHNIQUE: Family.TECHNIQUE,
    Kind.VICTIM: Family.TARGET,
    Kind.SECTORS: Family.TARGET,
}


class Reason(msgspec.Struct, frozen=True, array_like=True):
    """One thing that members share; ``flow.campaigns_shown`` says it as a sentence."""

    kind: Kind
    value: str
    weight: float = 0.0  # after down-weighting by how common it is; 1 suffices alone
    members: int = 0  # how many members share it

    @property
    def family(self) -> Family:
        """With which other kinds it can be wrong together."""
        return FAMILY[self.kind]


class Arrival(msgspec.Struct, frozen=True):
    """When a campaign was first and last met in one sector of one side."""

    side: str
    sector: str
    first_seen: int
    last_seen: int
    values: int  # members met there


class PossibleLink(msgspec.Struct, frozen=True):
    """Imported knowledge that may be about the same actor: a possibility with its reasons, never a verdict."""

    object_id: str  # STIX id, or galaxy tag
    name: str
    kind: str  # intrusion-set, campaign, malware, threat-actor ...
    reasons: tuple[Reason, ...]


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One value in a campaign, and why it is there."""

    type: ObservableType
    value: str
    campaign: str
    first_seen: int
    last_seen: int
    weight: float  # of its strongest link, 0..1 is weak; the threshold is in ``warn.campaigns``
    reasons: tuple[Reason, ...]
    only_from: str | None = None  # the one peer that told it, when nobody else knows it
    sides: tuple[str, ...] = ()


class Campaign(msgspec.Struct, frozen=True):
    """A group of values with its identity, which stays while members come and go."""

    id: str  # "campaign--<uuid5 of the founding members>"
    name: str
    first_seen: int
    last_seen: int
    sides: tuple[str, ...]  # in order of arrival
    sectors: tuple[str, ...]  # in order of arrival
    values: int
    merged_into: str | None = None
    reasons: tuple[Reason, ...] = ()
    split_from: str | None = None
    arrivals: tuple[Arrival, ...] = ()  # in order
    techniques: tuple[str, ...] = ()  # ATT&CK ids in order of first appearance
    links: tuple[PossibleLink, ...] = ()
    tlp: Tlp = Tlp.AMBER  # the strictest of what it was made from (rule 2)
    pap: Pap = Pap.AMBER
    origins: frozenset[str] = frozenset()  # peers whose knowledge stands in it
    only_from: str | None = None  # the one peer that told all of it
    founders: tuple[str, ...] = ()  # the first few values, of which the id is made


class HistoryKind(StrEnum):
    """What happened to a campaign."""

    FOUNDED = "founded"
    GREW = "grew"
    SHRANK = "shrank"
    MERGED = "merged"  # ``other``: what took it in, or what it took in
    SPLIT = "split"  # ``other``: what it left, or what left it
    ENDED = "ended"  # nothing holds it together any more


class HistoryEntry(msgspec.Struct, frozen=True):
    """One event in a campaign's life."""

    campaign: str
    at: int
    kind: HistoryKind
    other: str | None = None
    values: int = 0  # members afterwards


class TechniqueSighting(msgspec.Struct, frozen=True):
    """An attacker's way of working seen somewhere, without any value: what espionage leaves in common."""

    id: str  # "sighting--..." when it came as STIX, else "grouping--<uuid5>" of ours
    sequence: tuple[str, ...]  # ATT&CK technique ids in order
    side: str
    sectors: tuple[str, ...]
    first_seen: int
    last_seen: int
    tools: tuple[str, ...] = ()
    note: str = ""  # the procedure, in the analyst's words
    source: str = ""  # analyst, telemetry, or the object it came in
    origin: str | None = None  # the peer that told us; None: ours
    tlp: Tlp = Tlp.AMBER
    pap: Pap = Pap.AMBER
    entered_by: str = ""
