"""How little a request costs where nothing changed: nothing is looked at twice, and nothing is missed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from exchange.fakes import indicator
from exchange.real_node import CIRCLE, PEER, RealNode
from exchange.scenes import Nodes
from seawall.flow.outgoing import CURSOR, Cursor, fill_one
from seawall.model import Pap, Tlp
from seawall.model.stored import StoredObject
from seawall.store.indicators import Indicators
from seawall.store.objects import Objects


@pytest.fixture
def taipei(tmp_path: Path, nodes: Nodes) -> Iterator[RealNode]:
    """A node and its peer."""
    made = RealNode(tmp_path / "node", nodes.seoul)
    with made.node:
        yield made


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which tables were searched for changes."""
    seen: list[str] = []
    for group in (Indicators, Objects):
        plain = group.changed_since

        def counting(self: object, *arguments: int, name: str = group.__name__, plain: object = plain) -> object:
            seen.append(name)
            return plain(self, *arguments)  # type: ignore[operator]

        monkeypatch.setattr(group, "changed_since", counting)
    return seen


def learn(taipei: RealNode, number: int) -> None:
    """One more object of our own; nobody approved its release."""
    body = indicator(number)
    head = msgspec.json.decode(body)
    taipei.node.store.objects.put(
        [StoredObject(head["id"], "indicator", head["modified"], None, body, Tlp.AMBER, Pap.AMBER)]
    )


def test_nothing_is_searched_until_something_changed(taipei: RealNode, looks: list[str]) -> None:
    """A fill that found nothing more ends the search until a number is given out; each change is seen once."""
    terms = taipei.node.store.circles.get(CIRCLE)
    for number in range(3):
        learn(taipei, number)
        looks.clear()
        assert fill_one(taipei.node, terms, PEER).withheld == 1
        assert looks == ["Indicators", "Objects", "Objects"]
        looks.clear()
        assert fill_one(taipei.node, terms, PEER).withheld == 0
        assert looks == []


def test_numbers_that_were_given_to_nothing_are_passed_too(taipei: RealNode, looks: list[str]) -> None:
    """What is put again unchanged takes numbers and changes nothing: one search passes them."""
    terms = taipei.node.store.circles.get(CIRCLE)
    for _ in range(2):
        learn(taipei, 1)
        fill_one(taipei.node, terms, PEER)
    looks.clear()
    assert fill_one(taipei.node, terms, PEER).withheld == 0
    assert looks == []
    text = taipei.node.store.notes.get(CURSOR.format(circle=CIRCLE, recipient=PEER))
    assert text is not None
    cursor = msgspec.json.decode(text, type=Cursor)
    assert (cursor.indicators, cursor.objects) == taipei.node.store.reached()


def test_a_request_reads_the_circles_once(taipei: RealNode) -> None:
    """Within one glance the terms stay as they were; the next one, and everybody outside, sees them changed."""
    circles = taipei.node.store.circles
    terms = circles.get(CIRCLE)
    with circles.glance():
        assert circles.list() == (terms,)
        circles.save(msgspec.structs.replace(terms, version=terms.version + 1), taipei.clock())
        assert circles.list() == (terms,)
        assert circles.get(CIRCLE).version == terms.version + 1
    assert [item.version for item in circles.list()] == [terms.version + 1]
    with circles.glance():
        assert [item.version for item in circles.list()] == [terms.version + 1]
