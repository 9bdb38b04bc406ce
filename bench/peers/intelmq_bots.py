"""IntelMQ's bots as a library: a parser of ours for EVE, then its de-duplicator, data base look-up and file output.

Called one after the other in one process, which is in IntelMQ's favour: its usual way, a process and a Redis queue for
each bot, costs more. The de-duplicator keeps its memory in Redis, whose time is counted. IntelMQ has no parser for EVE.
"""

from __future__ import annotations

import base64
import csv
import importlib
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.peers.peer import (
    Run,
    Sample,
    UnobtainableError,
    cpu_of,
    debian_files,
    does,
    library_path,
    measured,
    own_venv,
    server,
)  # fmt: skip

REDIS = ("redis-server", "redis-tools", "libatomic1", "libhiredis0.14", "libjemalloc2", "liblua5.1-0", "liblzf1")
LUA = ("lua-bitop", "lua-cjson")
REQUIREMENTS = ("intelmq==3.5.0", "setuptools<81")  # it imports pkg_resources, which later setuptools do not have
STARTED = 20.0  # seconds to wait for Redis
CLASSES = {"alert": "ids-alert"}


class IntelMQBots:
    """Four bots. The look-up is by source address only: one table, one key, is what that bot does."""

    name = "IntelMQ bots as a library"
    slow = True
    foreign = True
    does = does("yes", "yes", "source addresses", "yes", "JSON lines", "by the bots' dump files")

    def prepare(self, cache: Path) -> str:
        """IntelMQ from the package index, Redis from Debian packages, unpacked."""
        self._python = own_venv(cache, "intelmq", *REQUIREMENTS)
        self._redis = debian_files(cache, "redis", *REDIS, *LUA)
        return REQUIREMENTS[0].partition("==")[2]

    def run(self, sample: Sample, scratch: Path) -> Run:
        """Indicators into SQLite (not counted), Redis on a socket, then this file again in IntelMQ's environment."""
        table, out, socket = scratch / "indicators.db", scratch / "events.txt", scratch / "redis.sock"
        _load(sample.folder / "indicators.csv", table)
        redis: list[str | Path] = [
            self._redis / "usr/bin/redis-server",
            "--port",
            "0",
            "--unixsocket",
            socket,
            "--save",
            "",
        ]
        with server([*redis, "--dir", scratch], library_path(self._redis)) as pid:
            _wait(socket)
            before = cpu_of(pid)
            seconds, printed = measured(
                [self._python, "-m", "bench.peers.intelmq_bots", sample.file, table, out, socket]
            )
            seconds += cpu_of(pid) - before
        counts: dict[str, int] = json.loads(printed.splitlines()[-1])
        return Run(seconds, counts)


def _load(csv_file: Path, table: Path) -> None:
    with closing(sqlite3.connect(table)) as database, csv_file.open(newline="") as lines:
        database.execute("CREATE TABLE indicators (value TEXT PRIMARY KEY, id TEXT) WITHOUT ROWID")
        rows = ((row["value"], row["id"]) for row in csv.DictReader(lines) if row["type"] == "ipv4")
        database.executemany("INSERT OR IGNORE INTO indicators VALUES (?, ?)", rows)
        database.commit()


def _wait(socket: Path) -> None:
    end = time.monotonic() + STARTED
    while not socket.exists():
        if time.monotonic() > end:
            raise UnobtainableError("its Redis does not start")
        time.sleep(0.05)


def parsed(event: dict[str, Any], line: bytes) -> dict[str, Any]:
    """One EVE record in IntelMQ's harmonised names."""
    http, alert = event.get("http", {}), event.get("alert", {})
    name = http.get("hostname") or event.get("dns", {}).get("rrname") or event.get("tls", {}).get("sni")
    found = {
        "time.source": event["timestamp"],
        "source.ip": event["src_ip"],
        "source.port": event["src_port"],
        "destination.ip": event["dest_ip"],
        "destination.port": event["dest_port"],
        "protocol.transport": event["proto"].lower(),
        "destination.fqdn": name,
        "destination.url": f"http://{http['hostname']}{http['url']}" if "hostname" in http and "url" in http else None,
        "malware.hash.sha256": event.get("fileinfo", {}).get("sha256"),
        "classification.type": CLASSES.get(event["event_type"], "other"),
        "classification.identifier": str(alert["signature_id"]) if alert else None,
        "event_description.text": alert.get("signature"),
        "extra.sensor": event["host"],
        "raw": base64.b64encode(line.rstrip(b"\n")).decode(),
    }
    return {name: value for name, value in found.items() if value is not None}


def chain(lines: Path, table: str, out: str, socket: str) -> dict[str, int]:
    """Every line through the bots; how many events came out, and how many with an indicator."""
    library, message = importlib.import_module("intelmq.lib.bot"), importlib.import_module("intelmq.lib.message")
    quiet = library.BotLibSettings | {"logging_level": "ERROR"}
    same = {"redis_cache_host": socket, "filter_keys": "raw", "filter_type": "whitelist"}
    stored = {"engine": "sqlite", "database": table, "table": "indicators"}
    joined = {"match_fields": {"source.ip": "value"}, "replace_fields": {"id": "extra.indicator"}}
    deduplicator = _bot("experts.deduplicator.expert", quiet | same)
    matcher = _bot("experts.generic_db_lookup.expert", quiet | stored | joined)
    output = _bot("outputs.file.output", quiet | {"file": out, "keep_raw_field": False})
    counts = {"events": 0, "matched_events": 0}
    with lines.open("rb") as given:
        for line in given:
            event = message.Event(harmonization=deduplicator.harmonization)
            for name, value in parsed(json.loads(line), line).items():
                event.add(name, value, raise_failure=False)
            for new in deduplicator.process_message(event)["output"]:
                for done in matcher.process_message(new)["output"]:
                    counts["events"] += 1
                    counts["matched_events"] += "extra.indicator" in done
                    output.process_message(done)
    return counts


def _bot(module: str, settings: dict[str, Any]) -> Any:
    return importlib.import_module(f"intelmq.bots.{module}").BOT(
        module.split(".")[-2].replace("_", "-"), settings=settings
    )


if __name__ == "__main__":
    print(json.dumps(chain(Path(sys.argv[1]), *sys.argv[2:])))
