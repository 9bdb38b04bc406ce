"""STIX 2.1 (OASIS Standard, 10 June 2021) as frozen structs. Comes in: nothing. Goes out: one struct per object type.

Every SDO, SRO, SCO, meta object and the bundle; predefined extensions as shapes. Properties that the specification
does not know stay in ``more``, nested objects stay dictionaries, timestamps stay text: what came in goes out exactly.
Never here: JSON, checks (``codec.stix``), policy.

>>> from seawall.model.stix import DomainName, observable_id
>>> observable_id("domain-name", {"value": "example.com"}, DomainName.id_from)
'domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7'
"""

from __future__ import annotations

from seawall.model.stix.host import (
    Artifact,
    Directory,
    File,
    Mutex,
    Process,
    Software,
    WindowsRegistryKey,
    X509Certificate,
)
from seawall.model.stix.ids import derived_id, id_type, observable_id, random_id, uuid5_text
from seawall.model.stix.knowledge import (
    CourseOfAction,
    Grouping,
    Identity,
    Incident,
    Indicator,
    Location,
    Note,
    ObservedData,
    Opinion,
    Report,
)
from seawall.model.stix.meta import Bundle, ExtensionDefinition, LanguageContent, MarkingDefinition
from seawall.model.stix.network import (
    AutonomousSystem,
    DomainName,
    EmailAddress,
    EmailMessage,
    IPv4Address,
    IPv6Address,
    MacAddress,
    NetworkTraffic,
    UniformResourceLocator,
    UserAccount,
)
from seawall.model.stix.objects import (
    CustomObject,
    DomainObject,
    ExternalReference,
    GranularMarking,
    KillChainPhase,
    ObservableObject,
    StixObject,
    VersionedObject,
)
from seawall.model.stix.relations import Relationship, Sighting
from seawall.model.stix.threats import (
    AttackPattern,
    Campaign,
    Infrastructure,
    IntrusionSet,
    Malware,
    MalwareAnalysis,
    ThreatActor,
    Tool,
    Vulnerability,
)
from seawall.model.stix.tlp import TLP1_IDS, TLP2_EXTENSION, TLP2_IDS, TLP_BY_ID, tlp2_object, tlp_of_refs
from seawall.model.stix.versioning import is_newer, new_version, revoked_version, timestamp, version_of

_ALL: tuple[type[StixObject], ...] = (
    AttackPattern, Campaign, CourseOfAction, Grouping, Identity, Incident, Indicator, Infrastructure, IntrusionSet,
    Location, Malware, MalwareAnalysis, Note, ObservedData, Opinion, Report, ThreatActor, Tool, Vulnerability,
    Relationship, Sighting,
    Artifact, AutonomousSystem, Directory, DomainName, EmailAddress, EmailMessage, File, IPv4Address, IPv6Address,
    MacAddress, Mutex, NetworkTraffic, Process, Software, UniformResourceLocator, UserAccount, WindowsRegistryKey,
    X509Certificate,
    MarkingDefinition, LanguageContent, ExtensionDefinition,
)  # fmt: skip
OBJECT_TYPES: dict[str, type[StixObject]] = {str(kind.__struct_config__.tag): kind for kind in _ALL}

__all__ = [
    "OBJECT_TYPES",
    "TLP1_IDS",
    "TLP2_EXTENSION",
    "TLP2_IDS",
    "TLP_BY_ID",
    "Artifact",
    "AttackPattern",
    "AutonomousSystem",
    "Bundle",
    "Campaign",
    "CourseOfAction",
    "CustomObject",
    "Directory",
    "DomainName",
    "DomainObject",
    "EmailAddress",
    "EmailMessage",
    "ExtensionDefinition",
    "ExternalReference",
    "File",
    "GranularMarking",
    "Grouping",
    "IPv4Address",
    "IPv6Address",
    "Identity",
    "Incident",
    "Indicator",
    "Infrastructure",
    "IntrusionSet",
    "KillChainPhase",
    "LanguageContent",
    "Location",
    "MacAddress",
    "Malware",
    "MalwareAnalysis",
    "MarkingDefinition",
    "Mutex",
    "NetworkTraffic",
    "Note",
    "ObservableObject",
    "ObservedData",
    "Opinion",
    "Process",
    "Relationship",
    "Report",
    "Sighting",
    "Software",
    "StixObject",
    "ThreatActor",
    "Tool",
    "UniformResourceLocator",
    "UserAccount",
    "VersionedObject",
    "Vulnerability",
    "WindowsRegistryKey",
    "X509Certificate",
    "derived_id",
    "id_type",
    "is_newer",
    "new_version",
    "observable_id",
    "random_id",
    "revoked_version",
    "timestamp",
    "tlp2_object",
    "tlp_of_refs",
    "uuid5_text",
    "version_of",
]
