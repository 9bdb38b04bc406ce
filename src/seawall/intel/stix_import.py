"""One parsed bundle into the store, counted object by object.

An indicator whose value another source already named counts as ``updated``, even though its own id is new to us: the
value is one indicator with two sources. Everything else counts as the store's objects say.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.codec.losses import LossCounter
from seawall.codec.stix import ParsedBundle
from seawall.intel.interface import ImportOptions, Sink
from seawall.intel.stix_objects import campaigns_of, entries, indicators_in, marking_refs, match_keys, stored
from seawall.intel.tally import Tally
from seawall.model import Observable
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import PutCounts
from seawall.policy import WELL_KNOWN


def put_bundle(parsed: ParsedBundle, name: str, source: str, sink: Sink, options: ImportOptions, tally: Tally) -> None:
    """Store the objects and their match keys; note rejects, losses and damage."""
    losses = LossCounter()
    options = with_definitions(parsed, sink, options, losses)
    campaigns = campaigns_of(parsed.objects)
    fresh: list[IndicatorEntry] = []
    known_elsewhere: set[int] = set()
    for place, indicator in indicators_in(parsed):
        keys = match_keys(indicator, losses)
        if indicator.revoked:
            for key in keys:
                sink.indicators.withdraw(key.type, key.value, source=source)
            continue
        if keys and all(_named_by_others(sink, key, source) for key in keys):
            known_elsewhere.add(place)
        fresh.extend(entries(indicator, parsed.bodies[place], keys, campaigns.get(indicator.id), source, options))
    rows = [stored(obj, body, source, options) for obj, body in zip(parsed.objects, parsed.bodies, strict=True)]
    kept = sink.objects.put([row for place, row in enumerate(rows) if place not in known_elsewhere])
    tally.add(kept)
    joined = sink.objects.put([rows[place] for place in sorted(known_elsewhere)])
    if others := kept.conflicts + joined.conflicts:
        tally.problem(name, f"{others} objects are held otherwise from somebody else; see seawall intel conflicts")
    tally.add(PutCounts(updated=joined.total))
    tally.add(PutCounts(unchanged=parsed.repeated))
    sink.indicators.put(fresh, source=source, at=options.at)
    tally.by_type.update(obj.type for obj in parsed.objects)
    for part in parsed.rejected:
        tally.reject(name, part, "object")
    for problem in parsed.problems:
        tally.problem(name, problem)
    tally.losses += [parsed.losses, losses.report()]


def with_definitions(parsed: ParsedBundle, sink: Sink, options: ImportOptions, losses: LossCounter) -> ImportOptions:
    """The options with the marking-definitions that the objects name: of this bundle, else as held.

    A marking that is neither is a loss to be told: what carries it leaves to nobody, and nothing is blocked by it.
    """
    wanted = {ref for obj in parsed.objects for ref in marking_refs(obj)} - WELL_KNOWN
    if not wanted:
        return options
    pairs = zip(parsed.objects, parsed.bodies, strict=True)
    found = {obj.id: body for obj, body in pairs if obj.type == "marking-definition" and obj.id in wanted}
    found |= {id: held.body for id, held in sink.objects.latest(wanted - found.keys()).items()}
    for ref in sorted(wanted - found.keys()):
        losses.add("marking:unknown", f"{ref}: what carries it stays here until its definition is imported")
    definitions = {id: msgspec.json.decode(body, type=dict[str, Any]) for id, body in found.items()}
    return msgspec.structs.replace(options, definitions=definitions)


def _named_by_others(sink: Sink, key: Observable, source: str) -> bool:
    """True when the value is known, and not yet from this source."""
    held = sink.indicators.lookup(key.type, key.value)
    return held is not None and source not in held.sources
