"""How the STIX objects of our own campaigns are told from what others say of theirs."""

from __future__ import annotations

CAMPAIGNS = "campaigns"
"""``StoredObject.source`` of campaigns, groupings and relationships that a person released from this node's campaigns:
they are never read as knowledge here, or a grouping would become its own evidence."""
