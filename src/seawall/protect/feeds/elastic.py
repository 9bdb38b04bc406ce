"""Elastic Common Schema 8: one ``threat.indicator`` document a line (NDJSON), for indicator match rules.

Field names and types are those of ECS 8.17 (threat, event, base); what ECS has no field for stands under ``seawall``.
ECS knows no end of an indicator, so ``seawall.expires_at`` holds it: let the match rule ask for
``seawall.expires_at > now``. ``event.id`` is the directive's stable name: as document id, a later export replaces.

    elastic agent / filebeat: read with the ndjson parser into an index like logs-ti_seawall.indicator-default
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.model import ObservableType
from seawall.model.directive import Directive
from seawall.protect import objections
from seawall.protect.forms import line
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text, one_line

NAME = "elastic"
ECS = "8.17.0"
DATASET = "ti_seawall.indicator"
MAX_KEYWORD = 1_024  # characters: ECS maps keywords with ignore_above 1024, so a longer one would never be found

Fields = dict[str, object]
_SHAPES: dict[ObservableType, tuple[str, Callable[[str], Fields]]] = {
    # ECS has no field for a network, a certificate's digest, JA3, JA4 or hassh of an indicator.
    ObservableType.IPV4: ("ipv4-addr", lambda value: {"ip": value}),
    ObservableType.IPV6: ("ipv6-addr", lambda value: {"ip": value}),
    ObservableType.DOMAIN: ("domain-name", lambda value: {"url": {"domain": value}}),
    ObservableType.URL: ("url", lambda value: {"url": {"full": value, "original": value}}),
    ObservableType.EMAIL: ("email-addr", lambda value: {"email": {"address": value}}),
    ObservableType.MD5: ("file", lambda value: {"file": {"hash": {"md5": value}}}),
    ObservableType.SHA1: ("file", lambda value: {"file": {"hash": {"sha1": value}}}),
    ObservableType.SHA256: ("file", lambda value: {"file": {"hash": {"sha256": value}}}),
    ObservableType.FILE_NAME: ("file", lambda value: {"file": {"name": value}}),
}
TYPES = frozenset(_SHAPES)
FILES = ("seawall-ecs.ndjson",)


class ElasticWriter:
    """One document a line."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._made = moment_text(heading.made_at)

    def add(self, directive: Directive) -> Objection | None:
        """One document."""
        value = line(directive.observable)
        if value is None or (len(value) > MAX_KEYWORD and directive.observable.type is not ObservableType.URL):
            return objections.FORMAT
        kind, fields = _SHAPES[directive.observable.type]
        document = {
            "@timestamp": self._made,
            "ecs": {"version": ECS},
            "event": {
                "kind": "enrichment",
                "category": ["threat"],
                "type": ["indicator"],
                "module": "ti_seawall",
                "dataset": DATASET,
                "id": directive.undo_id,
            },
            "threat": {
                "indicator": {
                    "type": kind,
                    "name": value[:MAX_KEYWORD],
                    "provider": one_line(directive.source)[:MAX_KEYWORD],
                    "description": one_line(directive.reason),
                    "modified_at": self._made,
                    **fields(value),
                },
                "feed": {"name": "Seawall"},
            },
            "seawall": {
                "action": directive.action.value,
                "expires_at": moment_text(directive.expires_at),
                "undo": directive.undo_id,
                "indicator": one_line(directive.indicator_id),
                "release": directive.release,
                "flags": list(directive.flags),
            },
        }
        self._out.write(msgspec.json.encode(document) + b"\n")
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last document."""
        self._out.flush()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=False, open=ElasticWriter)
