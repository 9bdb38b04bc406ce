"""A lake's copy on a real S3 server: whole or not there, one push at a time, read back as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from fsspec import AbstractFileSystem

from cli.scenes import furnished
from journey.command_line import SeawallNode
from match.test_lake import ROWS, TABLE, add, hits
from s3_server import BUCKET, s3_server
from seawall.lake import Lake
from seawall.lake.manifest import load
from seawall.lake.remote import COPY_OF, RemoteLake
from seawall.lake.storage.bucket import Head
from seawall.match import match
from seawall.model import Fault, Unavailable
from seawall.settings import LakeSettings

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.timeout(300)]
OWNER = "identity--a"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server's address."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture
def remote(endpoint: str, tmp_path: Path) -> RemoteLake:
    """The copy of this test's lake, nothing pushed yet."""
    return RemoteLake.open(f"s3://{BUCKET}/{tmp_path.name}", endpoint)


def lake_at(folder: Path) -> Lake:
    """A lake in ``folder``."""
    return Lake.open(folder, LakeSettings())


def files_of(remote: RemoteLake) -> AbstractFileSystem:
    """The file system behind a copy."""
    return remote._bucket.files


def rows_of(lake: Lake) -> pa.Table:
    """Every observation, in order."""
    with lake.reading() as session:
        return session.sql(f"SELECT * FROM {session.observations()} AS o ORDER BY event")


def test_a_copy_reads_as_its_lake(remote: RemoteLake, tmp_path: Path) -> None:
    """What was pushed is pulled elsewhere: rows, roll-up, hits and progress, and later pushes send what is new."""
    lake, other = lake_at(tmp_path / "lake"), tmp_path / "other"
    add(lake, ROWS[:2])
    match(lake, TABLE)
    first = remote.push(lake.folder, OWNER)
    assert first.files == len(load(lake.folder).parts)
    assert remote.push(lake.folder, OWNER).files == 0
    add(lake, ROWS[2:])
    match(lake, TABLE)
    assert remote.push(lake.folder, OWNER).files == len(load(lake.folder).parts) - first.files
    pulled = remote.pull(other)
    assert pulled.generation == load(lake.folder).generation
    assert rows_of(lake_at(other)).equals(rows_of(lake))
    assert hits(lake_at(other)) == hits(lake)
    assert match(lake_at(other), TABLE).new.hits == 0


def test_of_many_pushes_of_one_state_one_is_first(remote: RemoteLake, endpoint: str, tmp_path: Path) -> None:
    """Two folders that claim to be the same lake: each manifest number is given once, the other push hears so."""
    lakes = [lake_at(tmp_path / str(number)) for number in range(4)]
    for number, lake in enumerate(lakes):
        add(lake, ROWS[: number + 1])
    copies = [msgspec.structs.replace(load(lake.folder)) for lake in lakes]

    def commit(place: int) -> bool:
        mine = RemoteLake.open(remote.url, endpoint)
        try:
            mine._create(Head(OWNER, copies[place], commit=str(place)))
        except Unavailable as error:
            assert error.code == "E-LAKE-035"
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(commit, range(4)))
    assert won.count(True) == 1
    newest = remote.newest()
    assert newest is not None
    assert newest.manifest == copies[won.index(True)]


def test_an_interrupted_push_changes_nothing(
    remote: RemoteLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files without their manifest are not seen, and the next push completes them."""
    lake = lake_at(tmp_path / "lake")
    add(lake, ROWS[:2])
    remote.push(lake.folder, OWNER)
    add(lake, ROWS[2:])

    def gone(*_: object) -> None:
        raise ConnectionError("the network went away")

    with monkeypatch.context() as patch, pytest.raises(Unavailable, match="E-LAKE-032"):
        patch.setattr(RemoteLake, "_create", gone)
        remote.push(lake.folder, OWNER)
    remote.pull(tmp_path / "other")
    assert len(rows_of(lake_at(tmp_path / "other"))) == 2
    remote.push(lake.folder, OWNER)
    remote.pull(tmp_path / "other")
    assert rows_of(lake_at(tmp_path / "other")).equals(rows_of(lake))


def test_what_was_made_in_a_copy_gives_way(remote: RemoteLake, tmp_path: Path) -> None:
    """Matching in a copy is allowed; the next pull forgets it, whatever names its files had."""
    lake, other = lake_at(tmp_path / "lake"), tmp_path / "other"
    add(lake, ROWS[:2])
    remote.push(lake.folder, OWNER)
    remote.pull(other)
    assert match(lake_at(other), TABLE).hits > 0
    with pytest.raises(Fault, match=r"E-LAKE-033.*itself a copy"):
        remote.push(other, OWNER)
    match(lake, TABLE.slice(0, 1))
    add(lake, ROWS[2:])
    match(lake, TABLE.slice(0, 1))
    remote.push(lake.folder, OWNER)
    remote.pull(other)
    assert hits(lake_at(other)) == hits(lake)
    assert load(other).notes[COPY_OF] == remote.url


def test_old_objects_go_one_push_later(remote: RemoteLake, tmp_path: Path) -> None:
    """A file that was replaced stays for whoever pulls the copy before, and goes with the push after that."""
    lake = lake_at(tmp_path / "lake")
    add(lake, ROWS)
    match(lake, TABLE)
    remote.push(lake.folder, OWNER)
    for entry in (1, 2):
        with lake.writing() as writer:
            writer.replace_derived("hits", pa.table({"event": [entry]}))
        assert remote.push(lake.folder, OWNER).removed == (0, 2)[entry - 1]  # a file and a manifest
    assert len(files_of(remote).find(remote._bucket.full("derived"))) == 2


def test_a_copy_has_one_owner(remote: RemoteLake, tmp_path: Path) -> None:
    """Another node's push, an older backup's push, and a pull over somebody's own lake are refused in a sentence."""
    lake, other = lake_at(tmp_path / "lake"), lake_at(tmp_path / "other")
    with pytest.raises(Fault, match="E-LAKE-036"):
        remote.pull(tmp_path / "copy")
    add(lake, ROWS[:1])
    add(lake, ROWS[1:])
    add(other, ROWS)
    remote.push(lake.folder, OWNER)
    with pytest.raises(Fault, match="another node owns it"):
        remote.push(other.folder, "identity--b")
    with pytest.raises(Fault, match="ahead of this lake"):
        remote.push(other.folder, OWNER)
    with pytest.raises(Fault, match="E-LAKE-037"):
        remote.pull(other.folder)


def test_nobody_reads_while_a_pull_settles(remote: RemoteLake, tmp_path: Path) -> None:
    """Files under a reader's feet stay: the pull says so and changes nothing."""
    lake, other = lake_at(tmp_path / "lake"), tmp_path / "other"
    add(lake, ROWS[:2])
    remote.push(lake.folder, OWNER)
    remote.pull(other)
    add(lake, ROWS[2:])
    remote.push(lake.folder, OWNER)
    with lake_at(other).reading(), pytest.raises(Unavailable, match="E-LAKE-038"):
        remote.pull(other)
    assert len(rows_of(lake_at(other))) == 2
    assert remote.pull(other).files > 0


def test_the_commands_push_and_pull(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An administrator pushes, another node of the organisation reads the same rows; doctor names the place."""
    shop, other = furnished(tmp_path), SeawallNode(tmp_path / "other", "TW")
    assert "E-FLOW-110" in shop.refused("lake", "push")
    monkeypatch.setenv("SEAWALL_LAKE_URL", f"s3://{BUCKET}/{tmp_path.name}")
    monkeypatch.setenv("SEAWALL_LAKE_S3_ENDPOINT", endpoint)
    pushed = shop.here("lake", "push")
    pulled = other.here("lake", "pull")
    assert pulled["files"] == pushed["files"] > 0
    assert "lake-copied" in json.dumps(shop.here("ledger", "show"))
    assert other.here("observations", "--limit", "9") == shop.here("observations", "--limit", "9")
    assert endpoint in shop.here("doctor")["endpoints"]


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("", ""),
        ("s3://", ""),
        ("https://bucket/x", ""),
        ("s3://bucket/x", "http://storage.example:9000"),
        ("s3://bucket/a*", ""),
    ],
)
def test_an_address_that_cannot_be_used_is_named(url: str, endpoint: str) -> None:
    """Another scheme, no bucket, a pattern, and plain HTTP to another machine are refused before anything is called."""
    with pytest.raises(Fault, match="E-LAKE-030"):
        RemoteLake.open(url, endpoint)


def test_a_server_that_is_not_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens: unavailable, with the address."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Unavailable, match=r"E-LAKE-032: The lake at s3://bucket/x"):
        RemoteLake.open("s3://bucket/x", "http://127.0.0.1:9").pull(tmp_path / "lake")
