"""A group of warnings for tools of ours that read TAXII: indicators in a circle that seats nobody but them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seawall.codec.pattern import pattern_for
from seawall.codec.sharing import encode
from seawall.flow.node import Node
from seawall.flow.outgoing import decide_items, may_receive, record_and_put
from seawall.flow.usage import Usage
from seawall.flow.warning_answers import everybody_but
from seawall.model import Fault, Observable, UserRole, Warning
from seawall.model.stix.ids import derived_id
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject
from seawall.settings import ChannelSettings
from seawall.warn.advice import DAY, LIFE_DAYS, OTHER_DAYS
from seawall.warn.severity import Severity


def put_out(node: Node, channel: ChannelSettings, warnings: Sequence[tuple[Warning, Severity]]) -> str | None:
    """Put the warnings into the outbox of each tool, decided and recorded as everything that leaves; why nothing did,
    or None. Raises Fault E-FLOW-847 when the circle seats somebody else, NotFound E-STORE-061 for an unknown circle."""
    terms = node.store.circles.get(channel.circle)
    tools = {user.name for user in node.store.users.list() if user.role is UserRole.TAXII}
    if strangers := sorted(terms.members - tools):
        raise Fault(
            "E-FLOW-847",
            "The circle {circle} of channel {name} seats {members}, who are no TAXII users of this node.",
            circle=terms.name,
            name=channel.name,
            members=", ".join(strangers),
        )
    items = [_indicator(node, warning, severity, terms.members) for warning, severity in warnings]
    node.store.objects.put(items)
    usage, reason, released = Usage.load(node, terms.name), "nobody is seated", 0
    for member in sorted(terms.members):
        if not may_receive(node, terms, member):
            continue
        standing = node.store.outbox.standing(terms.name, member, tuple(item.id for item in items))
        fresh = [item for item in items if item.id not in standing]
        decision = decide_items(node, terms, member, fresh, usage)
        done = record_and_put(node, terms.name, member, decision.releases, decision.withheld, usage)
        released += done.released + len(standing)
        reason = decision.withheld[0].reason if decision.withheld else reason
    usage.save(node)
    return None if released else reason


def _indicator(node: Node, warning: Warning, severity: Severity, members: frozenset[str]) -> StoredObject:
    """The warning as an indicator of ours; it inherits the markings of what it was made from."""
    value, at = Observable(warning.type, warning.value), node.clock()
    identity, moment = node.keys.identity_id, timestamp(at)
    told = node.store.sightings.told([(warning.type, warning.value)])
    inputs = {*warning.indicator_ids, *(one.indicator_id for one in told if one.indicator_id is not None)}
    id = derived_id("indicator", identity, "warning", value.type.value, value.value)
    held = node.store.objects.latest([id]).get(id)
    if held is not None:
        return held
    body: dict[str, Any] = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": id,
        "created_by_ref": identity,
        "created": moment,
        "modified": moment,
        "name": f"Warning about {value.type.value}",
        "indicator_types": ["malicious-activity"],
        "pattern": pattern_for(value),
        "pattern_type": "stix",
        "valid_from": moment,
        "valid_until": timestamp(at + LIFE_DAYS.get(value.type, OTHER_DAYS) * DAY * 1_000_000),
        "confidence": warning.confidence,
        "labels": [f"PAP:{warning.pap.label.upper()}", f"severity:{severity.label}"],
        "object_marking_refs": [TLP2_IDS[warning.tlp]],
    }
    return StoredObject(
        id=id,
        type="indicator",
        version=moment,
        created_by=identity,
        body=encode(body),
        tlp=warning.tlp,
        pap=warning.pap,
        stored_at=at,
        inputs=tuple(sorted(inputs)),
        excluded=everybody_but(node, *members),
    )
