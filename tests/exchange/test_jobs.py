"""What nobody foresaw in one peer or one job stops neither the other peers nor the other jobs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from exchange.real_node import PEER, RealNode
from exchange.scenes import Nodes, record_of
from seawall.flow import jobs
from seawall.flow.health import health_of
from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.model import Fault


@pytest.fixture
def taipei(tmp_path: Path, nodes: Nodes) -> Iterator[RealNode]:
    """A node and its peer, whose jobs are always due."""
    made = RealNode(tmp_path / "node", nodes.seoul)
    with made.node:
        yield made


def test_a_peer_that_breaks_the_sync_does_not_stop_the_others(
    taipei: RealNode, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is no Fault is remembered with the peer under a reference number; the next peer has its turn."""
    taipei.node.store.peers.add(record_of(nodes.stranger, "zeta", "https://127.0.0.1:1"))

    def sync_peer(node: Node, name: str) -> dict[str, object]:
        if name == PEER:
            raise OverflowError("year 0 is out of range")
        return {"received": 1, "sent": 2}

    monkeypatch.setattr(jobs, "sync_peer", sync_peer)
    result = str(jobs.run(taipei.node, "sync")["result"])
    assert "zeta: 1 received, 2 sent" in result
    assert "E-FLOW-073" in result
    health = health_of(taipei.node, taipei.node.store.peers.get(PEER))
    assert (health.state, health.failures) == ("failing", 1)
    assert "year 0" not in health.reason


def test_the_thread_of_the_jobs_outlives_every_error(
    taipei: RealNode, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that raises whatever it likes is remembered as failed, and is run again when it is due."""
    ran = threading.Semaphore(0)

    def work(node: Node) -> str:
        ran.release()
        raise RecursionError

    monkeypatch.setattr(jobs, "JOBS", (jobs.Job("odd", 0, "sync", work),))
    monkeypatch.setattr(jobs, "TICK_SECONDS", 0.01)
    scheduler = jobs.Scheduler(taipei.node)
    stack.callback(scheduler.stop)
    scheduler.start()
    assert all(ran.acquire(timeout=30) for _ in range(3))
    last = jobs.last_run(taipei.node, "odd")
    assert last is not None
    assert last.result.startswith("failed: E-FLOW-073")


def test_a_fault_stays_what_it_is() -> None:
    """What is already a sentence is not hidden behind a reference number."""
    fault = Fault("E-TEST-001", "Known.")
    assert as_fault(fault, "a test") is fault
