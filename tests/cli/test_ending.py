"""A long-running command ends when it is told to, whatever its main thread does at that moment."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from seawall.cli.ending import told_to_end

HELD = """
import signal, sys, threading
from seawall.cli.ending import told_to_end
ended = threading.Event()
with told_to_end(ended.set):
    with ended._cond:  # what the main thread holds for a moment each time it waits
        signal.raise_signal(signal.SIGTERM)
    ended.wait()
print("ended")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_it(number: signal.Signals) -> None:
    """What is to be done is done once for each signal; other signals and the time after mean what they did before."""
    ended = threading.Event()
    before = signal.getsignal(number)
    with told_to_end(ended.set):
        signal.raise_signal(number)
        assert ended.wait(30)
    assert signal.getsignal(number) is before


def test_a_lock_that_the_main_thread_holds_is_no_trap() -> None:
    """A signal in the very moment in which the main thread holds the lock of what it waits for still ends it."""
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "ended\n")
