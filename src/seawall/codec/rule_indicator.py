"""A detection rule as a STIX indicator: the rule's text whole in ``pattern`` (STIX 2.1 section 4.7)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from seawall.codec.converted import FIXED, marked
from seawall.model import Fault, Tlp
from seawall.model.stix.ids import derived_id

MAX_RULE = 512 * 1024  # bytes of one rule: half of what one object may have on its way to a peer
RULE_KINDS = ("sigma", "yara", "snort", "suricata")
_TECHNIQUE = re.compile(r"t\d{4}(?:\.\d{3})?", re.IGNORECASE)
_TACTIC = re.compile(r"ta\d{4}", re.IGNORECASE)
_OTHERS = re.compile(r"[gsm]\d{4}", re.IGNORECASE)  # groups, software, mitigations
_LABEL = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class RuleSaid(msgspec.Struct, kw_only=True):
    """What a rule says about itself, in whatever form."""

    kind: str  # of RULE_KINDS
    id: str | None = None  # its own UUID, if it has one
    key: tuple[str, ...] = ()  # what tells it from others when it has none
    name: str
    text: str  # whole, as it stood in its file
    description: str | None = None
    created: str | None = None
    modified: str | None = None
    references: Sequence[dict[str, Any]] = ()
    tags: Sequence[str] = ()  # ATT&CK numbers and tactics, TLP, anything
    labels: Sequence[str] = ()
    harmless: bool = False  # of low level: notable rather than malicious
    tlp: Tlp | None = None


def rule_indicator(said: RuleSaid) -> dict[str, Any]:
    """The indicator. Its id is the rule's own UUID where it has a proper one."""
    attack, phases, labels, tlp = sort_tags(said.tags)
    levels = [level for level in (tlp, said.tlp) if level is not None]
    created = said.created or said.modified or FIXED
    body: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": _identifier(said),
        "created": created,
        "modified": max(created, said.modified or created),
        "name": said.name,
        "indicator_types": ["anomalous-activity" if said.harmless else "malicious-activity"],
        "pattern": said.text,
        "pattern_type": said.kind,
        "valid_from": created,
        **marked(max(levels) if levels else None),
    }
    optional = {
        "description": said.description,
        "external_references": [*said.references, *attack],
        "kill_chain_phases": phases,
        "labels": [label for label in dict.fromkeys([*said.labels, *labels]) if _LABEL.fullmatch(label)],
    }
    return body | {name: value for name, value in optional.items() if value}


def proper_uuid(text: object) -> str | None:
    """A UUID that STIX takes as the end of an id (RFC 4122 variant, versions 1 to 5), in lower case; else None."""
    try:
        found = uuid.UUID(str(text).strip())
    except ValueError:
        return None
    return str(found) if found.variant == uuid.RFC_4122 and found.version in range(1, 6) else None


def _identifier(said: RuleSaid) -> str:
    own = proper_uuid(said.id)
    return f"indicator--{own}" if own is not None else derived_id("indicator", said.kind, *said.key)


def sort_tags(
    tags: Iterable[str],
) -> tuple[list[dict[str, Any]], list[dict[str, str]], list[str], Tlp | None]:
    """Tags as (references to ATT&CK and CVE, kill-chain phases, other labels, TLP)."""
    referred: dict[str, dict[str, Any]] = {}
    phases: dict[str, dict[str, str]] = {}
    labels: list[str] = []
    tlp: Tlp | None = None
    for tag in tags:
        space, _, rest = tag.strip().partition(".")
        lower = space.lower()
        if lower == "attack" and (_TECHNIQUE.fullmatch(rest) or _TACTIC.fullmatch(rest) or _OTHERS.fullmatch(rest)):
            number = rest.upper()
            referred[number] = {"source_name": "mitre-attack", "external_id": number}
        elif lower == "attack" and rest:
            phase = rest.lower().replace("_", "-")
            phases[phase] = {"kill_chain_name": "mitre-attack", "phase_name": phase}
        elif (
            lower == "cve"
            and (number := f"CVE-{rest.replace('.', '-')}")
            and re.fullmatch(r"CVE-\d{4}-\d{4,19}", number)
        ):
            referred[number] = {"source_name": "cve", "external_id": number}
        elif lower == "tlp" or lower.startswith("tlp:"):
            tlp = max(tlp or Tlp.CLEAR, _level(rest or lower.removeprefix("tlp:")))
        elif tag.strip():
            labels.append(tag.strip())
    return list(referred.values()), list(phases.values()), labels, tlp


def _level(text: str) -> Tlp:
    """A level that nobody can read is taken for the strictest."""
    try:
        return Tlp.parse(text.replace("_", "+") if "strict" in text.lower() else text)
    except Fault:
        return Tlp.RED
