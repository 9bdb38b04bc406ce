"""MITRE ATLAS as it is published in YAML: tactics, techniques, mitigations and case studies as STIX objects.

Ids derive from ATLAS's own numbers, so a later release updates what an earlier one brought.
"""

from __future__ import annotations

import re
from typing import Any

from seawall.codec.converted import FIXED, Converted, day, plain
from seawall.codec.frameworks import ATLAS
from seawall.codec.safe_yaml import BadYamlError, load_documents
from seawall.model.stix.ids import derived_id

MAX_FILE = 32 << 20  # bytes: version 5.6 has 600 kB
ADDRESS = "https://atlas.mitre.org/"
NOTICE = "MITRE ATLAS, (c) The MITRE Corporation, Apache-2.0"
_ATTACK_ID = re.compile(r"[A-Z]{1,2}\d{4}(?:\.\d{3})?")


def is_atlas(text: str) -> bool:
    """Whether a text reads like ATLAS.yaml."""
    return bool(
        re.search(r"^id:[ \t]*ATLAS[ \t\r]*$", text, re.MULTILINE) and re.search(r"^matrices:", text, re.MULTILINE)
    )


def read_atlas(data: bytes) -> Converted:
    """The objects of one release. Never raises for what the file holds."""
    found = Converted()
    found.framework = ATLAS
    try:
        documents = load_documents(data.decode("utf-8"), MAX_FILE)
    except (BadYamlError, UnicodeDecodeError) as error:
        reason = str(error) if isinstance(error, BadYamlError) else "it is not UTF-8"
        found.reject(1, None, reason)
        return found
    root = documents[0] if documents and isinstance(documents[0], dict) else {}
    reader = _Reader(found, str(root.get("version", "")))
    for matrix in _dicts(root.get("matrices")):
        reader.matrix(matrix)
    for study in _dicts(root.get("case-studies")):
        reader.study(study)
    return found


class _Reader:
    def __init__(self, found: Converted, version: str) -> None:
        self._found = found
        self._labels = [f"atlas:version:{version[:20]}"] if version else []
        self._phases: dict[str, str] = {}
        self._mark = derived_id("marking-definition", ATLAS, NOTICE)
        found.objects.append(
            {
                "type": "marking-definition",
                "spec_version": "2.1",
                "id": self._mark,
                "created": FIXED,
                "definition_type": "statement",
                "definition": {"statement": NOTICE},
            }
        )

    def matrix(self, matrix: dict[str, Any]) -> None:
        """Tactics first: techniques name them."""
        for tactic in _dicts(matrix.get("tactics")):
            name = plain(tactic.get("name"), 200)
            if name is not None:
                self._phases[str(tactic.get("id"))] = name.lower().replace(" ", "-").replace("&", "and")
                self._keep("x-mitre-tactic", tactic, x_mitre_shortname=self._phases[str(tactic.get("id"))])
        techniques = _dicts(matrix.get("techniques"))
        above = {str(part.get("id")): part for part in techniques}
        for technique in techniques:
            parent = technique.get("subtechnique-of")
            tactics = technique.get("tactics") or above.get(str(parent), {}).get("tactics") or []
            phases = [
                {"kill_chain_name": ATLAS, "phase_name": self._phases[tactic]}
                for tactic in (tactics if isinstance(tactics, list) else [])
                if isinstance(tactic, str) and tactic in self._phases
            ]
            self._keep("attack-pattern", technique, kill_chain_phases=phases)
            if parent is not None:
                self._relate("attack-pattern", technique, "subtechnique-of", "attack-pattern", str(parent))
        for mitigation in _dicts(matrix.get("mitigations")):
            self._keep("course-of-action", mitigation)
            for used in _dicts(mitigation.get("techniques")):
                self._relate("course-of-action", mitigation, "mitigates", "attack-pattern", str(used.get("id")))

    def study(self, study: dict[str, Any]) -> None:
        """A case study is a report on the techniques that it shows."""
        steps = _dicts(study.get("procedure"))
        refs = dict.fromkeys(
            _id("attack-pattern", str(step.get("technique"))) for step in steps if step.get("technique")
        )
        if not refs:
            self._found.reject(0, study.get("id"), "the case study names no technique")
            return
        published = day(study.get("incident-date")) or FIXED
        self._keep("report", study, description=study.get("summary"), published=published, object_refs=list(refs),
                   report_types=["attack-pattern"])  # fmt: skip

    def _keep(self, kind: str, part: dict[str, Any], **more: Any) -> None:
        number, name = plain(part.get("id"), 60), plain(part.get("name"), 500)
        if number is None or name is None:
            self._found.reject(0, number or name, f"the {kind} lacks an id or a name")
            return
        created = day(part.get("created_date")) or FIXED
        references = [{"source_name": ATLAS, "external_id": number, "url": f"{ADDRESS}{_page(kind)}/{number}"}]
        other = part.get("ATT&CK-reference")
        if isinstance(other, dict) and _ATTACK_ID.fullmatch(str(other.get("id"))):
            references.append({"source_name": "mitre-attack", "external_id": str(other["id"])})
        body = {
            "type": kind,
            "spec_version": "2.1",
            "id": _id(kind, number),
            "created": created,
            "modified": max(created, day(part.get("modified_date")) or created),
            "name": name,
            "description": plain(more.pop("description", part.get("description"))),
            "external_references": references,
            "labels": self._labels,
            "object_marking_refs": [self._mark],
            **more,
        }
        self._found.objects.append({key: value for key, value in body.items() if value})

    def _relate(self, kind: str, part: dict[str, Any], relation: str, target_kind: str, target: str) -> None:
        source, aim = _id(kind, str(part.get("id"))), _id(target_kind, target)
        self._found.objects.append(
            {
                "type": "relationship",
                "spec_version": "2.1",
                "id": derived_id("relationship", ATLAS, source, relation, aim),
                "created": FIXED,
                "modified": FIXED,
                "relationship_type": relation,
                "source_ref": source,
                "target_ref": aim,
                "object_marking_refs": [self._mark],
            }
        )


def _id(kind: str, number: str) -> str:
    return derived_id(kind, ATLAS, number)


def _page(kind: str) -> str:
    return {"x-mitre-tactic": "tactics", "course-of-action": "mitigations", "report": "studies"}.get(kind, "techniques")


def _dicts(value: object) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
