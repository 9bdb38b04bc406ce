"""The routes of notices as a peer meets them: what is badly asked or brought gets one sentence and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from exchange.real_node import PEER, RealNode
from seawall.exchange import peer_app
from seawall.exchange.notices import NOTICES_MEDIA_TYPE, NOTICES_PATH
from seawall.flow.conduct import PeerWatch, conduct_of
from seawall.flow.notices import NoticeBook
from seawall.flow.service import NodeExchange
from seawall.identity import NodeKeys
from seawall.model import system_clock


@pytest.fixture
def real(tmp_path: Path) -> Iterator[RealNode]:
    """A node with one verified peer, and its peer app with notices."""
    keys = NodeKeys.create(tmp_path / "keys", name="Harbour", economy="KR", at=system_clock())
    made = RealNode(tmp_path / "node", keys)
    node = made.node
    made.app = peer_app(
        NodeExchange(node), title="Taipei", clock=node.clock, watch=PeerWatch(node), notices=NoticeBook(node)
    )
    with node:
        yield made


def test_an_empty_answer_says_how_far_both_are(real: RealNode) -> None:
    """Nothing waits, nothing was taken."""
    answer = real.ask("GET", NOTICES_PATH, after="0")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == NOTICES_MEDIA_TYPE
    assert msgspec.json.decode(answer.content)["taken"] == {"number": 0, "digest": ""}


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 30, "\u0663"])
def test_a_number_that_is_none_is_refused(real: RealNode, after: str) -> None:
    """HTTP 400 and a sentence."""
    answer = real.ask("GET", NOTICES_PATH, after=after)
    assert answer.status_code == 400
    assert b"E-EXCHANGE-608" in answer.content


@pytest.mark.parametrize(
    ("body", "status", "misdeed"),
    [
        (b"", 422, "malformed"),
        (b"[1", 422, "malformed"),
        (b'{"notices":7}', 422, "malformed"),
        (msgspec.json.encode({"notices": [{}] * 21}), 413, "oversize"),
        (b" " * (9 * 1024 * 1024 + 1), 413, "oversize"),
    ],
    ids=["empty", "cut", "no list", "too many", "too long"],
)
def test_what_is_no_list_of_notices_counts_against_its_sender(
    real: RealNode, body: bytes, status: int, misdeed: str
) -> None:
    """Refused with its status, and remembered."""
    answer = real.ask("POST", NOTICES_PATH, body)
    assert answer.status_code == status
    assert conduct_of(real.node, PEER).counts == {misdeed: 1}
    assert real.node.store.notices.last(PEER, ours=False) == 0
