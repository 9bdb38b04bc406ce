"""The sealed file: what went in comes out, and nothing else ever does."""

from __future__ import annotations

import io
import secrets
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.flow.sealed_file import CHUNK, TAG, SealedReader, SealedWriter
from seawall.model import Fault, Refused

WORDS = "correct horse battery staple"
QUICK = 4  # scrypt's cost, as a power of two: these tests are of the chunks


def _sealed(data: bytes, step: int = 1 << 16) -> bytes:
    file = io.BytesIO()
    writer = SealedWriter(file, WORDS, secrets.token_bytes, QUICK)
    for start in range(0, len(data), step):
        writer.write(data[start : start + step])
    writer.finish()
    return file.getvalue()


def _opened(sealed: bytes, words: str = WORDS) -> bytes:
    reader = SealedReader(io.BytesIO(sealed), words)
    data = reader.read()
    reader.drain()
    return data


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7])
def test_what_went_in_comes_out(size: int) -> None:
    """At every size around a chunk; nothing of it can be seen in the file."""
    data = secrets.token_bytes(size)
    sealed = _sealed(data)
    assert _opened(sealed) == data
    assert size < 32 or data[:32] not in sealed
    assert len(sealed) < size + 400 + 3 * TAG


def test_reading_in_small_steps() -> None:
    """A reader that asks for little gets little, and the same."""
    data = secrets.token_bytes(CHUNK + 1_000)
    reader = SealedReader(io.BytesIO(_sealed(data)), WORDS)
    parts = []
    while part := reader.read(4_099):
        parts.append(part)
    assert b"".join(parts) == data


def test_a_wrong_passphrase_and_a_short_one() -> None:
    """Told apart from an altered file; a short one is not taken."""
    sealed = _sealed(b"x")
    with pytest.raises(Refused, match="E-FLOW-381"):
        _opened(sealed, WORDS + " ")
    with pytest.raises(Fault, match=r"E-FLOW-380.*12"):
        SealedWriter(io.BytesIO(), "short", secrets.token_bytes, QUICK)


def test_chunks_taken_out_swapped_doubled_or_cut() -> None:
    """Whole chunks moved about are noticed like bytes changed."""
    sealed = _sealed(secrets.token_bytes(3 * CHUNK + 5))
    begin = sealed.index(b"\n") + 1
    width = CHUNK + TAG
    chunks = [sealed[start : start + width] for start in range(begin, len(sealed), width)]
    one, two, three, last = chunks
    orders = [
        [two, one, three, last],
        [one, two, last],
        [one, two, three],
        [one, one, two, three, last],
        [one, two, three, last, last],
        [one, two, three, last[:-1]],
        [one, two, three, last + b"x"],
        [last],
        [],
    ]
    for order in orders:
        with pytest.raises(Fault, match="E-FLOW-382"):
            _opened(sealed[:begin] + b"".join(order))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 399), st.integers(1, 255))
def test_any_byte_changed(place: int, change: int) -> None:
    """In the header, the chunks or the tags: one sentence, no data."""
    sealed = bytearray(_sealed(b"some data " * 10))
    sealed[place % len(sealed)] ^= change
    with pytest.raises(Fault, match=r"E-FLOW-38[123]"):
        _opened(bytes(sealed))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=400))
def test_rubbish(data: bytes) -> None:
    """Whatever is no backup is refused in one sentence."""
    with pytest.raises(Fault, match="E-FLOW-383"):
        _opened(data)


def test_a_header_that_asks_for_all_memory(tmp_path: Path) -> None:
    """A hostile cost is refused before it is paid."""
    sealed = _sealed(b"x").replace(b'"log_n":4', b'"log_n":40')
    with pytest.raises(Fault, match="E-FLOW-383"):
        _opened(sealed)
