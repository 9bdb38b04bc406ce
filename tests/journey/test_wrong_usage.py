"""Wrong options, missing nodes and people who may not: one sentence, the right status, and nothing half-written."""

from __future__ import annotations

import contextlib
import gzip
import signal
import subprocess
import time
from pathlib import Path

import pytest

from journey.command_line import Answer, SeawallNode, environment, here
from journey.kill_drill import whole_lake
from journey.refusals import check_sentence, good, refused, write

pytestmark = pytest.mark.xdist_group("wrong-usage")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """One node for all of this: nothing here may spoil it for the next test."""
    return SeawallNode(tmp_path_factory.mktemp("bad") / "node", "TW")


# --- wrong usage -------------------------------------------------------------------------------------------------

WRONG: dict[str, str] = {
    "nonsense": "E-CLI-001",
    "ingest": "E-CLI-001",
    "ingest --nope x": "E-CLI-001",
    "match --nope": "E-CLI-001",
    "ingest {good} --format xyz": "E-INGEST-002",
    "match --since yesterday": "E-MODEL-001",
    "intel import {good} --tlp pink": "E-MARK-001",
    "intel import {folder}/nowhere.csv": "E-INTEL-001",
    "intel export --to xyz": "E-FLOW-082",
    "intel export --to csv --json": "E-FLOW",
    "intel export --to csv -o {folder}/no/such/folder/x": "E-",
    "protect export --to xyz": "E-",
    "users add mina --role king": "E-CLI-001",
    "users add mina": "E-CLI-001",
    "users add a:b --role taxii": "E-STORE",
    "users revoke nobody": "E-STORE",
    "circles create c --members nobody --tlp-ceiling amber": "E-FLOW-030",
    "circles create c --members nobody --tlp-ceiling pink": "E-MARK-001",
    "circles show nowhere": "E-STORE-061",
    "sync nobody": "E-STORE-051",
    "why indicator--x --peer nobody": "E-",
    "release indicator--x --circle nowhere": "E-STORE-061",
    "recall indicator--x": "E-FLOW-060",
    "observations --where a=b": "E-FLOW-011",
    "observations --where time>=b": "E-MODEL-001",
    "observations --where src_port=b": "E-FLOW-012",
    "observations --where nothing": "E-FLOW-010",
    "observations --limit x": "E-CLI-001",
    "observations --limit 0": "E-",
    "run nojob": "E-FLOW-070",
    "sensors import {folder}/nowhere.csv": "E-REFERENCE-001",
    "sensors import {good}": "E-REFERENCE-002",
    "assets import {good}": "E-REFERENCE-002",
    "peers add {folder}/nowhere --url https://x --code-name y": "E-",
    "peers suspend nobody": "E-STORE-051",
    "serve --port 99999": "E-",
    "serve --port x": "E-CLI-001",
    "--lang xx users list": "E-CLI-004",
    "init --name X --economy TW": "E-FLOW-001",
    "demo --scale -1": "E-",
    "--token {folder}/nowhere users list": "E-FLOW-005",
    "--token {folder} users list": "E-FLOW-005",
    "--token {binary} users list": "E-FLOW-005",
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_is_told_with_status_2(
    node: SeawallNode, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence with a stable code."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "good.json", good(1) + "\n")
    write(tmp_path / "token", bytes(range(256)))
    places = {"good": str(tmp_path / "good.json"), "binary": str(tmp_path / "token"), "folder": str(tmp_path)}
    before = sorted(tmp_path.iterdir())
    assert refused(node, *(word.format(**places) for word in line.split())).startswith(WRONG[line])
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("options", ["--economy TAIWAN", "--economy T1", "--economy TW --timezone Mars/Base"])
def test_a_node_is_made_whole_or_not_at_all(tmp_path: Path, options: str) -> None:
    """A wrong option leaves no folder behind, and the right one then works in the same place."""
    check_sentence(here("--node", tmp_path / "node", "init", "--name", "X", *options.split()), 2)
    assert list(tmp_path.iterdir()) == []


def test_no_node_is_told(tmp_path: Path) -> None:
    """Every command that needs a node says where it looked, and makes nothing."""
    for command in (("ingest", "x"), ("match",), ("serve",), ("doctor",), ("ledger", "verify"), ("users", "list")):
        for place in (tmp_path / "nowhere", write(tmp_path / "file", "x")):
            answer = here("--node", place, *command)
            check_sentence(answer, 2)
            assert str(place) in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --- refused -----------------------------------------------------------------------------------------------------


def test_who_may_not_is_refused_with_status_3(node: SeawallNode, tmp_path: Path) -> None:
    """A reader's token opens lists and nothing else; an invalid token opens nothing; rule 9 wants two people."""
    token = write(tmp_path / "reader.token", node.here("users", "add", "reader", "--role", "reader")["token"])
    taxii = write(tmp_path / "taxii.token", node.here("users", "add", "siem", "--role", "taxii")["token"])
    false = write(tmp_path / "false.token", "0" * 64)
    log = write(tmp_path / "x.json", good(800_000) + "\n")
    assert node.here("--token", token, "observations", "--limit", "1").keys() == {"items", "next"}
    for command in (
        ("ingest", log),
        ("intel", "import", log),
        ("match",),
        ("users", "list"),
        ("users", "add", "eve", "--role", "admin"),
        ("release", "indicator--x", "--circle", "c"),
        ("sensors", "import", log),
        ("circles", "create", "c", "--members", "siem", "--tlp-ceiling", "green"),
    ):
        for who in (token, taxii, false):
            assert refused(node, "--token", who, *command, status=3)
    standing = ("circles", "create", "c", "--members", "siem", "--tlp-ceiling", "green", "--auto", "indicator")
    assert "E-FLOW-033" in refused(node, *standing, status=3)
    own = node.folder / "administrator.token"
    assert "E-FLOW-003" in refused(node, *standing, "--approver-token", own, status=3)
    assert refused(node, *standing, "--approver-token", token, status=3)
    card = write(tmp_path / "card", "{}")
    assert refused(node, "peers", "add", card, "--url", "https://x:1", "--code-name", "y")


# --- real processes ----------------------------------------------------------------------------------------------


def test_a_process_says_the_same(node: SeawallNode, tmp_path: Path) -> None:
    """One line on standard error, nothing on standard output, no traceback, as promised for users' scripts."""
    for arguments, status in ((("ingest", tmp_path / "nowhere"), 2), (("--token", tmp_path / "x", "users", "list"), 2)):
        done = node.raw(*arguments)
        check_sentence(Answer(done.returncode, done.stdout.decode(), done.stderr.decode()), status)


def test_standard_input_may_break_too(node: SeawallNode) -> None:
    """A truncated stream keeps its complete lines; nothing at all is status 2."""
    packed = gzip.compress("".join(good(900_000 + number) + "\n" for number in range(2_000)).encode())
    report = node.run("ingest", "-", stdin=packed[: len(packed) // 2])
    assert report["problems"][0].startswith("standard input: ")
    assert node.raw("ingest", "-", stdin=b"").returncode == 2


def test_a_reader_that_goes_away_is_no_error(node: SeawallNode) -> None:
    """``seawall observations | head -1`` prints one line and no complaint."""
    command = " ".join(node.command("observations", "--limit", "10000"))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -1"], capture_output=True, env=environment(), timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_ctrl_c_ends_an_ingest_with_a_sentence(node: SeawallNode) -> None:
    """Status 130 as shells expect; what was committed stays, the rest is not there."""
    # tests that were begun in the background of a shell ignore Ctrl-C, and what they start would too (signal(7))
    process = subprocess.Popen(
        ["env", "--default-signal=INT", *node.command("ingest", "-")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write((good(950_000) + "\n").encode())
    process.stdin.flush()
    _wait_until_it_reads(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    check_sentence(Answer(process.returncode, out.decode(), err.decode()), 130)
    whole_lake(node)


def _wait_until_it_reads(process: int) -> None:
    """An ingest that has its memory for chunks (``memfd``) is about to read its input."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if "seawall-ingest" in str(descriptor.readlink()):
                    time.sleep(0.3)
                    return
        time.sleep(0.05)
    raise AssertionError("the ingest did not begin")
