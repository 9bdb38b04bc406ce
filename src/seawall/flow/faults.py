"""Faults that several flows raise."""

from __future__ import annotations

from seawall.model import Fault


def summary_needs_file() -> Fault:
    """An export goes to standard output, and so would its summary."""
    return Fault("E-FLOW-083", "--json prints a summary and needs -o FILE for the export itself.")
