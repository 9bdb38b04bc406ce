"""Seawall: quiet exchange of attack intelligence between defence communities."""
