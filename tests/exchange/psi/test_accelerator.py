"""The accelerator is used where it is right, thrown out where it is wrong, and missed by nobody where it is not."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from absent import needed
from exchange.psi.sides import pair, run, values
from seawall.exchange import psi
from seawall.exchange.psi import accelerator, batches, workers
from seawall.model import Refused

package = needed("seawall_accelerator")
SCALAR = (7).to_bytes(32, "little")
VALUES = [b"%d" % number for number in range(300)]

WRONG_LATER = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("real", {real!r})
real = importlib.util.module_from_spec(spec)
spec.loader.exec_module(real)
VERSION, NotPointsError, kernels = real.VERSION, real.NotPointsError, real.kernels
calls = []

def times(half, packed, **more):
    made = real.times(half, packed, **more)
    calls.append(len(made))
    return made if len(calls) <= 6 else bytes(len(made))
"""


@pytest.fixture(autouse=True)
def anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is known of the accelerator, before the test and after it."""
    monkeypatch.setattr(accelerator, "_WRONG", threading.Event())
    accelerator.tried.cache_clear()
    yield
    accelerator.tried.cache_clear()


@cache
def by_libsodium() -> bytes:
    """The values' points, times the scalar."""
    return batches.blind_all(SCALAR, b"tag", VALUES, accelerated=False)


class Double(ModuleType):
    """The package, with one thing about it changed."""

    VERSION = accelerator.VERSION
    NotPointsError = package.NotPointsError

    def __init__(self, right_calls: int = 1_000, share: int = 1) -> None:
        super().__init__("seawall_accelerator")
        self.calls = 0
        self.right_calls = right_calls
        self.share = share

    def kernels(self) -> tuple[str, ...]:
        """As the package says."""
        found: tuple[str, ...] = package.kernels()
        return found

    def times(self, half: bytes, packed: bytes, *, uniform: bool, keep: int, kernel: str) -> bytes:
        """Right so many times, then one product in ``share`` has a bit changed."""
        made = bytearray(package.times(half, packed, uniform=uniform, keep=keep, kernel=kernel))
        self.calls += 1
        if self.calls > self.right_calls:
            for place in range(0, len(made), keep * self.share):
                made[place] ^= 1
        return bytes(made)


def test_lists_are_the_same_with_it_and_without() -> None:
    """Byte by byte, for values and for points; and it was used."""
    assert accelerator.usable() is not None
    assert batches.blind_all(SCALAR, b"tag", VALUES) == by_libsodium()
    for keep in (16, 32):
        without = batches.evaluate_all(SCALAR, by_libsodium(), keep, accelerated=False)
        assert batches.evaluate_all(SCALAR, by_libsodium(), keep) == without


def test_a_bad_point_is_refused_with_it_too() -> None:
    """In the words that libsodium's refusal has."""
    for bad in (bytes(32), b"\xff" * 32, by_libsodium()[:31]):
        with pytest.raises(Refused, match="E-EXCHANGE-702"):
            batches.evaluate_all(SCALAR, by_libsodium() + bad, 16)


def test_two_sides_meet_when_one_has_it() -> None:
    """A side that multiplies with it and a side without find the same overlap."""
    first, second = pair()
    with_it = psi.Channel(**{**vars(first), "multiplier": psi.Here()})
    without = psi.Channel(**{**vars(second), "multiplier": psi.Here(accelerated=False)})
    run(with_it, without, 1, VALUES[:200], VALUES[100:])
    assert values(with_it) == values(without) == set(VALUES[100:200])


def test_one_that_is_wrong_from_the_beginning_is_never_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The try before the first use finds it; the log says so."""
    monkeypatch.setitem(sys.modules, "seawall_accelerator", Double(right_calls=0, share=9))
    with caplog.at_level(logging.ERROR):
        assert accelerator.usable() is None
        assert batches.blind_all(SCALAR, b"tag", VALUES) == by_libsodium()
    assert [record.message for record in caplog.records] == [
        "seawall-accelerator does not compute what libsodium does; libsodium is used"
    ]


def test_one_that_becomes_wrong_gives_no_product(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What it made is thrown away, libsodium makes it again, it is not asked again, and the log says so once."""
    double = Double(right_calls=3)
    monkeypatch.setitem(sys.modules, "seawall_accelerator", double)
    assert accelerator.usable() is not None
    assert double.calls == 3  # the try
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            assert batches.blind_all(SCALAR, b"tag", VALUES) == by_libsodium()
            assert batches.evaluate_all(SCALAR, by_libsodium(), 32) == batches.evaluate_all(
                SCALAR, by_libsodium(), 32, accelerated=False
            )
    assert double.calls == 4
    assert accelerator.distrusted()
    assert len(caplog.records) == 1


def test_a_share_of_wrong_products_is_found_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """One in ten wrong: of fifty lists of 300, with three tried in each, hardly one in a hundred thousand gets by."""
    monkeypatch.setitem(sys.modules, "seawall_accelerator", Double(right_calls=3, share=10))
    one = accelerator.usable()
    assert one is not None
    with pytest.raises(accelerator.WrongError):
        for _ in range(50):
            one.times(SCALAR, by_libsodium())


def test_one_that_becomes_wrong_in_a_worker_is_known_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The list is right all the same, the log of this process says so, and later work goes without."""
    (tmp_path / "seawall_accelerator.py").write_text(WRONG_LATER.format(real=package.__file__))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(workers, "PIECE", 50)
    monkeypatch.setattr(workers, "WORTH_WORKERS", 10)
    with caplog.at_level(logging.ERROR), psi.Workers() as two:
        for _ in range(3):
            assert two.blind(SCALAR, b"tag", VALUES) == by_libsodium()
    assert accelerator.distrusted()
    assert len(caplog.records) == 1


@pytest.mark.parametrize("why", ["missing", "of another version", "not to be loaded"])
def test_without_it_libsodium_computes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    """A missing package is no event; one that can't be used is said, once."""
    double = Double()
    if why == "of another version":
        double.VERSION = accelerator.VERSION + 1
    elif why == "not to be loaded":
        monkeypatch.setattr(double, "kernels", _unloadable)
    monkeypatch.setitem(sys.modules, "seawall_accelerator", None if why == "missing" else double)
    with caplog.at_level(logging.WARNING):
        assert accelerator.usable() is None
        assert batches.blind_all(SCALAR, b"tag", VALUES) == by_libsodium()
    assert len(caplog.records) == int(why != "missing")


def _unloadable() -> tuple[str, ...]:
    raise OSError("kernel.so: cannot open shared object file")
