"""A real honeypot, attacked for real in a network namespace of its own, and followed live."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from absent import absent
from journey.command_line import SeawallNode
from journey.honeypot import ATTACKER, HONEYPOT, TYPED
from journey.tailing import Tailing, eventually
from seawall.flow.node import Node
from seawall.flow.screens import node_screens
from seawall.match import candidates

COWRIE = "cowrie==3.1.4"
SYSTEM_PYTHON = "/usr/bin/python3"  # readable by the unprivileged user, which a private one need not be
CACHE = Path(os.environ.get("SEAWALL_TEST_CACHE", Path(__file__).parents[2] / ".cache"))


@pytest.fixture(scope="module")
def cowrie() -> Path:
    """Cowrie in an environment of its own, installed once; skips where it cannot be had, fails under ``CI=true``."""
    venv = CACHE / "cowrie"
    try:
        if not (venv / "ready").exists():
            shutil.rmtree(venv, ignore_errors=True)
            subprocess.run([SYSTEM_PYTHON, "-m", "venv", str(venv)], check=True, capture_output=True, timeout=120)
            install = [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", COWRIE]
            subprocess.run(install, check=True, capture_output=True, timeout=900)
            (venv / "ready").touch()
        subprocess.run([str(venv / "bin" / "python"), "-c", ""], check=True, user="nobody", cwd="/")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        absent(f"{COWRIE} cannot be had or run here: {error} {said[-300:]!r}")
    return venv


@pytest.mark.long
@pytest.mark.timeout(1500)
@pytest.mark.tool("unshare")
@pytest.mark.tool("ip")
def test_an_attack_on_a_honeypot_is_seen_live(cowrie: Path, tmp_path: Path) -> None:
    """An attacker's address is a sighting at once, honeypot observations and a candidate follow."""
    node = SeawallNode(tmp_path / "node", "TW")
    (tmp_path / "list.csv").write_text(f"id,type,value\n1,ipv4,{ATTACKER}\n")
    node.here("intel", "import", tmp_path / "list.csv", "--tlp", "amber")
    pot = _folder_of_nobody(tmp_path)
    attack = [sys.executable, str(Path(__file__).with_name("honeypot.py")), str(cowrie), str(pot)]
    honeypot = subprocess.Popen(["unshare", "-n", *attack], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert honeypot.stdin is not None
    assert honeypot.stdout is not None
    log = pot / "var" / "log" / "cowrie" / "cowrie.json"
    try:
        with Tailing(node, log, commit_seconds=3600) as tailing:
            _round(honeypot)
            eventually(lambda: node.here("sightings")["items"], why="the attacker was not seen")
            assert node.here("observations")["items"] == []
            _round(honeypot)
    finally:
        honeypot.stdin.close()
        honeypot.wait(60)
        honeypot.stdout.close()
    assert honeypot.returncode == 0
    assert (tailing.report["rejected"], tailing.report["duplicates"], tailing.report["problems"]) == (0, 0, [])
    lines = [line for line in log.read_bytes().split(b"\n") if line]
    rows = node.here("observations", "--limit", "1000")["items"]
    assert 0 < tailing.report["stored"] == len(rows) <= len(lines)  # Cowrie may add a word after we stopped
    by_attacker = [row for row in rows if row["src"] == ATTACKER]
    assert {row["basis"] for row in by_attacker} == {"honeypot"}
    assert {row["sensor"] for row in by_attacker} == {"pot-1"}
    assert HONEYPOT in {row["dst"] for row in by_attacker}
    assert {typed.decode() for typed in TYPED} <= {row["command"] for row in rows}
    assert ATTACKER in candidates_of(node)
    assert [one["value"] for one in node.here("sightings")["items"]] == [ATTACKER]


def candidates_of(node: SeawallNode) -> set[str]:
    """What the node could tell others without any indicator."""
    with Node.open(node.folder) as opened, opened.lake.reading() as session:
        return {found.value for found in candidates(session, node_screens(opened))}


def _round(honeypot: subprocess.Popen[bytes]) -> None:
    """One attack from beginning to end."""
    assert honeypot.stdin is not None
    assert honeypot.stdout is not None
    honeypot.stdin.write(b"attack\n")
    honeypot.stdin.flush()
    assert honeypot.stdout.readline() == b"attacked\n"


def _folder_of_nobody(tmp_path: Path) -> Path:
    """A folder in which the unprivileged user may write, and every folder above it open to them."""
    made = tmp_path / "pot"
    made.mkdir()
    shutil.chown(made, "nobody", "nogroup")
    for above in (tmp_path, *tmp_path.parents):
        if above.stat().st_uid == os.geteuid() and above != Path(above.anchor):
            above.chmod(above.stat().st_mode | 0o011)
    return made
