"""The restore drill over two serving nodes: a lost disk, a backup, and a neighbour who takes nobody's word for it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import SeawallNode, free_port

WORDS = "correct horse battery staple"
FILES = ("leaves", "payloads", "checkpoint", "frontier", "refusals")


class Drill:
    """Taipei and Seoul, their ports and second people."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.taipei, self.seoul = SeawallNode(root / "taipei", "TW"), SeawallNode(root / "seoul", "KR")
        self.ports = {self.taipei: (free_port(), free_port()), self.seoul: (free_port(), free_port())}
        self.second = {node: node.second_person() for node in (self.taipei, self.seoul)}
        for here, there, name in ((self.taipei, self.seoul, "seoul"), (self.seoul, self.taipei, "taipei")):
            card = root / f"{name}.card"
            card.write_bytes(there.raw("peers", "card").stdout)
            url = f"https://127.0.0.1:{self.ports[there][1]}"
            here.here("peers", "add", card, "--url", url, "--code-name", name)
            here.here(
                "peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", self.second[here]
            )
        (root / "words").write_text(WORDS)

    def neighbour(self) -> Any:
        """What Seoul sees of Taipei."""
        return self.seoul.here("peers", "list")["items"][0]

    def cosign(self) -> None:
        """Taipei asks, and both synchronise until the answer is there."""
        self.taipei.here("ledger", "checkpoint", "--peer", "seoul")
        self.taipei.here("sync", "seoul")
        self.taipei.here("sync", "seoul")

    def happen(self, name: str) -> None:
        """Something for Taipei's ledger."""
        self.taipei.here("users", "add", name, "--role", "reader")
        (self.root / "v.csv").write_text(f"type,value\ndomain,{name}.example\n")
        self.taipei.here("intel", "import", self.root / "v.csv", "--tlp", "green", "--source", "ours")
        self.taipei.here("intel", "export", "--to", "csv", "-o", self.root / "out.csv")

    def checkpoints(self) -> list[int]:
        """How far Taipei's ledger is cosigned."""
        return [item["size"] for item in self.taipei.here("ledger", "verify")["cosigned"]]


@pytest.fixture
def drill(tmp_path: Path) -> Drill:
    """Two nodes that verified each other."""
    return Drill(tmp_path)


def test_a_node_comes_back_from_its_backup(drill: Drill) -> None:
    """Backed up while served, lost, restored: Seoul cosigns again only after two people there accepted it."""
    seoul = drill.seoul
    words = ("--passphrase-file", drill.root / "words")
    with seoul.serving(*drill.ports[seoul]):
        with drill.taipei.serving(*drill.ports[drill.taipei]):
            drill.happen("before")
            drill.taipei.here("backup", "-o", drill.root / "b", *words)
            for number in range(3):
                drill.happen(f"after{number}")
            drill.cosign()
        before = drill.checkpoints()[0]
        assert drill.neighbour()["ledger"] == "cosigned"
        shutil.rmtree(drill.taipei.folder)
        told = drill.taipei.here("restore", drill.root / "b", *words)
        assert told["peers_told"] == ["seoul"]
        with drill.taipei.serving(*drill.ports[drill.taipei]):
            drill.taipei.here("sync", "seoul")
            assert drill.neighbour()["ledger"] == "restored"
            assert any(not check["ok"] and "two people" in check["detail"] for check in seoul.here("doctor")["checks"])
            drill.cosign()
            assert drill.neighbour()["ledger"] == "restored"
            assert seoul.raw("peers", "accept-restore", "taipei").returncode == 3
            done = seoul.here("peers", "accept-restore", "taipei", "--approver-token", drill.second[seoul])
            assert (done["leaves_before"], done["leaves_now"] < before) == (before, True)
            drill.cosign()
            drill.cosign()
            assert drill.neighbour()["ledger"] == "cosigned"
            assert drill.checkpoints()[0] > done["leaves_now"]
            assert seoul.here("ledger", "forks")["items"] == []


def test_files_put_back_are_a_fork(drill: Drill) -> None:
    """Who copies yesterday's folder back instead is told apart by the neighbour, with both checkpoints as evidence."""
    taipei, seoul = drill.taipei, drill.seoul
    with seoul.serving(*drill.ports[seoul]):
        drill.happen("before")
        shutil.copytree(taipei.folder, drill.root / "yesterday")
        drill.happen("after")
        drill.cosign()
        assert drill.neighbour()["ledger"] == "cosigned"
        for name in FILES:
            shutil.copy(drill.root / "yesterday" / "ledger" / name, taipei.folder / "ledger" / name)
        assert taipei.raw("ledger", "verify").stderr.startswith(b"E-FLOW-364")
        shutil.rmtree(taipei.folder)
        shutil.copytree(drill.root / "yesterday", taipei.folder)  # the store goes back too: the node itself cannot know
        drill.happen("another-story")
        drill.cosign()
        evidence = seoul.here("ledger", "forks")["items"][0]
        assert (evidence["ledger"], evidence["reason"]) == ("taipei", drill.neighbour()["ledger"])
        assert evidence["reason"] in ("forked", "rolled-back")
        assert evidence["held"] != evidence["given"]
        assert taipei.here("ledger", "forks")["items"][0]["told_by"] == "seoul"
