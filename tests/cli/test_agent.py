"""``seawall agent`` as the people at the node and at the gateway type it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from flow.agent_scenes import QUICK, blocks, put, running
from journey.command_line import SeawallNode, environment, free_port, here
from protect.agent.scenes import MemoryTool, soon
from seawall.flow.node import Node
from seawall.protect.agent.config import load_config
from seawall.protect.agent.state import AgentState


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A gateway's file."""
    path = tmp_path / "agent.toml"
    path.write_text(f'state = "{tmp_path / "state"}"\n[limits]\nzone = "internet-edge"\n[tools.nftables]\n')
    path.chmod(0o644)
    return path


@contextmanager
def serving(node: SeawallNode, port: int) -> Iterator[subprocess.Popen[str]]:
    """``seawall serve`` in a process of its own, with a door for agents; killed when it is not ended before."""
    process = subprocess.Popen(
        node.command("serve", "--port", "0", "--peer-port", "0"),
        env=environment() | {"SEAWALL_PROTECT_AGENT_PORT": str(port), "SEAWALL_PROTECT_AGENT_HOST": "127.0.0.1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        lines = [process.stderr.readline() for _ in range(3)]
        assert re.search(rf"{port}\b", lines[2]), lines
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        process.stderr.close()


@pytest.mark.long
def test_from_invitation_to_a_block_and_over_the_death_of_the_node(tmp_path: Path, config: Path) -> None:
    """A point, an invitation and an enrolment by hand; the served node's change of another process is in the tool at
    once; killed and started again, the node is followed as before."""
    node, port, tool = SeawallNode(tmp_path / "node", "TW"), free_port(), MemoryTool()
    node.run("points", "add", "gw-1", "--zone", "internet-edge", "--tools", "nftables")
    with serving(node, port):
        invited = node.run("agent", "invite", "gw-1")
        (tmp_path / "token").write_text(invited["token"] + "\n")
        said = here(
            "agent", "enroll", "--url", f"https://127.0.0.1:{port}", "--fingerprint", invited["fingerprint"],
            "--enroll-token", tmp_path / "token", "--config", config, "--json",
        )  # fmt: skip
        assert said.document["point"] == "gw-1"
        (point,) = node.listing("points", "list")
        assert point["agent"] == said.document["fingerprint"]
        given = replace(load_config(config), times=QUICK)
        with running(given, tool), Node.open(node.folder) as other:
            put(other, *blocks(["203.0.113.1"]))
            assert soon(lambda: tool.values == {"203.0.113.1"}, 15)
            again = ("--url", "https://127.0.0.1:1", "--fingerprint", "1", "--enroll-token", tmp_path / "token")
            assert here("agent", "enroll", *again, "--config", config).err.startswith("E-PROTECT-061")
    with running(given, tool), Node.open(node.folder) as other:
        put(other, *blocks(["203.0.113.2"]))
        assert tool.values == {"203.0.113.1"} or soon(lambda: tool.values == {"203.0.113.1"})
        with serving(node, port):
            assert soon(lambda: len(tool.values) == 2, 40)
    shown = here("agent", "status", "--config", config, "--json").document
    assert (shown["point"], shown["running"], shown["sequence"] > 0) == ("gw-1", False, True)
    assert [tool["name"] for tool in shown["tools"]] == ["memory"]
    assert "memory" in here("agent", "status", "--config", config).out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["status"], "E-PROTECT-056"),
        (["run"], "E-PROTECT-056"),
        (["enroll", "--url", "http://h:1", "--fingerprint", "1", "--enroll-token", "TOKEN"], "E-PROTECT-053"),
        (["enroll", "--url", "https://127.0.0.1:9", "--fingerprint", "1", "--enroll-token", "TOKEN"], "E-PROTECT-054"),
        (["enroll", "--url", "https://h:1", "--fingerprint", "1", "--enroll-token", "nowhere"], "E-CLI-113"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, config: Path, arguments: list[str], code: str) -> None:
    """Not enrolled, no address, nobody there, no token: each by its code."""
    (tmp_path / "TOKEN").write_text("t")
    given = [str(tmp_path / "TOKEN") if word == "TOKEN" else word for word in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "seawall", "agent", *given, "--config", str(config)],
        capture_output=True, text=True, env=environment(), check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr.startswith(code), done.stderr.count("\n")) == (2, True, 1), done.stderr


def test_a_file_without_tools_or_of_somebody_else_is_not_used(config: Path) -> None:
    """No tool, an unknown tool, options that it does not take, or a file that others may write."""
    text = config.read_text()
    for wrong, code in (
        (text.replace("[tools.nftables]", ""), "E-CLI-114"),
        (text.replace("nftables", "magic"), "E-PROTECT-059"),
        (text + "colour = 1\n", "E-PROTECT-060"),
    ):
        config.write_text(wrong)
        assert code in here("agent", "run", "--config", config).err
    config.chmod(0o662)
    assert here("agent", "run", "--config", config).err.startswith("E-PROTECT-041")


def test_a_clear_is_remembered_also_when_a_tool_is_not_there(tmp_path: Path, config: Path) -> None:
    """The tool cannot be run: said, exit status 2; the wish to be empty stands all the same until it is taken back."""
    config.write_text(config.read_text() + 'command = ["/nonexistent/nft"]\n')
    done = here("agent", "clear", "--config", config, "--json")
    assert done.status == 2
    assert "E-PROTECT-070" in done.document["problems"][0]
    state = AgentState(tmp_path / "state")
    assert state.fact("cleared") is not None
    assert here("agent", "clear", "--resume", "--config", config, "--json").document["cleared"] is False
    assert state.fact("cleared") is None
    state.close()
    assert (tmp_path / "state").stat().st_mode & 0o077 == 0
