"""What the safety gate measured, for screens: blast radii with the table's age, canaries with their reasons."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.flow.canary import describe_canaries, forget_canary
from seawall.flow.excluded import read_value
from seawall.flow.node import Node
from seawall.flow.radius import describe_radius, radius
from seawall.messages import translate
from seawall.model import rfc3339


def list_radii(node: Node, values: Sequence[str], kind: str | None, lang: str) -> dict[str, object]:
    """What a block of each value would have cut; beside the items, what the table stands on.

    ``known`` False: not enough data, and ``sessions`` means nothing then. Raises Fault E-FLOW-500, 503, E-VALUE-001.
    """
    node.require("read-telemetry")
    asked = [read_value(text, kind) for text in values]
    found = radius(node, asked)
    items: list[dict[str, object]] = []
    for value in asked:
        answer = found.get(value)
        known = answer is not None and answer.known
        items.append(
            {
                "type": value.type.value,
                "value": value.value,
                "known": known,
                "sessions": answer.sessions if answer is not None and known else None,
                "hosts": answer.hosts if answer is not None and known else None,
                "seen": answer.seen if answer is not None else None,
                "last": rfc3339(answer.last) if answer is not None and answer.last is not None else None,
            }
        )
    table = describe_radius(node)
    if "missing" in table:
        table["missing"] = translate(str(table["missing"]), lang)
    return {"items": items, "next": None, "table": table}


def list_canaries(node: Node, lang: str) -> list[dict[str, object]]:
    """What is watched first, with its reason in the reader's language."""
    return [
        {
            "type": item["type"],
            "value": item["value"],
            "since": item["since"],
            "why": translate(str(item["why"]), lang, **_places(item["values"])),
        }
        for item in describe_canaries(node)
    ]


def start_anew(node: Node, text: str, kind: str | None) -> dict[str, object]:
    """Forget what a canary or a rollback found of a value, and judge it from the beginning."""
    value = read_value(text, kind)
    forget_canary(node, value)
    return {"type": value.type.value, "value": value.value, "forgotten": True}


def _places(values: object) -> dict[str, object]:
    return dict(values) if isinstance(values, dict) else {}
