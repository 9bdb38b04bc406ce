"""Scenes of the web tests: a node with a page, and a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from api.fake_node import FakeNode
from seawall.api import local_app
from seawall.api.orders import order_routes
from seawall.api.warnings import warning_routes
from seawall.exchange import local_listener
from seawall.web import web_routes
from web.chromium import Chromium, Page

Start = Callable[[FakeNode], str]


@pytest.fixture
def serve() -> Iterator[Start]:
    """Starts a node's local listener with API and page; returns its address."""
    with ExitStack() as stack:

        def start(node: FakeNode) -> str:
            app = local_app(node, routes=[*web_routes(), *warning_routes(node.desk), *order_routes(node.orders)])
            listener = stack.enter_context(local_listener(app, host="127.0.0.1", port=0))
            return f"http://127.0.0.1:{listener.port}"

        yield start


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Page]:
    """A tab of a fresh browser."""
    with Chromium(tmp_path / "profile") as chromium:
        yield chromium.page()
