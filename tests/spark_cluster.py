"""A real Spark standalone cluster for tests: a master and two workers, each a process of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

START_SECONDS = 120.0
WORKERS = 2
_MEMORY = "300m"  # of each daemon's heap at most; they need a tenth of it
_CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
_LOOPBACK = """\
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.ui.enabled false
spark.log.level ERROR
spark.executor.cores 1
spark.cores.max 2
"""
_LITTLE_COMPILING = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
_BRIEF = {
    "spark.driver.memory": "1g",
    "spark.executor.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": _LITTLE_COMPILING,
    "spark.executor.extraJavaOptions": _LITTLE_COMPILING,
}
"""For work that is done before a JVM has warmed up: less compiling, fewer tasks."""


def _spelt(settings: Mapping[str, str]) -> str:
    return "".join(f"{name} {value}\n" for name, value in settings.items())


@contextmanager
def spark_master(
    folder: Path, settings: Mapping[str, str] | None = None, *, worker_memory: str = "1g"
) -> Iterator[str]:
    """A running cluster; yields ``spark://127.0.0.1:PORT`` and ends its processes afterwards.

    Sets SPARK_CONF_DIR for drivers started meanwhile. ``settings`` are Spark's, in place of those that suit short work.
    """
    import pyspark

    configuration = folder / "conf"
    configuration.mkdir(parents=True)
    (configuration / "spark-defaults.conf").write_text(_LOOPBACK + _spelt(_BRIEF if settings is None else settings))
    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(configuration),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": _MEMORY,
        "SPARK_DAEMON_JAVA_OPTS": _LITTLE_COMPILING,
        "PYSPARK_PYTHON": sys.executable,
    }
    port = free_port()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        for name in ("SPARK_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_IP", "SPARK_LOCAL_DIRS"):
            patch.setenv(name, environment[name])
        master = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port)]
        stack.enter_context(_daemon(home, environment, [*master, "--webui-port", "0"], folder / "master.log"))
        _answers(port, folder / "master.log")
        logs = [folder / f"worker-{number}.log" for number in range(WORKERS)]
        for log in logs:
            worker = ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--webui-port", "0"]
            worker += ["--cores", "1", "--memory", worker_memory, "--work-dir", str(folder / log.stem)]
            stack.enter_context(_daemon(home, environment, [*worker, f"spark://127.0.0.1:{port}"], log))
        for log in logs:
            _says(log, "Successfully registered with master")
        yield f"spark://127.0.0.1:{port}"


@contextmanager
def spark_connect(master: str, folder: Path) -> Iterator[str]:
    """A Spark Connect server in front of the cluster; yields ``sc://127.0.0.1:PORT``."""
    import pyspark

    port = free_port()
    submit = ["org.apache.spark.deploy.SparkSubmit", "--class", _CONNECT, "--master", master]
    submit += [
        "--conf",
        f"spark.connect.grpc.binding.port={port}",
        "--conf",
        "spark.connect.grpc.binding.address=127.0.0.1",
    ]
    home = Path(pyspark.__file__).parent
    with _daemon(home, dict(os.environ), [*submit, "spark-internal"], folder / "connect.log"):
        _answers(port, folder / "connect.log")
        yield f"sc://127.0.0.1:{port}"


@contextmanager
def _daemon(home: Path, environment: dict[str, str], command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [home / "bin" / "spark-class", *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                pytest.fail(f"nobody listens on port {port}: {log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.2)
        else:
            return


def _says(log: Path, sentence: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while sentence not in (text := log.read_text("utf-8", "replace")):
        if time.monotonic() > deadline:
            pytest.fail(f"{log.stem} did not start: {text[-2000:]}")
        time.sleep(0.2)
