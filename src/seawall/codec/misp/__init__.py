"""MISP <-> STIX 2.1, both with a loss report.

Comes in: MISP documents and events (core format), or bodies of STIX objects. Goes out: STIX 2.1 objects, or MISP
events. What one side has no place for travels in a property extension, so that an event comes back as it went.
Never here: files, sockets, the store, a decision whether anything may leave.

>>> from seawall.codec.misp import event_to_stix
>>> found = event_to_stix({"info": "Wave", "Attribute": [{"type": "domain", "value": "evil.example", "to_ids": True}]})
>>> [obj["type"] for obj in found.objects]
['indicator', 'report']
>>> found.objects[0]["pattern"]
"[domain-name:value = 'evil.example']"
"""

from __future__ import annotations

from seawall.codec.misp.draft import FromMisp
from seawall.codec.misp.extension import EXTENSION
from seawall.codec.misp.from_misp import event_to_stix, joined, parse_misp
from seawall.codec.misp.reading import events_in, events_of
from seawall.codec.misp.single import attribute_of
from seawall.codec.misp.to_misp import ToMisp, to_events

__all__ = [
    "EXTENSION",
    "FromMisp",
    "ToMisp",
    "attribute_of",
    "event_to_stix",
    "events_in",
    "events_of",
    "joined",
    "parse_misp",
    "to_events",
]
