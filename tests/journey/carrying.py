"""Two nodes that share no network, and the people who carry files between them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from journey.command_line import SeawallNode


class Shores(NamedTuple):
    """Taipei and Seoul, pinned to each other, with the circle ``tw-kr`` on both sides but nothing exchanged yet."""

    taipei: SeawallNode
    seoul: SeawallNode
    stick: Path

    def carry(self, sender: SeawallNode, *arguments: str | Path) -> dict[str, Any]:
        """One drop from ``sender`` to the other side; returns what the import said."""
        there, name = (self.seoul, "seoul") if sender is self.taipei else (self.taipei, "taipei")
        file = self.stick / f"to-{name}.drop.zst"
        sender.here("export-drop", name, "-o", file, *arguments)
        found: dict[str, Any] = there.here("import-drop", file)
        return found

    def rounds(self, count: int = 2) -> None:
        """Files go to and fro, as often as told."""
        for _ in range(count):
            self.carry(self.taipei)
            self.carry(self.seoul)


def two_shores(root: Path) -> Shores:
    """Two fresh nodes that know no address of each other."""
    taipei, seoul = SeawallNode(root / "taipei", "TW"), SeawallNode(root / "seoul", "KR")
    approvers = {taipei: taipei.second_person(), seoul: seoul.second_person()}
    for here, there, name in ((taipei, seoul, "seoul"), (seoul, taipei, "taipei")):
        card = root / f"{name}.card"
        card.write_bytes(there.raw("peers", "card").stdout)
        second = approvers[here]
        here.here("peers", "add", card, "--code-name", name)
        here.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
        here.here("circles", "create", "tw-kr", "--members", name, "--tlp-ceiling", "amber", "--auto",
                  "indicator,sighting", "--approver-token", second)  # fmt: skip
    stick = root / "stick"
    stick.mkdir()
    return Shores(taipei, seoul, stick)


@contextmanager
def no_network() -> Iterator[None]:
    """Any attempt to reach a network fails the test; a socket of this machine's own files is none."""
    connect = socket.socket.connect

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    def here(opened: socket.socket, address: Any) -> None:
        if opened.family != socket.AF_UNIX:
            refuse()
        connect(opened, address)

    with patch.object(socket.socket, "connect", here), patch.object(socket, "getaddrinfo", refuse):
        yield


@contextmanager
def agreed_shores(root: Path) -> Iterator[Shores]:
    """Two nodes that agreed on their circle; while they are used, no socket may be opened."""
    made = two_shores(root)
    with no_network():
        made.rounds(2)
        yield made
