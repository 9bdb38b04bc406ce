"""SDOs about attackers and their ways (part 4): who, with what, how, from where."""

from __future__ import annotations

from typing import Annotated, ClassVar

from seawall.model.stix.kinds import Identifier, Kind, Timestamp
from seawall.model.stix.objects import DomainObject, KillChainPhases, Musts

SoftwareRef = Annotated[str, Kind("identifier", targets=("software",))]
_SEEN = (("last_seen", "first_seen"),)


class AttackPattern(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="attack-pattern"):
    """4.1: a way of attacking."""

    name: str
    description: str | None = None
    aliases: list[str] | None = None
    kill_chain_phases: KillChainPhases | None = None


class Campaign(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="campaign"):
    """4.2: attacks over some time against a set of targets."""

    name: str
    description: str | None = None
    aliases: list[str] | None = None
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    objective: str | None = None
    musts: ClassVar[Musts] = Musts(not_earlier=_SEEN)


class Infrastructure(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="infrastructure"):
    """4.8: systems used in or hit by an attack."""

    name: str
    description: str | None = None
    infrastructure_types: list[Annotated[str, Kind("vocabulary", vocabulary="infrastructure-type-ov")]] | None = None
    aliases: list[str] | None = None
    kill_chain_phases: KillChainPhases | None = None
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    musts: ClassVar[Musts] = Musts(not_earlier=_SEEN)


class IntrusionSet(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="intrusion-set"):
    """4.9: behaviours and resources believed to belong to one organisation."""

    name: str
    description: str | None = None
    aliases: list[str] | None = None
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    goals: list[str] | None = None
    resource_level: Annotated[str, Kind("vocabulary", vocabulary="attack-resource-level-ov")] | None = None
    primary_motivation: Annotated[str, Kind("vocabulary", vocabulary="attack-motivation-ov")] | None = None
    secondary_motivations: list[Annotated[str, Kind("vocabulary", vocabulary="attack-motivation-ov")]] | None = None
    musts: ClassVar[Musts] = Musts(not_earlier=_SEEN)


class Malware(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="malware"):
    """4.11: malicious code, a family or an instance."""

    is_family: bool
    name: str | None = None
    description: str | None = None
    malware_types: list[Annotated[str, Kind("vocabulary", vocabulary="malware-type-ov")]] | None = None
    aliases: list[str] | None = None
    kill_chain_phases: KillChainPhases | None = None
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    operating_system_refs: list[SoftwareRef] | None = None
    architecture_execution_envs: (
        list[Annotated[str, Kind("vocabulary", vocabulary="processor-architecture-ov")]] | None
    ) = None
    implementation_languages: (
        list[Annotated[str, Kind("vocabulary", vocabulary="implementation-language-ov")]] | None
    ) = None
    capabilities: list[Annotated[str, Kind("vocabulary", vocabulary="malware-capabilities-ov")]] | None = None
    sample_refs: list[Annotated[str, Kind("identifier", targets=("artifact", "file"))]] | None = None
    musts: ClassVar[Musts] = Musts(not_earlier=_SEEN)


class MalwareAnalysis(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="malware-analysis"):
    """4.12: what an analysis of a malware instance or family found."""

    product: str
    version: str | None = None
    host_vm_ref: SoftwareRef | None = None
    operating_system_ref: SoftwareRef | None = None
    installed_software_refs: list[SoftwareRef] | None = None
    configuration_version: str | None = None
    modules: list[str] | None = None
    analysis_engine_version: str | None = None
    analysis_definition_version: str | None = None
    submitted: Timestamp | None = None
    analysis_started: Timestamp | None = None
    analysis_ended: Timestamp | None = None
    result_name: str | None = None
    result: Annotated[str, Kind("vocabulary", vocabulary="malware-result-ov")] | None = None
    analysis_sco_refs: list[Identifier] | None = None
    sample_ref: Annotated[str, Kind("identifier", targets=("artifact", "file", "network-traffic"))] | None = None
    musts: ClassVar[Musts] = Musts(any_of=("result", "analysis_sco_refs"))


class ThreatActor(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="threat-actor"):
    """4.17: people or organisations believed to act with malicious intent."""

    name: str
    description: str | None = None
    threat_actor_types: list[Annotated[str, Kind("vocabulary", vocabulary="threat-actor-type-ov")]] | None = None
    aliases: list[str] | None = None
    first_seen: Timestamp | None = None
    last_seen: Timestamp | None = None
    roles: list[Annotated[str, Kind("vocabulary", vocabulary="threat-actor-role-ov")]] | None = None
    goals: list[str] | None = None
    sophistication: Annotated[str, Kind("vocabulary", vocabulary="threat-actor-sophistication-ov")] | None = None
    resource_level: Annotated[str, Kind("vocabulary", vocabulary="attack-resource-level-ov")] | None = None
    primary_motivation: Annotated[str, Kind("vocabulary", vocabulary="attack-motivation-ov")] | None = None
    secondary_motivations: list[Annotated[str, Kind("vocabulary", vocabulary="attack-motivation-ov")]] | None = None
    personal_motivations: list[Annotated[str, Kind("vocabulary", vocabulary="attack-motivation-ov")]] | None = None
    musts: ClassVar[Musts] = Musts(not_earlier=_SEEN)


class Tool(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="tool"):
    """4.18: legitimate software that attackers use."""

    name: str
    description: str | None = None
    tool_types: list[Annotated[str, Kind("vocabulary", vocabulary="tool-type-ov")]] | None = None
    aliases: list[str] | None = None
    kill_chain_phases: KillChainPhases | None = None
    tool_version: str | None = None


class Vulnerability(DomainObject, frozen=True, kw_only=True, omit_defaults=True, tag="vulnerability"):
    """4.19: a mistake in software that attackers can use."""

    name: str
    description: str | None = None
