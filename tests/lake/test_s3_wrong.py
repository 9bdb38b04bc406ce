"""A lake on S3 when its place is wrong: gone, refused, unreachable, not ours."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from lake.s3_scenes import Shared, objects, rows_of, storage_of
from lake.scenes import add, traffic
from s3_server import BUCKET, s3_server
from seawall.lake import Lake
from seawall.lake.storage.bucket import Bucket
from seawall.model import Fault, Unavailable
from seawall.settings import LakeSettings

pytestmark = [pytest.mark.xdist_group("s3"), pytest.mark.timeout(300)]


def test_an_emptied_place_is_another_lake(shared: Shared) -> None:
    """What a machine kept of a lake that is gone is not taken for the files of the next one."""
    lake, other = shared.lake("a"), shared.lake("b")
    add(lake, traffic(0, 20))
    assert rows_of(other) == 20
    bucket = storage_of(lake)._bucket
    bucket.remove(objects(lake))
    assert rows_of(shared.lake("b")) == 0
    add(shared.lake("c"), traffic(1, 30))
    assert rows_of(other) == rows_of(lake) == 30


def test_a_server_without_conditional_writes_is_refused(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers could not be kept apart there."""
    lake = shared.lake()
    files = storage_of(lake)._bucket.files
    send = files.pipe_file
    monkeypatch.setattr(files, "pipe_file", lambda name, data, **_: send(name, data))
    with pytest.raises(Fault, match="E-LAKE-034"):
        add(lake, traffic(0, 5))


def test_what_is_wrong_with_the_place_is_a_sentence(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such bucket, somebody else's key, no address at all."""
    missing = LakeSettings(folder="s3://no-such-bucket/x", s3_endpoint=endpoint)
    with pytest.raises(Unavailable, match=r"E-LAKE-032: .*no-such-bucket/x cannot be used: The specified bucket"):
        Lake.open(tmp_path, missing)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(Unavailable, match=r"E-LAKE-032: .*signature"):
        Lake.open(tmp_path, LakeSettings(folder=f"s3://{BUCKET}/x", s3_endpoint=endpoint))
    for folder, address in (("s3a://x/y", ""), ("s3:/x", ""), ("s3://x/y", "ftp://z"), ("s3://x/y", "http://far.test")):
        with pytest.raises(Fault, match="E-LAKE-030"):
            Lake.open(tmp_path, LakeSettings(folder=folder, s3_endpoint=address))


@pytest.mark.parametrize("endpoint_of_ours", ["", "https://storage.example.net:9000"])
def test_no_endpoint_but_the_configured_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint_of_ours: str
) -> None:
    """Variables, AWS's files and those of the libraries below name another one, and nobody calls it."""
    other = "http://elsewhere.example.net"
    (tmp_path / "config").write_text(f"[default]\nendpoint_url = {other}\n")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, other)
    theirs = {"endpoint_url": other, "client_kwargs": {"endpoint_url": other}, "use_ssl": False}
    monkeypatch.setitem(fsspec.config.conf, "s3", theirs)
    files = Bucket.open("s3://lakes/x", endpoint_of_ours).files
    files.connect()
    called = files._s3.meta.endpoint_url
    assert called == (endpoint_of_ours or "https://s3.eu-west-1.amazonaws.com")


def test_a_server_that_vanishes_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a query, of a read and of writing: one sentence each, and nothing stays of the writing."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with ExitStack() as running:
        place = Shared(running.enter_context(s3_server(tmp_path / "server")), tmp_path)
        lake, reader = place.lake("a"), place.lake("b", cache_mb=0)
        add(lake, traffic(0, 20))
        with reader.reading() as session:
            session.sql(f"SELECT count(*) FROM {session.observations()}")
            with pytest.raises(Unavailable, match="E-LAKE-032"), lake.writing() as writer:
                writer.append_derived("mine", pa.table({"n": [1]}))
                running.close()
            with pytest.raises(Unavailable, match="E-LAKE-005"):
                session.sql(f"SELECT sum(time) FROM {session.observations()}")
            with pytest.raises(Unavailable, match="E-LAKE-032"):
                session.read_part(session.parts()[0], ["event"])
    assert not list((tmp_path / "a" / "files").rglob("mine/*"))


@pytest.mark.tool("java")
def test_spark_without_a_client_for_s3_is_a_sentence(
    shared: Shared, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cluster is asked for s3a:// addresses; what is missing among its jars is named."""
    add(shared.lake(), traffic(0, 20))
    (tmp_path / "spark-defaults.conf").write_text("spark.driver.host 127.0.0.1\nspark.driver.bindAddress 127.0.0.1\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    settings = LakeSettings(engine="spark", spark_master="local[1]", folder=shared.url, s3_endpoint=endpoint)
    lake = Lake.open(tmp_path / "spark", settings)
    assert lake.storage.shared("a/b") == f"s3a://{shared.url.removeprefix('s3://')}/a/b"
    with lake.computing() as session, pytest.raises(Fault, match="E-LAKE-042"):
        session.register("given", pa.table({"n": [1]}))
    assert not objects(shared.lake(), "temporary/")
