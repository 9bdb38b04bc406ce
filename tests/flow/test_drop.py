"""Drops when something goes wrong in the middle, and when there is more than one file may hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest

from journey.carrying import Shores, agreed_shores
from journey.command_line import SeawallNode
from seawall.exchange.drop import Acknowledged, DropBounds, DropWriter, Header, WrittenDrop
from seawall.flow import drop
from seawall.flow.drop import Cover, export_drop, locked
from seawall.flow.drop_books import Books
from seawall.flow.drop_status import describe_drops
from seawall.flow.drop_taking import import_drops
from seawall.flow.node import Node
from seawall.model import Fault, Recorded, Refused, Release, ReleasedObject, Unavailable

pytestmark = pytest.mark.xdist_group("drops")
SMALL = DropBounds(objects=25, page_objects=10, plain_bytes=1 << 20)


@pytest.fixture(scope="module")
def shores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shores]:
    """Two nodes that agreed, without a network."""
    with agreed_shores(tmp_path_factory.mktemp("shores")) as made:
        yield made


def feed(node: SeawallNode, folder: Path, name: str, count: int) -> None:
    """A list of names that no other test uses."""
    file = folder / f"{name}.csv"
    file.write_text("type,value\n" + "".join(f"domain,{name}-{n}.com\n" for n in range(count)))
    node.here("intel", "import", file, "--tlp", "amber", "--source", "ours")


def write(node: SeawallNode, output: Path, **options: object) -> dict[str, object]:
    """As the command line does, with bounds of our own."""
    with Node.open(node.folder) as opened:
        return export_drop(opened, "seoul", output, **options)  # type: ignore[arg-type]


def read(node: SeawallNode, *paths: Path) -> dict[str, object]:
    """As the command line does."""
    with Node.open(node.folder) as opened:
        return import_drops(opened, paths)


def sent(node: SeawallNode) -> object:
    """The last number that was given out."""
    with Node.open(node.folder) as opened:
        return describe_drops(opened)[0]["sent"]


def test_a_kill_before_the_file_has_its_name_loses_nothing(shores: Shores, tmp_path: Path) -> None:
    """The number counts as given out, nothing is left lying about, and the next export writes it again first."""
    feed(shores.taipei, tmp_path, "killed", 3)
    before = sent(shores.taipei)
    out = tmp_path / "out"
    out.mkdir()
    with patch.object(WrittenDrop, "place", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        write(shores.taipei, out)
    assert list(out.iterdir()) == []
    assert sent(shores.taipei) == int(str(before)) + 1
    done = write(shores.taipei, out)
    assert [(item["again"], item["objects"]) for item in done["items"]] == [(True, 3), (False, 0)]  # type: ignore[attr-defined]
    assert read(shores.seoul, out)["received"] == 3


def test_a_kill_after_the_name_gives_a_repeat(shores: Shores, tmp_path: Path) -> None:
    """The file that was carried and the one that is written again count as the same drop."""
    feed(shores.taipei, tmp_path, "named", 2)
    first, second = tmp_path / "first", tmp_path / "second"
    place = WrittenDrop.place

    def killed(self: WrittenDrop, target: Path) -> None:
        place(self, target)
        raise KeyboardInterrupt

    with patch.object(WrittenDrop, "place", killed), pytest.raises(KeyboardInterrupt):
        write(shores.taipei, first)
    done = write(shores.taipei, second)
    assert done["more"] is True
    assert read(shores.seoul, first)["received"] == 2
    assert read(shores.seoul, second)["items"][0]["status"] == "repeated"  # type: ignore[index]


def test_a_kill_while_taking_in_is_taken_up_again(shores: Shores, tmp_path: Path) -> None:
    """What was kept before the kill is found unchanged; the number counts only at the end."""
    feed(shores.taipei, tmp_path, "half", 4)
    file = tmp_path / "one"
    write(shores.taipei, file)
    with patch.object(Books, "keep_got", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        read(shores.seoul, file)
    done = read(shores.seoul, file)
    assert (done["received"], done["unchanged"], done["rejected"]) == (0, 4, 0)
    assert done["items"][0]["status"] == "imported"  # type: ignore[index]


def test_what_one_drop_cannot_hold_goes_into_the_next(shores: Shores, tmp_path: Path) -> None:
    """A folder gets as many files as it takes; one file says that there is more."""
    feed(shores.taipei, tmp_path, "many", 46)
    one = write(shores.taipei, tmp_path / "one", bounds=SMALL)
    assert (one["sent"], one["more"]) == (20, True)
    out = tmp_path / "out"
    out.mkdir()
    rest = write(shores.taipei, out, bounds=SMALL)
    assert (rest["sent"], rest["more"]) == (26, False)
    assert len(list(out.iterdir())) == 2
    assert read(shores.seoul, tmp_path / "one", out)["received"] == 46


def test_a_drop_without_objects_stays_without_when_it_is_written_again(tmp_path: Path) -> None:
    """The first drop only tells the terms: asked for again, it does not carry what was released since."""
    with agreed_shores(tmp_path / "fresh") as fresh:
        with Node.open(fresh.taipei.folder) as node:
            chain = Books(node, "seoul").sending()
        assert chain is not None
        feed(fresh.taipei, tmp_path, "later", 3)
        again = write(fresh.taipei, tmp_path / "again", again=[1])
        assert [item["objects"] for item in again["items"]] == [0]  # type: ignore[attr-defined]
        assert write(fresh.taipei, tmp_path / "next")["sent"] == 3


def test_another_run_is_waited_for_and_then_said(shores: Shores, tmp_path: Path) -> None:
    """Two runs at once: the second waits a while, and then says who holds it up instead of hanging."""
    with (
        Node.open(shores.taipei.folder) as opened,
        locked(opened),
        patch.object(drop, "LOCK_SECONDS", 0.2),
        pytest.raises(Unavailable, match="E-FLOW-128"),
    ):
        write(shores.taipei, tmp_path)


def test_a_drop_for_somebody_else_is_refused(shores: Shores, tmp_path: Path) -> None:
    """Also when it is signed by a peer that we know."""
    third = SeawallNode(tmp_path / "third", "JP")
    second = third.second_person()
    card = tmp_path / "card"
    card.write_bytes(shores.taipei.raw("peers", "card").stdout)
    third.here("peers", "add", card, "--code-name", "taipei")
    file = tmp_path / "one"
    write(shores.taipei, file, cover=Cover.NONE)
    with pytest.raises(Refused, match="E-EXCHANGE-023"):
        read(third, file)
    third.here("peers", "verify", "taipei", "--fingerprint", shores.taipei.fingerprint, "--approver-token", second)
    with pytest.raises(Refused, match="E-FLOW-125"):
        read(third, file)
    read(shores.seoul, file)
    assert write(shores.taipei, file)["encrypted"] is True
    with pytest.raises(Refused, match="E-FLOW-624"):
        read(third, file)
    read(shores.seoul, file)


def test_one_stick_serves_both_ways(shores: Shores, tmp_path: Path) -> None:
    """A folder may hold our own drops beside those for us; named by itself, our own is refused."""
    write(shores.taipei, tmp_path)
    with Node.open(shores.seoul.folder) as opened:
        export_drop(opened, "taipei", tmp_path)
    done = read(shores.seoul, tmp_path)
    assert sorted(item["status"] for item in done["items"]) == ["imported", "own"]  # type: ignore[attr-defined]
    assert done["problems"] == []
    own = next(item["file"] for item in done["items"] if item["status"] == "own")  # type: ignore[attr-defined]
    with pytest.raises(Refused, match="E-FLOW-124"):
        read(shores.seoul, Path(own))
    assert read(shores.taipei, tmp_path)["problems"] == []


def crafted(shores: Shores, file: Path, bodies: list[bytes], **changes: object) -> None:
    """A drop that Taipei's own keys sign, saying whatever they like."""
    with Node.open(shores.taipei.folder) as opened:
        chain = Books(opened, "seoul").sending()
        assert chain is not None
        header = Header(
            sender=opened.keys.node_id,
            recipient=shores.seoul.node_id,
            epoch=chain.epoch,
            number=chain.number + 1,
            previous=chain.link,
            made_at=0,
        )
        with DropWriter(file.parent, SMALL) as writer:
            objects = tuple(ReleasedObject("x", "", body) for body in bodies)
            writer.add("elsewhere", Recorded(Release("seoul", "elsewhere", "x", "x", 0, objects), 0, ""))
            writer.finish(msgspec.structs.replace(header, **changes), opened.keys).place(file)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"format": "seawall-drop-9"}, "E-EXCHANGE-201"),
        ({"number": 0}, "E-EXCHANGE-201"),
        ({"number": 10**30}, "E-EXCHANGE-201"),
        ({"number": 10**12}, "E-EXCHANGE-213"),
        ({"previous": "x"}, "E-EXCHANGE-214"),
        ({"sender": "somebody"}, "E-FLOW-125"),
        ({"epoch": 1}, "E-EXCHANGE-211"),
    ],
)
def test_a_mischievous_header_is_one_sentence(
    shores: Shores, tmp_path: Path, changes: dict[str, object], code: str
) -> None:
    """A peer that we know may say what it likes; nothing is taken in, and nothing breaks."""
    crafted(shores, tmp_path / "one", [], **changes)
    with pytest.raises(Fault) as caught:
        read(shores.seoul, tmp_path / "one")
    assert caught.value.code == code


def test_what_a_mischievous_drop_claims_is_not_believed(shores: Shores, tmp_path: Path) -> None:
    """Objects for a circle that we do not share are rejected, garbage is, and drops we never wrote did not arrive."""
    said = Acknowledged(epoch=1, number=10**9, missing=tuple(range(5_000)), rejected=-5)
    crafted(shores, tmp_path / "one", [b"garbage", b"{}", b'{"type":"indicator"}'], acknowledged=said)
    done = read(shores.seoul, tmp_path / "one")
    assert (done["received"], done["rejected"], len(done["problems"])) == (0, 3, 1)  # type: ignore[arg-type]
    with Node.open(shores.seoul.folder) as opened:
        row = describe_drops(opened)[0]
    assert (row["they_miss"], row["agreed"]) == ([], ["tw-kr"])


def test_a_suspended_peer_neither_gets_nor_gives(shores: Shores, tmp_path: Path) -> None:
    """One person stops both directions, also for carried files."""
    file = tmp_path / "one"
    write(shores.taipei, file)
    shores.seoul.here("peers", "suspend", "taipei")
    with pytest.raises(Refused, match="E-EXCHANGE-023"):
        read(shores.seoul, file)
    with Node.open(shores.seoul.folder) as opened, pytest.raises(Fault, match="E-EXCHANGE-023"):
        export_drop(opened, "taipei", tmp_path / "two")
