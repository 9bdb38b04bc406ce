"""Two nodes of one organisation on one bucket: the commands answer as they do on a node with its lake in a folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.scenes import ATTACKER, Shop
from journey.command_line import eve
from s3_server import BUCKET, s3_server
from seawall.flow.node import Node
from seawall.flow.tail import TailReport, TailWish, storing, tail
from seawall.flow.tail.seeing import Seeing
from seawall.ingest.live import spool
from seawall.lake.storage.s3 import S3Storage
from seawall.model import SightingSummary, Unavailable

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.timeout(300)]
SENSORS = "sensor,side,sector\ntpe-1,TW,water\nsel-1,KR,health\n"
INDICATORS = f"type,value,tlp,campaign\nipv4,{ATTACKER},amber,c1\n"
OWN = {"source_file", "id", "created", "modified", "indicator", "raised_at"}
COST = {"seconds", "cpu_seconds", "peak_memory_bytes", "events_per_second"}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running server's address."""
    with s3_server(tmp_path_factory.mktemp("s3")) as address:
        yield address


def log(sensor: str, hour: int) -> str:
    """An alert and a flow of one sensor."""
    return "\n".join(
        [
            eve(f"2026-03-14T{hour:02}:12:00.000001+0000", ATTACKER, "10.1.0.5", sensor=sensor),
            eve(
                f"2026-03-14T{hour:02}:13:00.000001+0000", "10.1.0.6", f"198.51.100.{hour}", sensor=sensor, kind="flow"
            ),
            "no record",
        ]
    )


def shop(folder: Path, place: str = "", endpoint: str = "") -> Shop:
    """A node, with its lake on S3 if a place is given."""
    folder.mkdir()
    made = Shop(folder)
    if place:
        with (made.folder / "seawall.toml").open("a") as file:
            file.write(f'\n[lake]\nfolder = "{place}"\ns3_endpoint = "{endpoint}"\n')
    made.here("sensors", "import", made.write("sensors.csv", SENSORS))
    made.here("intel", "import", made.write("known.csv", INDICATORS), "--source", "ours")
    return made


def plain(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what differs between two nodes that saw the same: their files, their ids and when they noted it."""
    return [{key: value for key, value in one.items() if key not in OWN} for one in items]


def answers(shop: Shop) -> dict[str, Any]:
    """What people ask of the lake."""
    match = shop.here("match")
    asked = {
        "observations": plain(shop.here("observations", "--limit", "50")["items"]),
        "sightings": plain(shop.here("sightings")["items"]),
        "warnings": plain(shop.here("warnings")["items"]),
    }
    return asked | {key: value for key, value in match.items() if key not in COST | {"new"}}


def test_collectors_share_a_bucket(endpoint: str, tmp_path: Path) -> None:
    """Logs taken in here and there, a file of both, a tail: the answers are those of one node with all of it."""
    place = f"s3://{BUCKET}/{tmp_path.name}/telemetry"
    one, two = shop(tmp_path / "one", place, endpoint), shop(tmp_path / "two", place, endpoint)
    alone = shop(tmp_path / "alone")
    for number, name in enumerate(("tpe-1", "sel-1", "tpe-1")):
        text = log(name, 3 + number)
        for node in (alone, (one, two, one)[number]):
            done = node.here("ingest", node.write(f"{number}.json", text))
            assert (done["stored"], done["rejected"]) == (2, 1)
    assert two.here("ingest", two.write("0.json", log("tpe-1", 3)))["duplicates"] == 2
    followed = log("sel-1", 9)
    for node in (alone, two):
        assert node.here("tail", node.write("live.json", followed), "--once")["stored"] == 2
    expected = answers(alone)
    assert expected["hits"] == 4
    assert answers(one) == answers(two) == expected
    for job in ("compact", "retention"):
        one.here("run", job)
        assert answers(two) == expected
    assert endpoint in one.here("doctor")["endpoints"]
    assert [entry["kind"] for entry in one.here("ledger", "show")["items"]].count("lake-copied") == 1
    assert not list((one.folder / "lake").glob("observations"))
    for command in ("push", "pull"):
        assert "E-FLOW-111" in one.refused("lake", command)


def test_a_copy_becomes_the_lake(endpoint: str, tmp_path: Path) -> None:
    """A node pushes its lake, then works on the bucket itself: nothing is missing, and nobody pushes there any more."""
    place = f"s3://{BUCKET}/{tmp_path.name}/copy"
    node = shop(tmp_path / "one")
    node.here("ingest", node.write("0.json", log("tpe-1", 3)))
    before = answers(node)
    settings = node.folder / "seawall.toml"
    held = settings.read_text()
    settings.write_text(held + f'\n[lake]\nurl = "{place}"\ns3_endpoint = "{endpoint}"\n')
    node.here("lake", "push")
    settings.write_text(held + f'\n[lake]\nfolder = "{place}"\ns3_endpoint = "{endpoint}"\n')
    assert answers(node) == before
    assert node.here("ingest", node.write("0.json", log("tpe-1", 3)))["duplicates"] == 2
    assert node.here("ingest", node.write("1.json", log("sel-1", 4)))["stored"] == 2
    settings.write_text(held + f'\n[lake]\nurl = "{place}"\ns3_endpoint = "{endpoint}"\n')
    assert "E-LAKE-033" in node.refused("lake", "push")


def test_a_tail_outlives_its_storage(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bucket takes nothing for a while: the tail says so once, loses nothing, stores and counts nothing twice."""
    monkeypatch.setattr(storing, "RETRY_SECONDS", 0.2)
    shop_ = shop(tmp_path / "one", f"s3://{BUCKET}/{tmp_path.name}/live", endpoint)
    with (shop_.folder / "seawall.toml").open("a") as file:
        file.write("\n[live]\ncommit_seconds = 0.1\n")
    source = shop_.write("live.json", log("tpe-1", 3) + "\n")
    commit, refusals, said = S3Storage.commit, iter(range(2)), list[str]()
    stop = threading.Event()

    def refusing(storage: S3Storage, *given: Any) -> None:
        if (left := next(refusals, None)) is not None:
            if left == 1:
                commit(storage, *given)  # and the answer is lost
            raise Unavailable("E-LAKE-032", "The lake at {url} cannot be used: {reason}.", url="x", reason="gone")
        commit(storage, *given)

    read_anew, unread = Seeing._read_anew, list[int]()

    def reading(seeing: Seeing) -> None:
        unread.append(1)
        if len(unread) == 2:  # the first is the beginning
            raise Unavailable("E-LAKE-032", "The lake at {url} cannot be used: {reason}.", url="x", reason="gone")
        read_anew(seeing)

    def watch(report: TailReport) -> None:
        if report.lines == 3 and not more:
            more.append("written")
            with source.open("a") as file:
                file.write(log("tpe-1", 4) + "\n")
        elif report.lines == 6:
            stop.set()

    more = list[str]()
    monkeypatch.setattr(S3Storage, "commit", refusing)
    monkeypatch.setattr(Seeing, "_read_anew", reading)
    with Node.open(shop_.folder) as node:
        put, told = node.store.sightings.put, list[tuple[int, int]]()

        def noted(rows: list[SightingSummary]) -> None:
            told.extend((row.count, row.first_seen) for row in rows)
            put(rows)

        monkeypatch.setattr(node.store.sightings, "put", noted)
        wish = TailWish(sources=(str(source),))
        report = tail(node, wish, stop=stop, say=lambda text, **_: said.append(text), watching=watch)
    assert [sentence.split(";")[0] for sentence in said] == [
        "The lake takes nothing now and is asked again",
        "The lake takes lines again.",
    ]
    assert (report.stored + report.duplicates, report.rejected, report.hits) == (4, 2, 2)
    assert told[-1] == (2, told[0][1]), "the line whose commit seemed refused is counted on, and once"
    assert len(unread) == 3
    assert [one["count"] for one in shop_.here("sightings")["items"]] == [2]
    assert len(shop_.here("observations")["items"]) == 4
    assert shop_.here("tail", source, "--once")["lines"] == 0


def test_what_waits_for_a_storage_has_a_bound(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the bucket takes nothing a log is copied up to the bound only, and read on from itself afterwards."""
    monkeypatch.setattr(storing, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(spool, "SPILLED_BYTES", 20_000)
    shop_ = shop(tmp_path / "one", f"s3://{BUCKET}/{tmp_path.name}/bound", endpoint)
    with (shop_.folder / "seawall.toml").open("a") as file:
        file.write("\n[live]\nbuffer_bytes = 1000\ncommit_seconds = 0.1\n")
    lines = [
        eve(f"2026-03-14T{n // 60:02}:{n % 60:02}:00.000001+0000", "10.1.0.6", "198.51.100.7", sensor="tpe-1")
        for n in range(1_200)
    ]
    source = shop_.write("live.json", "\n".join(lines[:1]) + "\n")
    commit, said, sizes = S3Storage.commit, list[str](), list[int]()
    refusing, stop = threading.Event(), threading.Event()
    refusing.set()

    def sometimes(storage: S3Storage, *given: Any) -> None:
        if refusing.is_set():
            raise Unavailable("E-LAKE-032", "The lake at {url} cannot be used: {reason}.", url="x", reason="gone")
        commit(storage, *given)

    def watch(report: TailReport) -> None:
        spilled = shop_.folder / "tail" / spool.OVERFLOW
        sizes.append(spilled.stat().st_size if spilled.exists() else 0)
        if len(sizes) <= 3:
            with source.open("a") as file:  # a read takes whole pieces, so they come one by one
                file.write("".join(line + "\n" for line in lines[1 + 399 * (len(sizes) - 1) : 1 + 399 * len(sizes)]))
        elif len(sizes) == 5:
            refusing.clear()
        elif report.lines >= 1_198:
            stop.set()

    monkeypatch.setattr(S3Storage, "commit", sometimes)
    with Node.open(shop_.folder) as node:
        report = tail(
            node, TailWish(sources=(str(source),)), stop=stop, say=lambda text, **_: said.append(text), watching=watch
        )
    assert (report.lines, report.stored + report.duplicates, report.rejected) == (1_198, 1_198, 0)
    assert "As much waits on disk as may; logs are read on when it is in the lake." in said
    assert max(sizes) < 3 * 399 * len(lines[0])  # of three pieces one, or two when both came before a read
    assert report.spilled < 1_198
