"""A node that listens, with people of each role, as PyMISP meets it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from seawall.api.serving import Serving
from seawall.flow.intel import import_paths
from seawall.flow.node import Node, create_node
from seawall.model import UserRole

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pymisp import PyMISP

LISTED = "203.0.113.77"  # stands in no MISP event


class Scene(NamedTuple):
    """One node, its address, a token for each role."""

    node: Node
    url: str
    tokens: dict[str, str]

    def misp(self, role: str = "analyst") -> Any:
        """A client of this role. Its answers are unions of everything; tests look at what came."""
        return PyMISP(self.url, self.tokens[role], ssl=False)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Taipei, with one list imported."""
    logging.getLogger("pymisp").setLevel(logging.CRITICAL)
    create_node(tmp_path / "node", name="Taipei", economy="TW", sector="government", timezone="UTC", lang="en")
    listed = tmp_path / "list.csv"
    listed.write_text(f"type,value,description\nipv4,{LISTED},from a list\n")
    with Node.open(tmp_path / "node") as node:
        import_paths(node, [listed], tlp="green", source="ours")
        tokens = {role.value: node.store.users.add(f"the {role.value}", role, node.clock()) for role in UserRole}
        with Serving(node, port=0, peer_port=0) as serving:
            yield Scene(node, serving.local_url, tokens)
