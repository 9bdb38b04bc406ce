"""``seawall ingest --explain``: what the first lines of a log would become."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seawall.cli.app import context
from seawall.model import ExitStatus, Fault

SHOWN = 200  # characters of a value on a screen; --json has all


def show_explanation(
    paths: Sequence[str],
    *,
    format: str,
    mapping: Path | None,
    side: str | None,
    sector: str | None,
    sensor: str | None,
) -> int:
    """Explain the one path given. Raises Fault E-CLI-020 for several."""
    from seawall.flow.explaining import explain_path
    from seawall.flow.node import Node

    if len(paths) != 1:
        raise Fault("E-CLI-020", "Name one file to explain; {count} were given.", count=len(paths))
    with Node.open(context.node, token=context.token) as node:
        document = explain_path(node, paths[0], format=format, mapping=mapping, side=side, sector=sector, sensor=sensor)
    context.out.result(document, _lines(document))
    return ExitStatus.DONE


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"format  {document['format']}"
    for item in document["items"]:
        yield f"line    {item['line']}"
        yield from (f"  field   {name} = {str(value)[:SHOWN]}" for name, value in item["fields"].items())
        for row in item["columns"]:
            yield from (f"  column  {name} = {str(value)[:SHOWN]}" for name, value in row.items())
        yield from (f"  flaw    {flaw['code']}: {flaw['reason']}" for flaw in item["flaws"])
