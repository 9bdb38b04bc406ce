"""What this node has committed to, counted; and one value's evidence, for people here."""

from __future__ import annotations

from seawall.flow.commitments import committed, left_out, lists_changed
from seawall.flow.cosigned import keep_cosigned, witnesses
from seawall.flow.excluded import read_value
from seawall.flow.node import Node
from seawall.flow.openings import open_commitment
from seawall.model import ObservableType, rfc3339


def describe_commitments(node: Node) -> dict[str, object]:
    """By type: how many were committed to, how many may enter an overlap, and why the others do not. ``met``: how many
    that were merely met may enter beside a peer's suspects."""
    node.require("read")
    store = node.store.commitments
    keep_cosigned(node)
    cosigned = store.cosigned(0)
    covered = store.newest_recorded(max(size for _, size, _, _ in cosigned)) if cosigned else None
    last, types = store.last(), dict[str, dict[str, int]]()
    for type, withdrawn, count in store.counts():
        row = types.setdefault(type, {"committed": 0, "may_enter": 0})
        row["committed"] += count
        row["may_enter"] += count if withdrawn is None else 0
    if lists_changed(node):  # since the last run: what may enter now is asked one by one
        for type, row in types.items():
            row["may_enter"] = sum(1 for _ in committed(node, ObservableType(type), before=node.clock()))
    return {
        "committed": sum(row["committed"] for row in types.values()),
        "may_enter": sum(row["may_enter"] for row in types.values()),
        "types": types,
        "met": sum(count for _, withdrawn, count in node.store.met.counts() if withdrawn is None),
        "left_out": left_out(node),
        "excluded_by_hand": len(node.store.exclusions.list()),
        "batches": last.number + 1 if last is not None else 0,
        "last_at": rfc3339(last.at) if last is not None else None,
        "cosigned_up_to": rfc3339(covered.at) if covered is not None else None,
        "witnesses": [str(each) for each in witnesses(node)],
    }


def show_opening(node: Node, value: str, type: str | None) -> dict[str, object]:
    """The evidence for one value of ours. It names the value and its salt: whoever has it can check it, and knows."""
    node.require("read-telemetry")
    found = read_value(value, type)
    suspected = node.store.commitments.find(found.type.value, found.value) is not None
    opened = open_commitment(node, found.type, found.value, met=not suspected)
    return {
        "type": opened.type.value,
        "value": opened.value,
        "first_seen": opened.day,
        "source": opened.source.value,
        "salt": opened.salt,
        "commitment": opened.commitment,
        "place": opened.place,
        "path": list(opened.path),
        "leaf": opened.leaf,
        "leaf_salt": opened.leaf_salt,
        "event": opened.event,
        "ledger_path": list(opened.ledger_path),
        "checkpoint": opened.checkpoint,
    }
