"""Documents in, objects out: good ones land whatever stands beside them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

import realdata
from seawall.codec.stix import check, encode, parse_bundle
from seawall.model import Fault
from seawall.model.stix import CustomObject, Indicator


def indicator(number: int, **changes: Any) -> dict[str, Any]:
    """An ordinary indicator."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--8e2e2d2b-17d4-4cbf-938f-{number:012x}",
        "created": "2026-03-01T00:00:00.000Z",
        "modified": "2026-03-01T00:00:00.000Z",
        "pattern": f"[ipv4-addr:value = '192.0.2.{number}']",
        "pattern_type": "stix",
        "valid_from": "2026-03-01T00:00:00Z",
        **changes,
    }


def nested(levels: int) -> Any:
    """So many lists in each other."""
    return json.loads("[" * levels + "]" * levels)


def test_an_object_nested_deeper_than_peers_may_send_is_rejected() -> None:
    """What could never leave would only stand in the way of what can; its neighbours land."""
    good, deep, deeper = (indicator(n, x_deep=["x", nested(levels)]) for n, levels in ((1, 30), (2, 31), (3, 600)))
    found = parse_bundle(bundle(good, deep, deeper))
    assert [obj.id for obj in found.objects] == [good["id"]]
    assert [part.reason for part in found.rejected] == ["it is nested deeper than 32 levels"] * 2


def bundle(*objects: object, **changes: Any) -> bytes:
    """A bundle of them."""
    frame = {
        "type": "bundle",
        "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "objects": list(objects),
        **changes,
    }
    return json.dumps(frame).encode()


def test_one_bad_object_does_not_cost_the_good_ones() -> None:
    """The bad one is rejected with its index, id and reason."""
    parsed = parse_bundle(bundle(indicator(1), indicator(2, pattern="[oops"), indicator(3), 17))
    assert [obj.id[-1] for obj in parsed.objects] == ["1", "3"]
    assert [(part.index, part.id is None) for part in parsed.rejected] == [(1, False), (3, True)]
    assert "pattern" in parsed.rejected[0].reason


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([indicator(1), indicator(2)]).encode(),
        json.dumps({"more": False, "objects": [indicator(1), indicator(2)]}).encode(),
        b"\xef\xbb\xbf" + bundle(indicator(1), indicator(2)),
    ],
    ids=["bare list", "TAXII envelope", "byte order mark"],
)
def test_other_wrappings_are_taken_too(data: bytes) -> None:
    """A list, an envelope, a mark in front."""
    assert len(parse_bundle(data).objects) == 2


def test_a_single_object_is_a_document() -> None:
    """One object, no wrapping."""
    (only,) = parse_bundle(json.dumps(indicator(1)).encode()).objects
    assert isinstance(only, Indicator)
    assert only.pattern == "[ipv4-addr:value = '192.0.2.1']"


def test_unknown_properties_and_extensions_come_out_as_they_went_in() -> None:
    """Also inside nested objects, also on types that nobody knows."""
    extension = "extension-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
    odd = indicator(
        1,
        x_vendor_score=7.25,
        x_vendor_big=123456789012345678901234567890,
        x_list=[{"deep": [1, {"er": None}]}, "é", 1.0],
        revoked=False,
        extensions={extension: {"extension_type": "property-extension", "anything": {"goes": [True]}}},
        external_references=[{"source_name": "x", "description": "y", "x_more": 1}],
    )
    custom = {
        **indicator(1),
        "type": "x-radar",
        "id": "x-radar--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "beam": {"x": 3},
    }
    parsed = parse_bundle(bundle(odd, custom))
    assert parsed.rejected == []
    assert isinstance(parsed.objects[1], CustomObject)
    for obj, body, original in zip(parsed.objects, parsed.bodies, (odd, custom), strict=True):
        assert json.loads(encode(obj)) == original
        assert json.loads(body) == original


@pytest.mark.parametrize("name", ["stix-examples", "unit42-stix", "mitre-attack", "disarm"])
def test_real_objects_survive_the_struct(name: str) -> None:
    """Every object of real bundles is written back equal to what was read."""
    for path in sorted(realdata.folder(name).glob("*.json*")):
        raw = path.read_bytes()
        data = gzip.decompress(raw) if path.suffix == ".gz" else raw
        parsed = parse_bundle(data)
        assert parsed.objects
        for obj, body in zip(parsed.objects, parsed.bodies, strict=True):
            assert json.loads(encode(obj)) == json.loads(body)
            assert check(obj).valid


def test_the_vendor_bundles_lose_only_what_is_wrong() -> None:
    """Of 3,175 objects five break a must."""
    good = bad = 0
    for path in realdata.folder("unit42-stix").glob("*.json"):
        parsed = parse_bundle(path.read_bytes())
        good += len(parsed.objects)
        bad += len(parsed.rejected)
    assert (good, bad) == (3170, 5)


def test_a_document_cut_short_keeps_its_complete_objects() -> None:
    """And says that it is damaged."""
    whole = bundle(indicator(1), indicator(2), indicator(3))
    parsed = parse_bundle(whole[: whole.rindex(b"192.0.2.3")])
    assert len(parsed.objects) == 2
    assert "damaged" in parsed.problems[0]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "E-STIX-001"),
        (b"no json", "E-STIX-001"),
        (b'{"a": NaN}', "E-STIX-001"),
        (b"[" * 100_000, "E-STIX-001"),
        (b'{"a":' * 100_000, "E-STIX-001"),
        (b'{"name": "x"}', "E-STIX-002"),
    ],
)
def test_what_holds_nothing_is_a_fault(data: bytes, code: str) -> None:
    """One sentence, never a traceback."""
    with pytest.raises(Fault) as caught:
        parse_bundle(data)
    assert caught.value.code == code


def test_hostile_objects_are_rejected_one_by_one() -> None:
    """NaN, broken UTF-8 and endless nesting cost only the object that has them."""
    good = json.dumps(indicator(1)).encode()
    deep = b'{"type":"x-a","id":' + b'{"a":' * 3000 + b"1" + b"}" * 3001
    data = b'{"type":"bundle","objects":[' + good + b',{"type":"\xff\xfe"},' + deep + b"]}"
    parsed = parse_bundle(data)
    assert len(parsed.objects) == 1
    assert len(parsed.rejected) >= 1
    broken = parse_bundle(b'{"type":"bundle","objects":[' + good + b',{"type":"x-a","n":NaN}]}')
    assert len(broken.objects) == 1
    assert broken.problems


def test_repeated_objects_are_counted_once() -> None:
    """The same version again is one object; the same version with other content is refused."""
    parsed = parse_bundle(bundle(indicator(1), indicator(1), indicator(1, name="other")))
    assert (len(parsed.objects), parsed.repeated, len(parsed.rejected)) == (1, 1, 1)
    versions = parse_bundle(bundle(indicator(1), indicator(1, modified="2026-03-02T00:00:00.000Z")))
    assert len(versions.objects) == 2


def test_an_empty_bundle_is_no_fault() -> None:
    """8: ``objects`` is optional."""
    assert parse_bundle(b'{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}').objects == []
