"""Journey: two nodes talk in a circle whose proof stays between them, by the command line and over real sockets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from journey.command_line import SeawallNode, free_port
from seawall.exchange.notices.paths import NOTICE_TYPE
from seawall.flow.node import Node
from seawall.identity import dsse
from seawall.identity.origin import MARK
from seawall.identity.prekey_files import PREKEYS
from seawall.model import ObservableType

pytestmark = pytest.mark.xdist_group("between-us")
VALUE = "203.0.113.91"


class Pair(NamedTuple):
    """Both serve; each knows the other by its name."""

    taipei: SeawallNode
    seoul: SeawallNode


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Verified, and agreed on a circle that is between them."""
    root = tmp_path_factory.mktemp("pair")
    nodes = {"taipei": SeawallNode(root / "taipei", "TW"), "seoul": SeawallNode(root / "seoul", "KR")}
    ports = {name: (free_port(), free_port()) for name in nodes}
    for here, there in (("taipei", "seoul"), ("seoul", "taipei")):
        node, second = nodes[here], nodes[here].second_person()
        card = root / f"{there}.card"
        card.write_bytes(nodes[there].raw("peers", "card").stdout)
        node.here("peers", "add", card, "--url", f"https://127.0.0.1:{ports[there][1]}", "--code-name", there)
        node.here("peers", "verify", there, "--fingerprint", nodes[there].fingerprint, "--approver-token", second)
        node.here("circles", "create", "quiet", "--members", there, "--tlp-ceiling", "amber", "--auto",
                  "indicator,sighting", "--proof", "between-us", "--approver-token", second)  # fmt: skip
    with nodes["taipei"].serving(*ports["taipei"]), nodes["seoul"].serving(*ports["seoul"]):
        yield Pair(nodes["taipei"], nodes["seoul"])


def test_one_sync_tells_both_their_prekeys(pair: Pair) -> None:
    """Before it neither has one; after it each shows its own, and nobody is left to be told."""
    assert pair.taipei.here("keys", "show")["prekey"] is None
    pair.taipei.here("sync", "seoul")
    for node in pair:
        shown = node.here("keys", "show")
        assert len(shown["prekey"]) == 16
        assert 0 <= shown["prekey_age_seconds"] < 600
        assert ", 0 told, 0 wiped" in node.here("run", "prekeys")["result"]
        (file,) = (node.folder / "keys" / PREKEYS).glob("*.key")
        assert file.stat().st_mode & 0o777 == 0o600


def test_what_arrives_bears_no_signature(pair: Pair, tmp_path: Path) -> None:
    """The indicator comes in, and the receiver's store holds no signature of its maker."""
    (tmp_path / "new.csv").write_text(f"type,value\nipv4,{VALUE}\n")
    pair.taipei.here("intel", "import", tmp_path / "new.csv", "--tlp", "amber", "--source", "ours")
    pair.taipei.here("sync", "seoul")
    assert pair.taipei.here("circles", "show", "quiet")["proof"] == "between-us"
    assert VALUE in pair.seoul.raw("intel", "export", "--to", "csv").stdout.decode()
    exported = pair.seoul.raw("intel", "export", "--to", "stix").stdout
    assert VALUE.encode() in exported
    assert MARK not in exported


def test_a_recall_is_believed_and_proves_nothing(pair: Pair) -> None:
    """It takes the value away and is confirmed; of all notices that Seoul keeps, none that names it is signed."""
    with Node.open(pair.taipei.folder) as node:
        keys = [node.keys.signing_public]
        entry = node.store.indicators.lookup(ObservableType.IPV4, VALUE)
    assert entry is not None
    pair.taipei.here("recall", entry.indicator_id)
    pair.taipei.here("sync", "seoul")
    assert VALUE not in pair.seoul.raw("intel", "export", "--to", "csv").stdout.decode()
    time.sleep(0.5)
    pair.taipei.here("sync", "seoul")
    (row,) = pair.taipei.here("recalls")["items"]
    assert row["state"] == "confirmed"
    with Node.open(pair.seoul.folder) as node:
        last = node.store.notices.last("taipei", ours=False)
        kept = [node.store.notices.get("taipei", number, ours=False) for number in range(1, last + 1)]
    naming = [notice for notice in kept if notice is not None and entry.indicator_id.encode() in words(notice.envelope)]
    assert naming
    for notice in naming:
        assert not dsse.signed_by(notice.envelope, NOTICE_TYPE, keys)


def words(envelope: bytes) -> bytes:
    """What stands in a notice."""
    return dsse.peek(envelope, NOTICE_TYPE)
