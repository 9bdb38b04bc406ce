"""A peer's pattern: held by its text, met with our own lake, told back as a sighting, and taken back."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from flow.neighbours import agree, neighbours, push
from journey.command_line import eve
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.findings import list_sightings
from seawall.flow.node import Node
from seawall.flow.outgoing import fill_outboxes
from seawall.flow.pipeline import ingest_paths, run_match
from seawall.model import ObservableType, Pap, Tlp
from seawall.model.stix.versioning import timestamp

KNOCK = (
    "([ipv4-addr:value = '203.0.113.7'] FOLLOWEDBY [ipv4-addr:value = '203.0.113.8' AND ipv4-addr:value LIKE '203%'])"
    " WITHIN 300 SECONDS"
)


def see(node: Node, folder: Path) -> None:
    """Two alarms within five minutes, one from each address."""
    file = folder / "eve.json"
    lines = [
        eve("2026-03-14T00:00:00.000000+0000", "203.0.113.7", "10.0.0.5", sensor="s1"),
        eve("2026-03-14T00:04:00.000000+0000", "203.0.113.8", "10.0.0.5", sensor="s1"),
    ]
    file.write_text("".join(f"{line}\n" for line in lines))
    assert ingest_paths(node, [str(file)]).stored == 2


def test_a_peers_pattern_is_met_here_and_taken_back(tmp_path: Path) -> None:
    """One entry with the peer as its source; a hit and a sighting; nothing of it after the peer revoked it."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        agree(nodes, "tw-kr", "taipei", "seoul")
        entry = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN).entry(IndicatorRow(ObservableType.PATTERN, KNOCK, 1), ())
        assert json.loads(entry.body)["pattern"] == KNOCK
        nodes["taipei"].store.indicators.put([entry], source="ours", at=nodes["taipei"].clock())
        fill_outboxes(nodes["taipei"])
        assert push(nodes, "tw-kr", "taipei", "seoul") == 1
        seoul = nodes["seoul"]
        held = seoul.store.indicators.lookup(ObservableType.PATTERN, KNOCK)
        assert held is not None
        assert (held.indicator_id, held.sources, held.origin) == (entry.indicator_id, ("taipei/tw-kr",), "taipei")
        see(seoul, tmp_path)
        report = run_match(seoul)
        assert (report["hits"], report["patterns"]) == (1, {"evaluated": 1, "left_out": 0})
        (seen,) = [item for item in list_sightings(seoul, limit=10, after=0).items if item["type"] == "pattern"]
        assert (seen["value"], seen["first_seen"], seen["count"]) == (KNOCK, "2026-03-14T00:04:00.000000Z", 1)
        body = {**json.loads(entry.body), "modified": timestamp(nodes["taipei"].clock()), "revoked": True}
        fresh = msgspec.structs.replace(entry, body=json.dumps(body).encode())
        nodes["taipei"].store.indicators.put([fresh], source="ours", at=nodes["taipei"].clock())
        fill_outboxes(nodes["taipei"])
        push(nodes, "tw-kr", "taipei", "seoul")
        assert seoul.store.indicators.lookup(ObservableType.PATTERN, KNOCK) is None
        assert list_sightings(seoul, limit=10, after=0).items == []
