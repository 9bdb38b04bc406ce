"""Logs of tools that enforce exports, read into hits."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow.test_enforced_hits import LISTED, MOMENT, node, seen  # noqa: F401 - the scene
from seawall.flow.enforced_logs import take_log
from seawall.flow.node import Node
from seawall.model import Fault, Observable, ObservableType
from seawall.model.directive import Action
from seawall.protect.gate import undo_name

NAME = undo_name(Action.BLOCK, Observable(ObservableType.IPV4, LISTED))


def log(folder: Path, *minutes: int, text: str = f"ban {LISTED} seawall {NAME}") -> Path:
    """A log with a line at each of these minutes before midnight."""
    path = folder / "tool.log"
    path.write_text("".join(f"2026-03-14T23:{59 - minute:02d}:00Z {text}\n" for minute in sorted(minutes)[::-1]))
    return path


def test_a_log_that_grew_counts_each_line_once(node: Node, tmp_path: Path) -> None:  # noqa: F811
    """Read twice it is the same hit; read again when it has more lines it is the longer one."""
    assert take_log(node, log(tmp_path, 50, 40), "named", "gw").new == 1
    assert take_log(node, log(tmp_path, 50, 40), "named", "gw").unchanged == 1
    assert take_log(node, log(tmp_path, 50, 40, 30), "named", "gw").updated == 1
    assert seen(node) == [(LISTED, 3, ["indicator", "none"])]


def test_what_is_not_ours_is_nothing(node: Node, tmp_path: Path) -> None:  # noqa: F811
    """Names of unknown directives, other lines and endless lines take nothing and stop nothing."""
    path = log(tmp_path, 50, 40)
    noise = f"seawall {'0' * 16}\n" + "x" * 200_000 + f" seawall {NAME}\n"
    path.write_text(noise + path.read_text())
    assert take_log(node, path, "named", "gw").new == 1
    assert seen(node) == [(LISTED, 2, ["indicator", "none"])]


def test_what_cannot_be_read_is_said_in_one_sentence(node: Node, tmp_path: Path) -> None:  # noqa: F811
    """An unknown kind, a missing file and a log without moments each have their code."""
    with pytest.raises(Fault, match="E-FLOW-986"):
        take_log(node, log(tmp_path, 1), "syslog", "gw")
    with pytest.raises(Fault, match="E-FLOW-989"):
        take_log(node, tmp_path / "none", "named", "gw")
    (tmp_path / "bare").write_text(f"seawall_block_{NAME} without a moment\n")
    with pytest.raises(Fault, match="E-FLOW-988"):
        take_log(node, tmp_path / "bare", "named", "gw")
    assert MOMENT
