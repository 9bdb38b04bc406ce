"""Real servers for tests. PostgreSQL: a fresh cluster in a temporary folder, reached over a local socket only."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from absent import absent

START_SECONDS = 60


def postgres_programs() -> Path | None:
    """The folder of the newest PostgreSQL server programs; None when there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@contextmanager
def postgres() -> Iterator[str]:
    """A running PostgreSQL; yields the address of its ``postgres`` database, ends it afterwards.

    As root it runs as user ``postgres`` (the server refuses root). Without the programs the test is skipped, under
    ``CI=true`` it fails.
    """
    programs = postgres_programs()
    if programs is None:
        absent("no PostgreSQL server programs (install the package postgresql)")
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    # a short path: a socket's name holds 107 bytes
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_user, str(programs / program), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            log = folder / "log"
            pytest.fail(f"{program}: {done.stderr}{log.read_text() if log.exists() else ''}")

    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
    try:
        run("initdb", "-D", str(data), "-U", "seawall", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        # not captured: the server would hold the pipe open
        run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "-s", "start")
        yield f"postgresql+psycopg://seawall@/postgres?host={folder}"
    finally:
        subprocess.run([*as_user, str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "-s", "stop"], cwd="/")
        shutil.rmtree(folder, ignore_errors=True)
