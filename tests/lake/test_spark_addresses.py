"""What the node says about a cluster before it starts anything there."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from journey.command_line import SeawallNode
from seawall.lake import Lake
from seawall.lake.engines.spark import check_reachable, cluster_endpoints, endpoints
from seawall.model import Fault, Unavailable
from seawall.settings import LakeSettings


@pytest.fixture(autouse=True)
def java(monkeypatch: pytest.MonkeyPatch) -> None:
    """Java counts as installed: nothing is started here."""
    monkeypatch.setenv("JAVA_HOME", "somewhere")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("spark://head:7077", [("head", 7077)]),
        ("spark://head:7077,spare:7078", [("head", 7077), ("spare", 7078)]),
        ("spark://[2001:db8::1]:7077", [("2001:db8::1", 7077)]),
        ("sc://head", [("head", 15002)]),
        ("sc://head:15003/;token=secret", [("head", 15003)]),
        ("k8s://https://cluster.example:6443", [("cluster.example", 6443)]),
        ("k8s://cluster.example", [("cluster.example", 443)]),
        ("spark://head:nonsense", []),
        ("nonsense", []),
    ],
)
def test_addresses_are_read_from_master_urls(given: str, expected: list[tuple[str, int]]) -> None:
    """Each kind of address names its hosts, with the kind's own port when none is given."""
    assert list(endpoints(given)) == expected


def test_a_master_that_listens_is_found() -> None:
    """One of several masters is enough, as Spark itself sees it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        dead = socket.create_server(("127.0.0.1", 0))
        gone = dead.getsockname()[1]
        dead.close()
        address = f"spark://127.0.0.1:{gone},127.0.0.1:{port}"
        settings = LakeSettings(engine="spark", spark_master=address)
        assert check_reachable(settings) == f"{address} answers"
        assert cluster_endpoints(settings) == [address]


def test_nobody_there_is_a_sentence(tmp_path: Path) -> None:
    """A master that does not listen is named, before a JVM starts; a token in the address is not shown."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    settings = LakeSettings(engine="spark", spark_remote=f"sc://127.0.0.1:{port}/;token=secret")
    with (
        pytest.raises(Unavailable, match=rf"E-LAKE-021: The Spark cluster at sc://127.0.0.1:{port}/ ") as said,
        Lake.open(tmp_path / "lake", settings).computing(),
    ):
        pytest.fail("there is no cluster")
    assert "secret" not in str(said.value)
    assert cluster_endpoints(settings) == [f"sc://127.0.0.1:{port}/"]


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address, no Java and no configuration folder of YARN are three sentences."""
    with pytest.raises(Fault, match="E-LAKE-023"):
        check_reachable(LakeSettings(engine="spark"))
    monkeypatch.delenv("HADOOP_CONF_DIR", raising=False)
    monkeypatch.delenv("YARN_CONF_DIR", raising=False)
    with pytest.raises(Unavailable, match="HADOOP_CONF_DIR"):
        check_reachable(LakeSettings(engine="spark", spark_master="yarn"))
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Fault, match="E-LAKE-024"):
        check_reachable(LakeSettings(engine="spark", spark_master="spark://head:7077"))


def test_the_token_of_a_cluster_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``config show`` prints the cluster's address up to the token; doctor says that nobody answers there."""
    node = SeawallNode(tmp_path / "node", "TW")
    monkeypatch.setenv("SEAWALL_LAKE_ENGINE", "spark")
    monkeypatch.setenv("SEAWALL_LAKE_SPARK_REMOTE", "sc://127.0.0.1:9/;token=hushed")
    assert node.here("config", "show")["lake"]["spark_remote"] == "sc://127.0.0.1:9/"
    report = node.here("doctor")
    assert "hushed" not in str(report)
    assert [check["ok"] for check in report["checks"] if check["name"] == "engine"] == [False]


def test_without_the_engine_nothing_is_called() -> None:
    """A node on DuckDB calls no cluster, whatever addresses stand in its settings."""
    assert cluster_endpoints(LakeSettings(spark_master="spark://head:7077")) == []
