"""MISP objects as one observable each, beside their attributes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from stix2validator import ValidationOptions, validate_instance

from codec.misp.scenes import attribute, event, uuid
from seawall.codec.misp import event_to_stix, to_events
from seawall.model import Tlp
from seawall.model.stix.tlp import TLP2_IDS

HASHES = {"md5": "a" * 32, "sha1": "B" * 40, "sha256": "c" * 64}
OBJECTS: dict[str, tuple[list[tuple[str, str, str]], str, dict[str, Any]]] = {
    "file": (
        [("filename", "filename", "a.exe"), ("size-in-bytes", "size-in-bytes", "512"), ("text", "state", "Malicious")]
        + [(kind, kind, digest) for kind, digest in HASHES.items()],
        "file",
        {"name": "a.exe", "size": 512, "hashes": {"MD5": "a" * 32, "SHA-1": "b" * 40, "SHA-256": "c" * 64}},
    ),
    "domain-ip": (
        [("domain", "domain", "a.example"), ("ip-dst", "ip", "192.0.2.1")],
        "domain-name",
        {"value": "a.example"},
    ),
    "network-connection": (
        [("ip-src", "ip-src", "192.0.2.1"), ("ip-dst", "ip-dst", "2001:db8::1"), ("port", "dst-port", "443"),
         ("text", "layer4-protocol", "UDP")],
        "network-traffic",
        {"protocols": ["udp"], "dst_port": 443},
    ),
    "registry-key": (
        [("regkey", "key", "HKEY_LOCAL_MACHINE\\Software\\a"), ("text", "name", "b"), ("text", "data", "c"),
         ("text", "data-type", "REG_SZ")],
        "windows-registry-key",
        {"values": [{"name": "b", "data": "c", "data_type": "REG_SZ"}]},
    ),
    "x509": (
        [("x509-fingerprint-sha1", "x509-fingerprint-sha1", "a" * 40), ("text", "serial-number", "01"),
         ("text", "issuer", "CN=a")],
        "x509-certificate",
        {"hashes": {"SHA-1": "a" * 40}, "serial_number": "01", "issuer": "CN=a"},
    ),
    "email": (
        [("email-src", "from", "a@a.example"), ("email-dst", "to", "b@b.example"), ("email-subject", "subject", "Hi")],
        "email-message",
        {"subject": "Hi", "is_multipart": False},
    ),
}  # fmt: skip


def holding(name: str, members: list[tuple[str, str, str]], **more: Any) -> dict[str, Any]:
    """An event with one object."""
    listed = [attribute(kind, value, object_relation=relation, uuid=uuid(number), to_ids=False)
              for number, (kind, relation, value) in enumerate(members)]  # fmt: skip
    return event(Object=[{"uuid": uuid(90), "name": name, "Attribute": listed, **more}])


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_one_observable(name: str) -> None:
    """With everything STIX has a place for; the grouping lists it first, and the event comes back without losses."""
    members, type, wanted = OBJECTS[name]
    found = {obj["id"]: obj for obj in event_to_stix(holding(name, members)).objects}
    (grouping,) = [obj for obj in found.values() if obj["type"] == "grouping"]
    whole = found[grouping["object_refs"][0]]
    assert whole["id"] == f"{type}--{uuid(90)}"
    assert {key: whole[key] for key in wanted} == wanted
    options = ValidationOptions(version="2.1")
    assert all(validate_instance(obj, options).is_valid for obj in found.values())
    made = to_events(msgspec.json.encode(obj) for obj in found.values())
    assert made.losses == []
    assert len(made.events[0]["Object"][0]["Attribute"]) == len(members)


@pytest.mark.parametrize("members", [[], [("md5", "md5", "nonsense")], [("text", "size-in-bytes", "-5")]])
def test_nonsense_has_no_observable(members: list[tuple[str, str, str]]) -> None:
    """The grouping stands without it, and so does what nobody has a type for."""
    for name in ("file", "unheard-of"):
        types = {obj["type"] for obj in event_to_stix(holding(name, members)).objects}
        assert "grouping" in types
        assert "file" not in types


def test_the_whole_is_as_strict_as_its_strictest_part() -> None:
    """One attribute for your organisation only makes the observable TLP:RED."""
    given = holding("file", [("md5", "md5", "a" * 32), ("filename", "filename", "a.exe")])
    given["Object"][0]["Attribute"][1]["distribution"] = "0"
    found = {obj["id"]: obj for obj in event_to_stix(given).objects}
    assert found[f"file--{uuid(90)}"]["object_marking_refs"] == [TLP2_IDS[Tlp.RED]]
    assert found[f"file--{uuid(0)}"]["object_marking_refs"] == [TLP2_IDS[Tlp.AMBER_STRICT]]
