"""How objects made of technique sightings are told from those made of values."""

from __future__ import annotations

TECHNIQUES = "techniques"
"""``StoredObject.source`` of attack patterns and sightings that an analyst entered here."""
