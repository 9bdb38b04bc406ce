"""What everyday commands load: without measuring time, which depends on the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seawall.cli import run

SERVING = {"litestar", "uvicorn", "seawall.api", "seawall.web"}
CALLING = {"httpx", "seawall.exchange.taxii.client"}
COUNTING = {"pandas", "scipy", "sklearn", "networkx", "pyspark"}
COLUMNS = {"numpy", "pyarrow", "duckdb"}
FORMATS = {"seawall.ingest.formats", "seawall.codec.misp"}
NEVER = SERVING | CALLING | COUNTING | {"alembic", "rich", "sqlalchemy.dialects.postgresql"}

HEAVY = {
    "--version": NEVER - {"rich"} | COLUMNS | FORMATS | {"sqlalchemy", "cryptography"},
    "config show": NEVER | COLUMNS | FORMATS,
    "users list": NEVER | COLUMNS | FORMATS,
    "circles list": NEVER | COLUMNS | FORMATS,
    "peers list": NEVER | COLUMNS | FORMATS,
    "ledger show": NEVER | COLUMNS | FORMATS,
    "ledger verify": NEVER | COLUMNS | FORMATS,
    "points list": NEVER | {"duckdb", "seawall.ingest.formats"},
    "protect status": NEVER | {"duckdb", "seawall.ingest.formats"},
    "sightings": NEVER | FORMATS,
    "match": NEVER | FORMATS,
    "observations": NEVER | FORMATS,
    "warnings": NEVER | {"seawall.ingest.formats"},
}
"""Command -> what it must not load. A command that begins to need one of these says so here."""

LOADED = """
import sys
from seawall.cli.starting import start_quickly
from seawall.cli import run
start_quickly()
status = run(sys.argv[2:])
print("heavy:", *(name for name in sys.argv[1].split(",") if name in sys.modules), "status:", status)
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty node."""
    folder = tmp_path_factory.mktemp("start") / "node"
    assert run(["init", "--node", str(folder), "--name", "Alpha", "--economy", "TW", "--json"]) == 0
    return folder


@pytest.mark.parametrize("command", HEAVY)
def test_a_command_loads_nothing_heavy_that_it_does_not_need(node: Path, command: str) -> None:
    """In a fresh interpreter, what the command can do without is not loaded when it has ended."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, ",".join(sorted(HEAVY[command])), *command.split(), "--node", node, "--json"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "heavy: status: 0", done.stdout[-300:] + done.stderr
