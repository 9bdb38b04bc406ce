"""DSSE envelopes: what is signed is what is read."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.identity import NodeKeys, dsse
from seawall.model import Refused

TYPE = "application/vnd.seawall.test"


def test_pre_authentication_encoding_is_the_specifications() -> None:
    """The example of the DSSE protocol page, section "Test vectors"."""
    assert dsse.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_what_was_signed_comes_back(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """The payload returns when any of the known keys signed it."""
    envelope = dsse.sign(b"\x00payload", TYPE, taipei)
    assert dsse.verify(envelope, TYPE, [seoul.signing_public, taipei.signing_public]) == b"\x00payload"


def test_a_stranger_is_refused(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """An unknown key, no key at all, or a malformed key gives a refusal, never a payload."""
    envelope = dsse.sign(b"payload", TYPE, taipei)
    for known in ([seoul.signing_public], [], [b"short"]):
        with pytest.raises(Refused) as caught:
            dsse.verify(envelope, TYPE, known)
        assert caught.value.code == "E-IDENTITY-012"


def test_the_type_is_part_of_what_is_signed(taipei: NodeKeys) -> None:
    """An envelope of one type neither passes as another nor can be relabelled."""
    envelope = dsse.sign(b"payload", TYPE, taipei)
    with pytest.raises(Refused) as caught:
        dsse.verify(envelope, "application/other", [taipei.signing_public])
    assert caught.value.code == "E-IDENTITY-011"
    relabelled = envelope.replace(TYPE.encode(), b"application/other")
    with pytest.raises(Refused) as caught:
        dsse.verify(relabelled, "application/other", [taipei.signing_public])
    assert caught.value.code == "E-IDENTITY-012"


def test_an_altered_payload_is_refused(taipei: NodeKeys) -> None:
    """Another payload under the old signature does not pass."""
    opened = msgspec.json.decode(dsse.sign(b"payload", TYPE, taipei), type=dict[str, Any])
    opened["payload"] = base64.b64encode(b"Payload").decode()
    with pytest.raises(Refused) as caught:
        dsse.verify(msgspec.json.encode(opened), TYPE, [taipei.signing_public])
    assert caught.value.code == "E-IDENTITY-012"


def test_too_many_signatures_are_not_tried(taipei: NodeKeys) -> None:
    """An envelope with hundreds of signatures is refused before any is checked."""
    opened = msgspec.json.decode(dsse.sign(b"payload", TYPE, taipei), type=dict[str, Any])
    opened["signatures"] *= 100
    with pytest.raises(Refused) as caught:
        dsse.verify(msgspec.json.encode(opened), TYPE, [taipei.signing_public])
    assert caught.value.code == "E-IDENTITY-010"


@given(junk=st.binary(max_size=300), cut=st.integers(0, 400))
def test_junk_is_refused(taipei: NodeKeys, junk: bytes, cut: int) -> None:
    """Random bytes, alone or spliced into an envelope, never raise anything but a refusal."""
    envelope = dsse.sign(b"payload", TYPE, taipei)
    for data in (junk, envelope[: cut % len(envelope)] + junk):
        with pytest.raises(Refused):
            dsse.verify(data, TYPE, [taipei.signing_public])
