"""Seawall: quiet exchange of attack intelligence between defence communities."""

__version__ = "0.1.0"
