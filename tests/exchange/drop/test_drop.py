"""One carried file: written, read, and every way in which it can be wrong."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.fakes import released
from exchange.scenes import Nodes
from seawall.exchange.drop import Drop, DropBounds, DropWriter, Header, Part, WrittenDrop, link_of, open_drop
from seawall.exchange.drop.header import DROP_TYPE, encoded
from seawall.identity import NodeKeys, dsse
from seawall.model import Fault, Recorded, Refused, Release, ReleasedObject

SMALL = DropBounds(objects=1_000, plain_bytes=1 << 20, file_bytes=1 << 20, header_bytes=1 << 16, page_objects=10)


def header(nodes: Nodes, **more: object) -> Header:
    """Drop 1 from Taipei to Seoul."""
    first = Header(
        sender=nodes.taipei.node_id, recipient=nodes.seoul.node_id, epoch=1, number=1, previous="", made_at=5
    )
    return msgspec.structs.replace(first, **more)


def recorded_of(recipient: str, circle: str, bodies: list[bytes]) -> Recorded[Release]:
    """These bodies, released and recorded."""
    return released([ReleasedObject("x", "", body) for body in bodies], recipient, circle)


def write(folder: Path, nodes: Nodes, bodies: dict[str, list[bytes]], signer: NodeKeys | None = None) -> WrittenDrop:
    """A placed drop with these bodies in these circles."""
    with DropWriter(folder, SMALL) as writer:
        for circle, some in bodies.items():
            writer.add(circle, recorded_of("seoul", circle, some))
        written = writer.finish(header(nodes), signer or nodes.taipei)
    written.place(folder / "one.drop.zst")
    return written


def reopen(folder: Path, nodes: Nodes, bounds: DropBounds = SMALL) -> Drop:
    """As Seoul opens it."""
    return open_drop(folder / "one.drop.zst", folder, [("taipei", nodes.taipei.signing_public)], bounds)


BODIES = {"tw-kr": [b'{"n":%d}' % number for number in range(25)], "ports": [b'{"p":1}']}


def test_what_was_written_is_read_in_pages(tmp_path: Path, nodes: Nodes) -> None:
    """Every object comes back in its circle and order, at most a page at a time, and the link is the writer's."""
    written = write(tmp_path, nodes, BODIES)
    with reopen(tmp_path, nodes) as drop:
        drop.check()
        pages = list(drop.pages())
    assert [(circle, len(page)) for circle, page in pages] == [("tw-kr", 10), ("tw-kr", 10), ("tw-kr", 5), ("ports", 1)]
    assert [body for circle, page in pages for body in page if circle == "tw-kr"] == BODIES["tw-kr"]
    assert (drop.signer, drop.link) == ("taipei", written.link)
    assert [path.name for path in tmp_path.iterdir()] == ["one.drop.zst"]


def test_an_empty_drop_is_a_drop(tmp_path: Path, nodes: Nodes) -> None:
    """It carries terms and acknowledgement only."""
    write(tmp_path, nodes, {})
    with reopen(tmp_path, nodes) as drop:
        drop.check()
        assert list(drop.pages()) == []


def test_a_drop_signed_by_a_stranger_is_refused(tmp_path: Path, nodes: Nodes) -> None:
    """Nobody whose card is held signed it."""
    write(tmp_path, nodes, BODIES, signer=nodes.stranger)
    with pytest.raises(Refused, match="E-EXCHANGE-207"):
        reopen(tmp_path, nodes)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_drop_cut_short_is_refused_whole(tmp_path: Path, nodes: Nodes, share: float) -> None:
    """Wherever the file ends, either the header cannot be opened or the body is found incomplete."""
    write(tmp_path, nodes, {"tw-kr": [hashlib.sha256(b"%d" % n).hexdigest().encode() for n in range(300)]})
    file = tmp_path / "one.drop.zst"
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(Fault, match=r"E-EXCHANGE-(201|204|205)"), reopen(tmp_path, nodes) as drop:
        drop.check()


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_no_flipped_bit_goes_unnoticed(
    tmp_path_factory: pytest.TempPathFactory, nodes: Nodes, place: float, bit: int
) -> None:
    """One bit anywhere: refused, or (in a frame's own checksum or flags) every object still as it was signed."""
    folder = tmp_path_factory.mktemp("bits")
    write(folder, nodes, BODIES)
    file = folder / "one.drop.zst"
    data = bytearray(file.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    file.write_bytes(data)
    try:
        with reopen(folder, nodes) as drop:
            drop.check()
            read = [body for _, page in drop.pages() for body in page]
    except Fault as fault:
        assert fault.code in {f"E-EXCHANGE-{number}" for number in (201, 204, 205, 206, 207)}
    else:
        assert read == [body for some in BODIES.values() for body in some]


def forged(folder: Path, nodes: Nodes, plain: bytes) -> None:
    """A file whose first line is a well-signed header over other contents than ``plain``."""
    whole = header(nodes)
    first = dsse.sign(encoded(whole), DROP_TYPE, nodes.taipei) + b"\n"
    (folder / "one.drop.zst").write_bytes(zstandard.compress(first + plain))


def test_lines_behind_the_last_part_are_refused(tmp_path: Path, nodes: Nodes) -> None:
    """What the header does not count was put there by somebody else."""
    forged(tmp_path, nodes, b'{"type":"indicator"}\n')
    with pytest.raises(Refused, match="E-EXCHANGE-205"), reopen(tmp_path, nodes) as drop:
        drop.check()


@pytest.mark.parametrize(
    "data", [b"", b"not zstd", zstandard.compress(b"no envelope\n"), zstandard.compress(b"x" * 90_000)]
)
def test_other_files_are_no_drops(tmp_path: Path, nodes: Nodes, data: bytes) -> None:
    """An empty file, text, and packed text of any length get one sentence."""
    (tmp_path / "one.drop.zst").write_bytes(data)
    with pytest.raises(Fault, match="E-EXCHANGE-201"):
        reopen(tmp_path, nodes)


def test_a_bomb_before_the_signature_is_not_unpacked(tmp_path: Path, nodes: Nodes) -> None:
    """A gigabyte of nothing packed into kilobytes ends at the bound of the first line."""
    (tmp_path / "one.drop.zst").write_bytes(zstandard.compress(b"\0" * (64 << 20)))
    with pytest.raises(Fault, match="E-EXCHANGE-201"):
        reopen(tmp_path, nodes)


def test_a_file_beyond_the_bound_is_refused(tmp_path: Path, nodes: Nodes) -> None:
    """It is not even copied to its end."""
    write(tmp_path, nodes, BODIES)
    with pytest.raises(Refused, match="E-EXCHANGE-203"):
        reopen(tmp_path, nodes, msgspec.structs.replace(SMALL, file_bytes=100))


def test_objects_beyond_the_bounds_are_refused(tmp_path: Path, nodes: Nodes) -> None:
    """Too many, too long, or nested too deeply: the whole drop stays out."""
    write(tmp_path, nodes, BODIES)
    with pytest.raises(Refused, match="E-EXCHANGE-203"):
        reopen(tmp_path, nodes, msgspec.structs.replace(SMALL, objects=10))
    write(tmp_path, nodes, {"tw-kr": [b'{"x":"' + b"y" * 5_000 + b'"}']})
    with (
        pytest.raises(Refused, match="E-EXCHANGE-206"),
        reopen(tmp_path, nodes, msgspec.structs.replace(SMALL, object_bytes=1_000)) as drop,
    ):
        drop.check()
    write(tmp_path, nodes, {"tw-kr": [b"[" * 80 + b"]" * 80]})
    with pytest.raises(Refused, match="E-EXCHANGE-206"), reopen(tmp_path, nodes) as drop:
        drop.check()


def test_a_missing_file_and_a_folder_are_said_so(tmp_path: Path, nodes: Nodes) -> None:
    """The system's reason, without a traceback."""
    with pytest.raises(Fault, match="E-EXCHANGE-202"):
        reopen(tmp_path, nodes)
    (tmp_path / "one.drop.zst").mkdir()
    with pytest.raises(Fault, match="E-EXCHANGE-202"):
        reopen(tmp_path, nodes)


def test_what_is_not_finished_leaves_nothing(tmp_path: Path, nodes: Nodes) -> None:
    """A writer that fails, and a finished drop that is discarded, remove their hidden files."""
    with pytest.raises(ZeroDivisionError), DropWriter(tmp_path, SMALL) as writer:
        writer.add("tw-kr", recorded_of("seoul", "tw-kr", BODIES["tw-kr"]))
        raise ZeroDivisionError
    with DropWriter(tmp_path, SMALL) as writer:
        written = writer.finish(header(nodes), nodes.taipei)
    written.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_replacement_stands_for_the_link_it_replaces(nodes: Nodes) -> None:
    """So that the drops behind a lost one still fit."""
    lost = header(nodes)
    link = link_of(lost, encoded(lost))
    again = header(nodes, made_at=99, replaces=link)
    assert link_of(again, encoded(again)) == link


def test_what_the_header_does_not_count_is_not_unpacked(tmp_path: Path, nodes: Nodes) -> None:
    """A signed header that counts many objects of one byte in front of a bomb: reading ends where its bytes end."""
    count, line = 900, b" " * 100_000 + b"\n"
    whole = header(nodes, parts=(Part("tw-kr", count, 1_000, hashlib.sha256(line * count).hexdigest()),))
    first = dsse.sign(encoded(whole), DROP_TYPE, nodes.taipei) + b"\n"
    (tmp_path / "one.drop.zst").write_bytes(zstandard.compress(first + line * count))
    read: list[int] = []
    bodies = Drop._bodies

    def counting(self: Drop, lines: io.BufferedReader, objects: int) -> Iterator[bytes]:
        for body in bodies(self, lines, objects):
            read.append(len(body))
            yield body

    with (
        reopen(tmp_path, nodes) as drop,
        patch.object(Drop, "_bodies", counting),
        pytest.raises(Refused, match="E-EXCHANGE-205"),
    ):
        drop.check()
    assert len(read) == 1


def test_a_drop_has_room_to_the_byte(tmp_path: Path, nodes: Nodes) -> None:
    """A page that would pass the bytes or the objects of one drop waits for the next; into an empty one goes any."""
    bounds = msgspec.structs.replace(SMALL, plain_bytes=1_000, objects=3)
    half, rest, more = (recorded_of("seoul", "tw-kr", [b"x" * size]) for size in (499, 499, 500))
    with DropWriter(tmp_path, bounds) as writer:
        assert writer.has_room(recorded_of("seoul", "tw-kr", [b"x" * 2_000]).value)
        writer.add("tw-kr", half)
        assert writer.has_room(rest.value)
        assert not writer.has_room(more.value)
        assert not writer.has_room(recorded_of("seoul", "tw-kr", [b"x"] * 3).value)


def test_an_object_of_several_lines_is_carried_on_one(tmp_path: Path, nodes: Nodes) -> None:
    """What a peer wrote with line ends arrives as the same JSON."""
    write(tmp_path, nodes, {"tw-kr": [b'{\n  "a": "x\\ny",\r\n  "b": 1.50\n}']})
    with reopen(tmp_path, nodes) as drop:
        drop.check()
        assert list(drop.pages()) == [("tw-kr", [b'{"a":"x\\ny","b":1.50}'])]
