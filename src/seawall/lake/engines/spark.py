"""Apache Spark: the same SQL over the same Parquet files, on a cluster that sees the lake's folder under the same path,
or its bucket as ``s3a://`` with Hadoop's own client, which the site puts among the cluster's jars.

The driver runs in this process (``spark_master``: standalone, YARN, Kubernetes) or in a Spark Connect server
(``spark_remote``). What a stage keeps is written as Parquet below the lake's temporary folder, so that every worker
and the lake's writer can read it; the session removes it when it ends. Everything else about the cluster, such as
memory, cores, ports and secrets, is Spark's own configuration (``spark-defaults.conf`` in ``SPARK_CONF_DIR``).
"""

from __future__ import annotations

import itertools
import os
import re
import secrets
import shutil
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from seawall.lake.engines.duckdb import quoted
from seawall.lake.interface import EngineRefusal
from seawall.lake.manifest import DERIVED, OBSERVATIONS, Manifest, Part
from seawall.lake.snapshot import Snapshot
from seawall.lake.storage import Storage
from seawall.model import OBSERVATION_SCHEMA, ROLLUP_SCHEMA, Fault, Unavailable
from seawall.settings import LakeSettings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession as Cluster

REACH_SECONDS = 5.0  # for one TCP connection to a master
SQL_TYPES = {pa.int64(): "BIGINT", pa.int32(): "INT", pa.string(): "STRING"}
_APPLICATION = "seawall"
_PORT_OF = {"spark": 7077, "sc": 15002, "k8s": 443}


class SparkComputing(Snapshot):
    """A snapshot computed by Spark; see ``computing.ComputingSession`` for what each method promises."""

    def __init__(self, storage: Storage, manifest: Manifest, settings: LakeSettings) -> None:
        super().__init__(storage, manifest)
        self._cluster = connect(settings)
        # below the temporary folder: what a killed session leaves there is swept away by the next writer
        self._scratch = f"temporary/spark-{secrets.token_hex(8)}"
        (storage.home / self._scratch).mkdir(parents=True)
        self._numbers = itertools.count(1)
        self._kept: dict[str, str] = {}
        self._views: dict[tuple[tuple[str, ...], int], str] = {}

    def register(self, name: str, table: pa.Table) -> None:
        """An Arrow table under ``name``, by way of a file that the workers read."""
        path = self._new_path(name)
        folder = self._storage.home / path
        folder.mkdir()
        pq.write_table(table, folder / "part-0.parquet", compression="zstd", store_schema=False)
        self._storage.share(f"{path}/part-0.parquet")
        self._view(name, path)

    def keep(self, name: str, query: str) -> None:
        """Parquet files written by the workers."""
        path = self._new_path(name)
        with refusals():
            self._cluster.sql(query).write.parquet(self._storage.shared(path), compression="zstd")
        self._view(name, path)

    def hand_over(self, name: str) -> str | pa.Table:
        """Relation text for DuckDB over the files that the workers wrote."""
        files = self._storage.below(self._kept[name])
        return f"(SELECT * FROM read_parquet([{', '.join(map(quoted, files))}], hive_partitioning=false))"

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Run one statement. Raises Unavailable E-LAKE-022 when the cluster fails."""
        with refusals():
            return self._cluster.sql(query, list(parameters) or None).toArrow()

    def observations(self, after: int = 0, days: Collection[int] | None = None) -> str:
        """A view of the observations committed after a generation, of some UTC days only if asked."""
        parts = [part for part in self._manifest.of(OBSERVATIONS, after=after) if days is None or part.day in days]
        mixed = [part for part in parts if part.earliest <= after]
        if not mixed:
            return self._relation(parts, OBSERVATION_SCHEMA)
        names = ", ".join(OBSERVATION_SCHEMA.names)
        whole = self._relation([part for part in parts if part.earliest > after], OBSERVATION_SCHEMA)
        late = self._relation(mixed, OBSERVATION_SCHEMA.append(pa.field("generation", pa.int64())))
        return f"(SELECT {names} FROM {whole} UNION ALL SELECT {names} FROM {late} WHERE generation > {after:d})"

    def rollup(self, after: int = 0) -> str:
        """Relation text of the roll-up rows committed after a generation. Raises Fault E-LAKE-007."""
        return self._relation(self._rollup_after(after), ROLLUP_SCHEMA)

    def rollup_about(self, keys: Sequence[tuple[str, str]], columns: Sequence[str]) -> str:
        """All of the roll-up: the workers read faster than one machine searches."""
        return self.rollup()

    def derived(self, name: str) -> str | None:
        """A view of a derived data set; None when it was never written."""
        parts = self._manifest.of(DERIVED, name=name)
        if not parts:
            return None
        with self._storage.opened(parts[-1]) as source:
            return self._relation(parts, pq.read_schema(source))

    def close(self) -> None:
        """End the cluster's session and remove what it kept."""
        with suppress(Exception):  # a cluster that has gone away needs no good-bye
            self._cluster.stop()
        self._storage.unshare(self._scratch)

    def _relation(self, parts: Sequence[Part], schema: pa.Schema) -> str:
        paths = tuple(part.path for part in parts)
        if (held := self._views.get((paths, len(schema)))) is not None:
            return held
        name = f"lake_{next(self._numbers)}"
        columns = ", ".join(f"`{field.name}` {SQL_TYPES[field.type]}" for field in schema)
        with refusals():
            if paths:
                # the folders' names are for people: without the option they come in place of the columns day and side
                reader = self._cluster.read.schema(columns).option("recursiveFileLookup", "true")
                frame = reader.parquet(*map(self._storage.shared, paths))
            else:
                frame = self._cluster.createDataFrame([], columns)
            frame.createOrReplaceTempView(name)
        self._views[paths, len(schema)] = name
        return name

    def _view(self, name: str, path: str) -> None:
        with refusals():
            self._cluster.read.parquet(self._storage.shared(path)).createOrReplaceTempView(name)
        self._kept[name] = path

    def _new_path(self, name: str) -> str:
        return f"{self._scratch}/{next(self._numbers):04d}-{name}"


def connect(settings: LakeSettings) -> Cluster:
    """A session of the cluster that the settings name.

    Raises Fault E-LAKE-020 without the ``spark`` extra or without one of ``spark_master`` and ``spark_remote``,
    Unavailable E-LAKE-021 when nobody answers there.
    """
    check_reachable(settings)
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise Fault(
            "E-LAKE-020", "The engine spark needs packages that are not here; run pip install 'seawall[spark]'."
        ) from None
    builder = SparkSession.builder.appName(_APPLICATION).config("spark.sql.session.timeZone", "UTC")
    if settings.spark_remote:
        builder = builder.remote(settings.spark_remote)
    else:
        builder = builder.master(settings.spark_master)
        builder = builder.config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
        builder = builder.config("spark.log.level", "ERROR")
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise _unreachable(settings, _first_line(error)) from error


def check_reachable(settings: LakeSettings) -> str:
    """What answers at the cluster's address, in words. Raises as ``connect``; never starts anything."""
    given = _given(settings)
    if not given:
        raise Fault(
            "E-LAKE-023", "The engine spark needs lake.spark_master or lake.spark_remote in seawall.toml; name one."
        )
    if not settings.spark_remote and shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise Fault(
            "E-LAKE-024", "The engine spark needs Java 17 or newer on this machine; install it, or set JAVA_HOME."
        )
    if given == "yarn":
        if not (os.environ.get("HADOOP_CONF_DIR") or os.environ.get("YARN_CONF_DIR")):
            raise _unreachable(settings, "neither HADOOP_CONF_DIR nor YARN_CONF_DIR names the cluster")
        return "YARN, by its configuration folder"
    if re.fullmatch(r"local(\[[0-9*]+\])?", given):
        return "Spark inside this machine"
    reasons = []
    for host, port in endpoints(given):
        try:
            socket.create_connection((host, port), REACH_SECONDS).close()
        except OSError as error:
            reasons.append(f"{host}:{port}: {error.strerror or error}")
        else:
            return f"{given.partition(';')[0]} answers"
    raise _unreachable(settings, "; ".join(reasons) or "it names no host")


def cluster_endpoints(settings: LakeSettings) -> list[str]:
    """What a node with these settings calls beside its peers; nothing without the engine."""
    given = _given(settings).partition(";")[0]
    return [given] if settings.engine == "spark" and "://" in given else []


def _given(settings: LakeSettings) -> str:
    return settings.spark_remote or settings.spark_master


def endpoints(given: str) -> Iterator[tuple[str, int]]:
    """(host, port) of each address of a master URL; a standalone master may have stand-bys after commas."""
    scheme, _, rest = given.partition("://")
    rest = rest.removeprefix("https://").removeprefix("http://") if scheme == "k8s" else rest
    for one in rest.partition("/")[0].split(","):
        split = urlsplit(f"//{one}")
        with suppress(ValueError):
            if split.hostname:
                yield split.hostname, split.port or _PORT_OF.get(scheme, 443)


@contextmanager
def refusals() -> Iterator[None]:
    """Spark's errors as ours: EngineRefusal for a query it does not take, Fault E-LAKE-042 without a client for S3,
    Unavailable E-LAKE-022 for the rest.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import AnalysisException, ParseException, PySparkException

    try:
        yield
    except (AnalysisException, ParseException) as error:
        raise EngineRefusal(_first_line(error)) from error
    except (PySparkException, Py4JError, OSError) as error:
        if "org.apache.hadoop.fs.s3a" in str(error) and "ClassNotFound" in str(error):
            raise Fault(
                "E-LAKE-042",
                "Spark cannot read s3a:// addresses here; put hadoop-aws and its bundle among the jars of the cluster.",
            ) from error
        raise Unavailable(
            "E-LAKE-022", "The Spark cluster could not answer: {reason}.", reason=_first_line(error)
        ) from error


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:300]


def _unreachable(settings: LakeSettings, reason: str) -> Unavailable:
    # a Connect address may carry a token after its first semicolon
    return Unavailable(
        "E-LAKE-021",
        "The Spark cluster at {address} cannot be used: {reason}.",
        address=_given(settings).partition(";")[0],
        reason=reason,
    )
