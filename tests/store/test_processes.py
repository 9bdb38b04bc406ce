from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

from seawall.store import Store
from store_scenes import EVERYTHING

WRITER = """
import sys
from seawall.model import ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.outbox import OutboxRow
from seawall.store import Store
from seawall.store import indicators
indicators.BATCH = 50
url, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
def entries(shared):
    for n in range(200):
        value = f"198.51.100.{n}" if shared else f"{name}-{n}.example"
        kind = ObservableType.IPV4 if shared else ObservableType.DOMAIN
        yield IndicatorEntry(kind, value, f"indicator--{value}", None, None, None, Tlp.GREEN, Pap.GREEN, None, None,
                             None, None, (), b"{}")
with Store.open(url) as store:
    for round in range(rounds):
        store.indicators.put(entries(False), source=name, at=1)
        store.indicators.put(entries(True), source=name, at=1)
        added = store.outbox.add("c", [OutboxRow(f"note--{name}-{round}", "", b"{}")], at=1)
        print(f"note--{name}-{round}", flush=True)
"""


def _start(url: str, name: str, rounds: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, url, name, str(rounds)], stdout=subprocess.PIPE, text=True)


def test_several_processes_write_at_once(made_url: str) -> None:
    """Three processes that import the same and different values, and release, end with exact counts."""
    Store.open(made_url).close()
    running = [_start(made_url, name, 3) for name in ("a", "b", "c")]
    assert [process.wait(100) for process in running] == [0, 0, 0]
    for process in running:
        assert process.stdout is not None
        process.stdout.close()
    with Store.open(made_url) as store:
        assert store.indicators.count_by_type() == {"domain": 600, "ipv4": 200}
        assert {each.sources for each in store.indicators.list(EVERYTHING, limit=1).items} != set()
        keys = store.indicators.keys().to_pylist()
        assert len({key["number"] for key in keys}) == len({key["change"] for key in keys}) == 800
        page = store.outbox.page("c", None, limit=100)
        assert len(page.rows) == 9
        assert len({each.added for each in page.rows}) == 9


def test_killed_writer_loses_nothing_acknowledged(made_url: str) -> None:
    """After kill -9 at random moments the store opens, holds all that was acknowledged, and a repeat completes it."""
    Store.open(made_url).close()
    chance = random.Random(7)
    acknowledged: set[str] = set()
    for attempt in range(3):
        process = _start(made_url, f"k{attempt}", 1000)
        assert process.stdout is not None
        acknowledged.add(process.stdout.readline().strip())
        time.sleep(chance.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        acknowledged |= {line.strip() for line in process.stdout if line.endswith("\n")}
        process.stdout.close()
    process = _start(made_url, "k0", 1)
    assert process.wait(100) == 0
    assert process.stdout is not None
    process.stdout.close()
    with Store.open(made_url) as store:
        standing = {each.object_id for each in store.outbox.page("c", None, limit=5000).rows}
        assert acknowledged <= standing
        assert store.indicators.count_by_type() == {"domain": 600, "ipv4": 200}
        for item in store.indicators.list(EVERYTHING, limit=1000).items:
            assert item.body == b"{}"
            assert item.sources
