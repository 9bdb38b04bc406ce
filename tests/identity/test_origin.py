"""The signature inside an object: whole as long as the object is, and gone with the first changed byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.identity import NodeKeys
from seawall.identity.origin import _canonical, check_claim, claim_of, seal, without_seal
from seawall.model import Refused, system_clock
from seawall.model.canonical_json import canonical_json
from seawall.model.stix.known_extensions import EVIDENCE_EXTENSION, ORIGIN_EXTENSION

INDICATOR: dict[str, Any] = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
    "created": "2026-03-14T03:12:00.000000Z",
    "modified": "2026-03-14T03:12:00.000000Z",
    "name": "回報的位址",
    "pattern": "[ipv4-addr:value = '203.0.113.7']",
    "pattern_type": "stix",
    "valid_from": "2026-03-14T03:12:00.000000Z",
    "confidence": 80,
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> NodeKeys:
    """Keys of a node."""
    return NodeKeys.create(tmp_path_factory.mktemp("k") / "keys", name="Taipei", economy="TW", at=system_clock())


def holds(body: dict[str, Any], keys: NodeKeys) -> bool:
    """Whether the object bears a signature of these keys that holds."""
    try:
        claim = claim_of(body)
        if claim is None:
            return False
        check_claim(claim, keys.signing_public)
    except Refused:
        return False
    return True


def test_a_sealed_object_verifies_in_any_spelling(keys: NodeKeys) -> None:
    """Order of names, spaces and escapes are not part of what was said."""
    sealed = seal(INDICATOR, keys)
    for text in (json.dumps(sealed, indent=3), json.dumps(dict(reversed(sealed.items())), ensure_ascii=True)):
        assert holds(msgspec.json.decode(text), keys)
    assert without_seal(sealed) == INDICATOR


def test_other_extensions_are_kept_and_covered(keys: NodeKeys) -> None:
    """What stands beside the signature is signed too."""
    body = INDICATOR | {"extensions": {EVIDENCE_EXTENSION: {"extension_type": "property-extension", "sensors": 3}}}
    sealed = seal(body, keys)
    assert holds(sealed, keys) and without_seal(sealed) == body
    sealed["extensions"][EVIDENCE_EXTENSION]["sensors"] = 4
    assert not holds(sealed, keys)


def test_sealing_again_replaces_the_signature(keys: NodeKeys) -> None:
    """The signature does not sign a signature."""
    assert seal(seal(INDICATOR, keys), keys) == seal(INDICATOR, keys)


def test_who_derived_it_is_part_of_what_is_signed(keys: NodeKeys) -> None:
    """A derived object cannot be passed off as its maker's, nor the other way round."""
    sealed = seal(INDICATOR, keys, derived_by=keys.identity_id)
    assert holds(sealed, keys)
    claim = claim_of(sealed)
    assert claim is not None and claim.derived and claim.signed_by == keys.identity_id
    part = sealed["extensions"][ORIGIN_EXTENSION]
    for changed in ({"derived": False}, {"signed_by": "identity--x"}, {}):
        bare = {name: value for name, value in part.items() if changed or name not in ("derived", "signed_by")}
        assert not holds(sealed | {"extensions": {ORIGIN_EXTENSION: bare | changed}}, keys)


@pytest.mark.parametrize(
    "part",
    [
        "text",
        {},
        {"signature": 7, "key_id": "0" * 32},
        {"signature": "AAAA", "key_id": ""},
        {"signature": "not base64!", "key_id": "0" * 32},
        {"signature": "AAAA", "key_id": "0" * 32, "derived": "yes"},
        {"signature": "AAAA", "key_id": "0" * 32, "signed_by": "x" * 5_000, "derived": True},
    ],
)
def test_broken_signatures_are_one_sentence(part: object) -> None:
    """Whatever stands where a signature should is refused, never a crash."""
    with pytest.raises(Refused) as caught:
        claim_of(INDICATOR | {"extensions": {ORIGIN_EXTENSION: part}})
    assert caught.value.code == "E-IDENTITY-096"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 5_000), flip=st.integers(1, 255))
def test_any_changed_byte_breaks_it(keys: NodeKeys, place: int, flip: int) -> None:
    """Of the bytes that travel, each one that changes what is said makes the signature fail."""
    raw = msgspec.json.encode(seal(INDICATOR, keys))
    changed = bytearray(raw)
    changed[place % len(raw)] ^= flip
    try:
        body = msgspec.json.decode(bytes(changed))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    assert body == msgspec.json.decode(raw) or not isinstance(body, dict) or not holds(body, keys)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(value=st.dictionaries(st.text(), JSON, max_size=6))
def test_the_quick_spelling_is_the_canonical_one(value: dict[str, Any]) -> None:
    """Where sorted JSON is used in place of RFC 8785, both are the same bytes."""
    try:
        expected = canonical_json(value)
    except (ValueError, UnicodeEncodeError, msgspec.MsgspecError):
        return
    assert _canonical(value) == expected


def test_a_rotated_key_verifies_what_it_signed_before(tmp_path: Path) -> None:
    """The hint names the key among a node's former ones."""
    old = NodeKeys.create(tmp_path / "keys", name="Taipei", economy="TW", at=system_clock())
    claim = claim_of(seal(INDICATOR, old))
    assert claim is not None and claim.matches(old.signing_public)
