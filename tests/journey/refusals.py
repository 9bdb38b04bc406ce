"""What a command that must fail may do: say one sentence with a code, and change nothing."""

from __future__ import annotations

import re
from pathlib import Path

from journey.command_line import Answer, SeawallNode, eve, here
from journey.kill_drill import whole_lake
from seawall.flow.node import Node

SENTENCE = re.compile(r"E-[A-Z]+-\d{3}: [^\n]+[.?]\n")
MOMENT = "2026-03-14T03:12:00.{:06}+0000"


def state(node: SeawallNode) -> tuple[object, ...]:
    """Everything that a refused command must leave as it was."""
    with Node.open(node.folder) as opened:
        knowledge = opened.store.indicators.count_by_type(), opened.store.objects.changed_since(0, 1000)
        people = opened.store.users.list(), opened.store.peers.list(), opened.store.circles.list()
    files = sorted(path for path in node.folder.rglob("*") if path.suffix in (".new", ".parquet", ".toml", ".csv"))
    return whole_lake(node), knowledge, people, files, sorted(node.folder.parent.iterdir())


def refused(node: SeawallNode, *arguments: str | Path, status: int = 2) -> str:
    """Run a command that must fail: the sentence it said. It printed no result and changed nothing."""
    before = state(node)
    answer = here("--node", node.folder, *arguments)
    check_sentence(answer, status)
    assert state(node) == before
    return answer.err


def check_sentence(answer: Answer, status: int) -> None:
    """One sentence with a code on standard error, nothing on standard output."""
    assert (answer.status, answer.out) == (status, ""), answer
    assert SENTENCE.fullmatch(answer.err), answer.err
    assert "Traceback" not in answer.err
    assert "E-CLI-999" not in answer.err


def good(number: int, **more: object) -> str:
    """A line that can be stored."""
    return eve(MOMENT.format(number), "203.0.113.9", "10.0.0.1", sensor="s1", kind="flow", **more)


def write(path: Path, content: bytes | str) -> Path:
    """A file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
