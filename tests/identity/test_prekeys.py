"""Prekeys: what travels is signed and checked, what stays is a file that nobody else may read, and both end."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.identity import NodeKeys, dsse
from seawall.identity.prekey_files import (
    FILE_BYTES,
    MAX_PREKEYS,
    PREKEYS,
    decode_prekey,
    encode_prekey,
    load_prekeys,
    make_prekey,
    wipe_prekeys,
)
from seawall.identity.prekeys import (
    DAY,
    IN_FORCE,
    KEPT_AFTER_END,
    PREKEY_TYPE,
    USED_AFTER_END,
    Prekey,
    read_prekey,
    sign_prekey,
)
from seawall.model import Fault, Refused

AT = 1_795_000_000_000_000
NODE = "5b0c1d0e-6d0a-5f0e-9c3a-1f7c2d5f8a41"
PINNED = Prekey(NODE, AT, AT + IN_FORCE, bytes(range(64)), bytes(range(64, 96)), bytes(range(96, 128)))
PINNED_ID = "d08c3540ac966adcf9942921558774a75f2ea2427b474d7b830e415e7b07a116"
PINNED_TAIL = "6727df91fc6b32470820fcf8b43da8c9653b5b80b1b41f53e8255c5ea9ecc959"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A node's folder of keys."""
    (tmp_path / "keys").mkdir()
    return tmp_path / "keys"


def test_the_file_format_is_pinned() -> None:
    """A file written today is read by every later version: its bytes, and the id of the key in it, stay."""
    data = encode_prekey(PINNED)
    assert (len(data), data[:10], data[-32:].hex()) == (FILE_BYTES, b"SWPREKEY\x00\x01", PINNED_TAIL)
    assert decode_prekey(data) == PINNED
    assert PINNED.public.key_id.hex() == PINNED_ID


@given(st.integers(min_value=0, max_value=FILE_BYTES - 1), st.integers(min_value=1, max_value=255))
@settings(max_examples=60)
def test_a_damaged_file_is_noticed(place: int, change: int) -> None:
    """No byte of a prekey file may differ, and none may be missing."""
    data = bytearray(encode_prekey(PINNED))
    data[place] ^= change
    with pytest.raises(ValueError, match="prekey file"):
        decode_prekey(bytes(data))
    with pytest.raises(ValueError, match="prekey file"):
        decode_prekey(encode_prekey(PINNED)[:place])


def test_what_is_made_is_found_again(keys: Path) -> None:
    """Two of them, the newest first, in files of mode 0600; the folder is nobody else's."""
    one, two = make_prekey(keys, NODE, AT), make_prekey(keys, NODE, AT + IN_FORCE)
    found = load_prekeys(keys, AT + IN_FORCE)
    assert found is not None
    assert (found.keys, found.newest) == ((two, one), two)
    assert {path.stat().st_mode & 0o777 for path in (keys / PREKEYS).iterdir()} == {0o600}
    assert (keys / PREKEYS).stat().st_mode & 0o777 == 0o700


def test_thirty_days_after_its_end_a_prekey_is_gone(keys: Path) -> None:
    """Until then it opens; from then on it is not even read, and the next wiping removes its file."""
    make_prekey(keys, NODE, AT)
    end = AT + IN_FORCE + KEPT_AFTER_END
    assert load_prekeys(keys, end - 1) is not None
    assert wipe_prekeys(keys, end - 1) == 0
    assert load_prekeys(keys, end) is None
    assert wipe_prekeys(keys, end) == 1
    assert list((keys / PREKEYS).iterdir()) == []


def test_all_can_be_wiped(keys: Path) -> None:
    """Whatever their age: for keys that were stolen."""
    for week in range(3):
        make_prekey(keys, NODE, AT + week * IN_FORCE)
    assert wipe_prekeys(keys, None) == 3
    assert load_prekeys(keys, AT) is None


def test_a_key_from_the_future_is_not_the_newest(keys: Path) -> None:
    """A clock that once ran far ahead does not keep its key in force."""
    make_prekey(keys, NODE, AT + 100 * DAY)
    right = make_prekey(keys, NODE, AT)
    found = load_prekeys(keys, AT)
    assert found is not None
    assert found.newest == right


def test_the_newest_is_found_among_more_files_than_are_read(keys: Path) -> None:
    """Their names are chance: a node that made many must not go on making more, and all of them end."""
    made = [make_prekey(keys, NODE, AT + number) for number in range(MAX_PREKEYS + 20)]
    for number, path in enumerate(sorted((keys / PREKEYS).iterdir(), key=_created)):
        os.utime(path, ns=(number, number))
    found = load_prekeys(keys, AT)
    assert found is not None
    assert found.newest == made[-1]
    assert len(found.keys) == MAX_PREKEYS
    assert wipe_prekeys(keys, AT + IN_FORCE + KEPT_AFTER_END + 1_000) == len(made)


def _created(path: Path) -> int:
    return decode_prekey(path.read_bytes()).created


def test_a_file_that_others_may_read_is_refused(keys: Path) -> None:
    """As every secret of a node."""
    make_prekey(keys, NODE, AT)
    (path,) = (keys / PREKEYS).iterdir()
    path.chmod(0o644)
    with pytest.raises(Fault, match="E-IDENTITY-003"):
        load_prekeys(keys, AT)


def test_a_damaged_file_is_a_fault(keys: Path) -> None:
    """One sentence names the file and what to do, not the contents; it can still be wiped with all others."""
    make_prekey(keys, NODE, AT)
    (path,) = (keys / PREKEYS).iterdir()
    path.write_bytes(b"x" * FILE_BYTES)
    with pytest.raises(Fault, match=f"E-IDENTITY-105: .*{path.name} is damaged; remove it"):
        load_prekeys(keys, AT)
    assert wipe_prekeys(keys, None) == 1


def test_what_a_kill_left_is_no_prekey(keys: Path) -> None:
    """A file that was overwritten and not removed is ignored; it goes with the next wiping, as one without its name."""
    made = make_prekey(keys, NODE, AT)
    (path,) = (keys / PREKEYS).iterdir()
    (keys / PREKEYS / ".0123456789abcdef.key.new").write_bytes(path.read_bytes())
    (keys / PREKEYS / "0123456789abcdef.key").write_bytes(bytes(FILE_BYTES))
    found = load_prekeys(keys, AT)
    assert found is not None
    assert found.keys == (made,)
    wipe_prekeys(keys, AT)
    assert {item.name for item in (keys / PREKEYS).iterdir()} == {path.name}
    assert wipe_prekeys(keys, None) == 1


def test_a_signed_prekey_is_read(taipei: NodeKeys) -> None:
    """What one node signs another reads: the same keys, the same id, and it seals."""
    made = Prekey.generate(taipei.node_id, AT).public
    document = sign_prekey(made, taipei)
    read = read_prekey(document, node_id=taipei.node_id, keys=[taipei.signing_public], at=AT)
    assert (read, read.key_id) == (made, made.key_id)
    read.sealing_key()


def refused(document: bytes, keys: NodeKeys, *, at: int = AT, node_id: str | None = None) -> str:
    """Why a document is refused."""
    with pytest.raises(Refused) as refusal:
        read_prekey(document, node_id=node_id or keys.node_id, keys=[keys.signing_public], at=at)
    return refusal.value.code


def test_another_nodes_prekey_is_refused(taipei: NodeKeys, seoul: NodeKeys) -> None:
    """Signed by another, or signed by the right one about another."""
    public = Prekey.generate(taipei.node_id, AT).public
    assert refused(sign_prekey(public, seoul), taipei) == "E-IDENTITY-100"
    foreign = Prekey.generate(seoul.node_id, AT).public
    assert refused(sign_prekey(foreign, taipei), taipei) == "E-IDENTITY-101"


def test_a_prekeys_moments_are_checked(taipei: NodeKeys) -> None:
    """Not from the future beyond a day, and not longer than 23 days past its end."""
    document = sign_prekey(Prekey.generate(taipei.node_id, AT).public, taipei)
    assert refused(document, taipei, at=AT - DAY - 1) == "E-IDENTITY-102"
    assert refused(document, taipei, at=AT + IN_FORCE + USED_AFTER_END + 1) == "E-IDENTITY-103"


@pytest.mark.parametrize(
    "change",
    [
        {"format": "seawall-prekey-2"},
        {"suite": "X25519, HKDF-SHA256, ChaCha20-Poly1305"},
        {"ml_kem": base64.b64encode(bytes(1_183)).decode()},
        {"ml_kem": base64.b64encode(b"\xff" * 1_184).decode()},
        {"x25519": ""},
        {"shared": "no base64!"},
        {"ends": "2040-01-01T00:00:00.000000Z"},
        {"created": "soon"},
        {"more": "x"},
    ],
)
def test_a_prekey_that_cannot_be_is_refused(taipei: NodeKeys, change: dict[str, str]) -> None:
    """A weaker suite, a key of another length or outside the field, a life of years: signed or not, it is none."""
    envelope = sign_prekey(Prekey.generate(taipei.node_id, AT).public, taipei)
    fields = msgspec.json.decode(dsse.peek(envelope, PREKEY_TYPE), type=dict[str, str])
    payload = msgspec.json.encode(fields | change, order="sorted")
    assert refused(dsse.sign(payload, PREKEY_TYPE, taipei), taipei) == "E-IDENTITY-100"


def test_a_prekey_shows_no_secret() -> None:
    """Printed in a traceback it names itself and nothing else."""
    assert repr(PINNED) == f"Prekey({PINNED_ID[:16]})"
