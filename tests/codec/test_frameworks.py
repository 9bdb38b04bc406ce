"""Reference knowledge, each body in a namespace of its own."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import Any

import pytest

import realdata
from seawall.codec.atlas import is_atlas, read_atlas
from seawall.codec.converted import Converted
from seawall.codec.frameworks import ATTACK, DISARM, framework_of, in_its_namespace
from seawall.codec.galaxy import cluster_id, kind_of, read_galaxy
from seawall.codec.losses import LossCounter
from seawall.codec.stix import check
from seawall.codec.taxonomy import read_taxonomy
from seawall.model import Fault


def unpacked(*parts: str) -> bytes:
    """A real file, unpacked."""
    path = realdata.folder(parts[0]).joinpath(*parts[1:])
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def valid(found: Converted) -> Counter[str]:
    """How many objects of each type; every one is valid STIX."""
    assert [body["id"] for body in found.objects if not check(body).valid] == []
    return Counter(body["type"] for body in found.objects)


def test_attack_and_disarm_are_told_apart() -> None:
    """DISARM calls its phases and numbers ATT&CK's; they get their own name, ids and notices stay."""
    attack, disarm = unpacked("mitre-attack", "ics-attack-18.1.json.gz"), unpacked("disarm", "DISARM.json.gz")
    assert (framework_of(attack), framework_of(disarm)) == (ATTACK, DISARM)
    losses = LossCounter()
    changed = json.loads(in_its_namespace(disarm, DISARM, losses))
    text = json.dumps(changed)
    assert '"kill_chain_name": "mitre-attack"' not in text
    assert '"source_name": "mitre-attack"' not in text
    assert [part["id"] for part in changed["objects"]] == [part["id"] for part in json.loads(disarm)["objects"]]
    assert [loss.kind for loss in losses.report()] == ["disarm:namespace"]
    losses = LossCounter()
    assert json.loads(in_its_namespace(attack, ATTACK, losses)) == json.loads(attack)
    assert [loss.kind for loss in losses.report()] == ["mitre-attack:revoked", "mitre-attack:deprecated"]


def test_a_report_with_techniques_is_intelligence() -> None:
    """Citing ATT&CK does not make a bundle ATT&CK."""
    technique = {
        "type": "attack-pattern",
        "id": "attack-pattern--008b8f56-6107-48be-aa9f-746f927dbb61",
        "created_by_ref": "identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5",
        "external_references": [{"source_name": "mitre-attack", "url": "https://attack.mitre.org/techniques/T0803"}],
    }
    assert framework_of(json.dumps({"type": "bundle", "objects": [technique]}).encode()) is None
    assert framework_of(b'{"objects": [{"type": "x-mitre-tactic"}, 7, "x"]}') is None
    assert framework_of(b'"x-mitre-tactic" {') is None


def test_atlas_is_read_from_yaml() -> None:
    """Tactics, techniques with their phases, mitigations, case studies; the same ids at every reading."""
    data = unpacked("mitre-atlas", "ATLAS.yaml.gz")
    assert is_atlas(data[:65_536].decode("utf-8", "ignore"))
    found = read_atlas(data)
    counts = valid(found)
    assert (counts["attack-pattern"], counts["x-mitre-tactic"], counts["course-of-action"], counts["report"]) == (
        170, 16, 35, 57,
    )  # fmt: skip
    techniques = {body["name"]: body for body in found.objects if body["type"] == "attack-pattern"}
    journals = techniques["Journals and Conference Proceedings"]
    assert journals["external_references"][0]["external_id"] == "AML.T0000.000"
    assert journals["kill_chain_phases"] == [{"kill_chain_name": "mitre-atlas", "phase_name": "reconnaissance"}]
    assert read_atlas(data).objects == found.objects


def test_odd_yaml_is_no_atlas() -> None:
    """Whatever it holds, it is rejected or skipped, never raised."""
    assert read_atlas(b"\xff").rejected
    assert read_atlas(b"a: [").rejected
    text = "id: ATLAS\nmatrices:\n- tactics: 7\n  techniques: [x, {id: A}]\n  mitigations: [{techniques: 1}]\n"
    text += "case-studies: [{}]\n"
    found = read_atlas(text.encode())
    assert len(found.rejected) == 3
    valid(found)


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("threat-actor.json.gz", "threat-actor", 1041),
        ("sector.json", "identity", 118),
        ("disarm-techniques.json.gz", "attack-pattern", 298),
    ],
)
def test_galaxies_become_objects_of_their_kind(name: str, kind: str, count: int) -> None:
    """Every cluster, with its tag, number, aliases and links."""
    found = read_galaxy(unpacked("misp-galaxy", name))
    assert valid(found)[kind] == count
    assert str(found.framework).startswith("misp-galaxy:")
    assert len({body["id"] for body in found.objects}) == len(found.objects)


def test_a_galaxy_made_of_attack_does_not_replace_attack() -> None:
    """Its UUIDs are MITRE's, so its ids are derived; others bear the cluster's UUID, as events do."""
    own = "008b8f56-6107-48be-aa9f-746f927dbb61"
    assert cluster_id("threat-actor", "threat-actor", own) == f"threat-actor--{own}"
    assert cluster_id("attack-pattern", "mitre-attack-pattern", own) != f"attack-pattern--{own}"
    assert [kind_of(name) for name in ("mitre-enterprise-attack-malware", "sector", "surveillance-vendor")] == [
        "malware", "identity", "x-misp-galaxy-cluster",
    ]  # fmt: skip


def test_odd_clusters_are_borne() -> None:
    """Wrong types anywhere, clusters without a name, relations to elsewhere."""
    odd = {"value": "b", "uuid": "no", "meta": {"refs": 7, "synonyms": "s", "kill_chain": [1, ":"]}}
    values: list[Any] = [7, {}, {"value": "a", "meta": 7, "related": [{"dest-uuid": "x"}]}, odd]
    found = read_galaxy(json.dumps({"type": "surveillance-vendor", "values": values}).encode())
    assert valid(found) == {"x-misp-galaxy-cluster": 2}
    assert (len(found.rejected), found.losses.report()[0].kind) == (1, "galaxy:related-elsewhere")


def test_taxonomies_name_their_tags() -> None:
    """Every real one has tags; a tag reads as MISP writes it."""
    for path in realdata.folder("misp-taxonomies").glob("*.json"):
        assert read_taxonomy(path.read_bytes()).tags
    rsit = read_taxonomy(unpacked("misp-taxonomies", "rsit.json"))
    assert rsit.tags['rsit:fraud="phishing"'] == "Phishing"


@pytest.mark.parametrize("namespace", ["../../etc/passwd", "", "a/b", ".hidden", "x" * 300, 7, None])
def test_a_namespace_is_no_path(namespace: object) -> None:
    """It becomes a file name, so it may hold letters, digits, dots and hyphens only."""
    with pytest.raises(Fault, match="E-TAXONOMY-001"):
        read_taxonomy(json.dumps({"namespace": namespace, "predicates": []}).encode())
