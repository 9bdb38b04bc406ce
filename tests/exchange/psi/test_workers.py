"""Worker processes: the same results as here, and a death is one sentence."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import psutil
import pytest

from exchange.psi.sides import Budget, pair
from seawall.exchange import psi
from seawall.exchange.psi import batches, workers
from seawall.exchange.psi.worker_process import Job
from seawall.model import Refused, Unavailable

VALUES = [b"%d" % number for number in range(300)]
SCALAR = (7).to_bytes(32, "little")


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> Iterator[psi.Workers]:
    """Two workers, which get even short lists, in pieces of 50."""
    monkeypatch.setattr(workers, "PIECE", 50)
    monkeypatch.setattr(workers, "WORTH_WORKERS", 10)
    with psi.Workers() as made:
        yield made


def children() -> list[psutil.Process]:
    """Our worker processes."""
    return [one for one in psutil.Process().children() if any("worker_process" in word for word in one.cmdline())]


def test_workers_compute_what_this_process_computes(two: psi.Workers) -> None:
    """Lists come back in their order, byte for byte as without workers, and two processes did it."""
    here = psi.Here()
    points = here.blind(SCALAR, b"tag", VALUES)
    assert two.blind(SCALAR, b"tag", VALUES) == points
    assert two.evaluate(SCALAR, points) == here.evaluate(SCALAR, points)
    assert two.evaluate(SCALAR, points, keep=32) == here.evaluate(SCALAR, points, keep=32)
    assert len(children()) == 2
    two.close()
    assert children() == []


def test_short_lists_start_no_worker() -> None:
    """What is done sooner than a process starts is done here."""
    with psi.Workers() as made:
        assert len(made.blind(SCALAR, b"tag", VALUES)) == 32 * len(VALUES)
        assert children() == []


def test_a_bad_point_is_refused_by_a_worker_too(two: psi.Workers) -> None:
    """One value that is no point refuses the list, and the workers go on."""
    points = psi.Here().blind(SCALAR, b"tag", VALUES)
    with pytest.raises(Refused, match="E-EXCHANGE-702"):
        two.evaluate(SCALAR, points[:-32] + bytes(32))
    assert two.evaluate(SCALAR, points) == batches.evaluate_all(SCALAR, points, 16)


def test_a_killed_worker_is_replaced(two: psi.Workers) -> None:
    """Workers killed between two lists are not noticed."""
    first = two.blind(SCALAR, b"tag", VALUES)
    for child in children():
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    assert two.blind(SCALAR, b"tag", VALUES) == first


def test_workers_that_keep_dying_are_one_sentence(two: psi.Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    """When every worker dies at once, one sentence says so, nothing of the part is kept, and it may come again."""
    first, second = pair()
    body = psi.start(first, 1, VALUES)[0]
    with_workers = psi.Channel(**{**vars(second), "multiplier": two})
    with monkeypatch.context() as patch:
        patch.setattr(workers, "PROGRAM", workers.PROGRAM.with_name("not_there.py"))
        with pytest.raises(Unavailable, match="E-EXCHANGE-725"):
            psi.receive(with_workers, body, tuple, Budget())
    assert second.book.session() is None
    assert psi.receive(with_workers, body, tuple, Budget()).replies


def test_a_worker_knows_little() -> None:
    """A worker loads the mathematics and the words of faults, no database, no network, no Arrow."""
    with psi.Workers() as made:
        made._all(iter([Job(SCALAR, 32, dst=b"tag", values=tuple(VALUES))]))
        loaded = {path.path for child in children() for path in child.memory_maps(grouped=True)}
    assert any("libsodium" in path for path in loaded)
    assert not any(word in path for path in loaded for word in ("sqlite", "_ssl", "duckdb", "pyarrow"))
