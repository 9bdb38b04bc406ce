"""The bench of starts: what it measures is there."""

from __future__ import annotations

from bench.start import measure


def test_a_command_is_measured_beside_an_idle_interpreter() -> None:
    """One run of one command takes longer than Python doing nothing, and its limit stands beside it."""
    found = measure(["--version"], 1)
    assert found["seawall --version"]["cpu_seconds"] > found["python -c 'pass'"]["cpu_seconds"] > 0
    assert found["seawall --version"].keys() == {"cpu_seconds", "most", "within"}
