"""MISP events and warninglists."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

import realdata
from seawall.codec.misp import parse_misp
from seawall.codec.misp_warninglist import parse_warninglist
from seawall.model import Fault, ObservableType, Pap, Tlp


def event(*attributes: dict[str, Any], **more: Any) -> bytes:
    """A MISP event."""
    return json.dumps({"Event": {"info": "Green Wave", "Attribute": list(attributes), **more}}).encode()


def attribute(kind: str, value: str, **more: Any) -> dict[str, Any]:
    """An attribute for detection."""
    return {"type": kind, "value": value, "to_ids": True, "timestamp": "1772323200", **more}


def test_attributes_become_rows() -> None:
    """The event's title is the campaign, the comment the description, the timestamp the start."""
    found = parse_misp(event(attribute("ip-dst|port", "192.0.2.1|443", comment="C2", uuid="u1")))
    (row,) = found.rows
    assert (row.type, row.value, row.campaign, row.description) == (
        ObservableType.IPV4,
        "192.0.2.1",
        "Green Wave",
        "C2",
    )
    assert (row.external_id, row.valid_from) == ("u1", 1_772_323_200_000_000)


def test_two_values_in_one_attribute_are_two_rows() -> None:
    """``domain|ip``; of ``filename|md5`` the hash."""
    found = parse_misp(
        event(attribute("domain|ip", "evil.example|2001:db8::1"), attribute("filename|md5", f"a|{'a' * 32}"))
    )
    assert [row.value for row in found.rows] == ["evil.example", "2001:db8::1", "a" * 32]


def test_tags_mark_and_the_strictest_wins() -> None:
    """Event and attribute tags together; PAP and Admiralty credibility too."""
    tags = [{"name": "tlp:green"}, {"name": "PAP:RED"}, {"name": 'admiralty-scale:information-credibility="2"'}]
    found = parse_misp(event(attribute("domain", "a.example", Tag=[{"name": "tlp:amber+strict"}]), Tag=tags))
    assert (found.rows[0].tlp, found.paps[0], found.rows[0].confidence) == (Tlp.AMBER_STRICT, Pap.RED, 70)


def test_what_is_not_taken_is_reported() -> None:
    """Context attributes, unknown types, deleted ones, broken ones."""
    found = parse_misp(
        event(
            attribute("domain", "a.example", to_ids=False),
            attribute("yara", "rule x {}"),
            attribute("domain", "b.example", deleted=True),
            attribute("ip-src", "nonsense"),
            {"value": 5},
        )
    )
    assert found.rows == []
    assert [loss.kind for loss in found.losses] == ["misp:not-for-detection", "misp:yara"]
    assert len(found.rejected) == 2


def test_real_events_are_read() -> None:
    """PyMISP's test events, in all their wrappings."""
    rows = 0
    for path in sorted(realdata.folder("misp-events").glob("*.json*")):
        raw = path.read_bytes()
        try:
            rows += len(parse_misp(gzip.decompress(raw) if path.suffix == ".gz" else raw).rows)
        except Fault as fault:
            assert (path.name, fault.code) == ("sharing_groups.json", "E-MISP-002")
    assert rows > 350


@pytest.mark.parametrize(("data", "code"), [(b"{", "E-MISP-001"), (b"{}", "E-MISP-002"), (b"[" * 9999, "E-MISP-001")])
def test_other_json_is_a_fault(data: bytes, code: str) -> None:
    """One sentence with a code."""
    with pytest.raises(Fault) as caught:
        parse_misp(data)
    assert caught.value.code == code


def test_real_warninglists_are_read() -> None:
    """22 lists with 38,992 entries."""
    lists = [parse_warninglist(path.read_bytes()) for path in realdata.folder("misp-warninglists").glob("*.json")]
    assert len(lists) == 22
    assert sum(len(found.entries) for found in lists) == 38_992
    assert {found.kind for found in lists} == {"cidr", "hostname", "string"}


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"name":"x","list":["a"],"type":"radar"}', b"\xff"])
def test_other_documents_are_no_warninglists(data: bytes) -> None:
    """One sentence with a code."""
    with pytest.raises(Fault, match="E-MISP-010"):
        parse_warninglist(data)
