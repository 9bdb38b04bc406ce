"""Three nodes in processes of their own: each pair verified each other and shares a circle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from journey.command_line import SeawallNode, free_port

ECONOMIES = {"taipei": "TW", "seoul": "KR", "tokyo": "JP"}


class Trio:
    """Nodes by their code name, the second person of each, and the circles between the pairs that were asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.nodes = {name: SeawallNode(root / name, economy) for name, economy in ECONOMIES.items()}
        self.ports = {name: (free_port(), free_port()) for name in self.nodes}
        self.approvers = {name: node.second_person() for name, node in self.nodes.items()}

    def card(self, name: str) -> Path:
        """The card of a node as it is now, in a file."""
        file = self.root / f"{name}.card"
        file.write_bytes(self.nodes[name].raw("peers", "card").stdout)
        return file

    def url(self, name: str) -> str:
        """A node's peer listener."""
        return f"https://127.0.0.1:{self.ports[name][1]}"

    def introduce(self, one: str, other: str, *circle_options: str) -> None:
        """Two nodes verify each other; with options they share a circle named after both."""
        circle = "-".join(sorted((one, other)))
        for here, there in ((one, other), (other, one)):
            node, second = self.nodes[here], self.approvers[here]
            node.here("peers", "add", self.card(there), "--url", self.url(there), "--code-name", there)
            spoken = self.nodes[there].fingerprint
            node.here("peers", "verify", there, "--fingerprint", spoken, "--approver-token", second)
            if circle_options:
                named = ("circles", "create", circle, "--members", there, "--tlp-ceiling", "amber")
                node.here(*named, *circle_options, "--approver-token", second)

    def rotate(self, name: str, *options: str) -> dict[str, object]:
        """Two people of a node replace its keys."""
        done: dict[str, object] = self.nodes[name].here(
            "keys", "rotate", *options, "--approver-token", self.approvers[name]
        )
        return done

    @contextmanager
    def serving(self) -> Iterator[None]:
        """All three, until the block ends."""
        with ExitStack() as stack:
            for name, node in self.nodes.items():
                stack.enter_context(node.serving(*self.ports[name]))
            yield
