"""A node that lived through a world of ``attack_scenes``: our lines in its lake, peers' sightings in its store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attack_scenes import SECTORS, World
from journey.command_line import eve
from seawall.flow.node import Node, create_node
from seawall.flow.pipeline import ingest_paths
from seawall.flow.tables import import_sensors
from seawall.model import ObservableType, Pap, SightingSummary, Tlp, rfc3339

DAY = 86_400 * 1_000_000
FIRST_DAY = 20_500  # 2026-02-16
NAMES = ("energy", "finance", "health", "water")


def address(source: int) -> str:
    """The address that stands for a source."""
    return f"45.64.{source // 250}.{source % 250 + 1}"


def sighting(value: str, peer: str, first: int, last: int, **changes: object) -> SightingSummary:
    """What a peer told, on the day of the last meeting."""
    told = {
        "type": ObservableType.IPV4, "value": value, "side": peer.upper(), "first_seen": first, "last_seen": last,
        "count": 2, "sectors": ("energy",), "indicator_id": None, "basis": ("alert",), "tlp": Tlp.AMBER,
        "pap": Pap.GREEN, "origin": peer, "told_at": last,
    }  # fmt: skip
    return SightingSummary(**(told | changes))  # type: ignore[arg-type]


@contextmanager
def lived(folder: Path, world: World, *, ours: bool = True, theirs: bool = True) -> Iterator[Node]:
    """The open node at noon of the world's last day; party 0 is its own, ``p1`` and so on are peers."""
    now = (FIRST_DAY + world.days) * DAY - DAY // 2
    create_node(folder / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    sensors = "sensor,side,sector\n" + "".join(f"s{number},TW,{name}\n" for number, name in enumerate(NAMES))
    (folder / "sensors.csv").write_text(sensors)
    source, victim, day = (list(column) for column in world.rows[:3])
    cells = sorted(set(zip(source, victim, day, strict=True)))
    with Node.open(folder / "node", clock=lambda: now) as node:
        import_sensors(node, folder / "sensors.csv")
        if ours:
            lines = [
                eve(
                    rfc3339((FIRST_DAY + day) * DAY + 3_600_000_000 + number).replace("Z", "+0000"),
                    address(source),
                    f"10.{victim}.0.{number % 250 + 1}",
                    sensor=f"s{victim}",
                )
                for number, (source, victim, day) in enumerate(cells)
                if victim < SECTORS
            ]
            (folder / "eve.json").write_text("\n".join(lines) + "\n")
            ingest_paths(node, [str(folder / "eve.json")])
        if theirs:
            node.store.sightings.put(_told(cells))
        yield node


def _told(cells: list[tuple[int, int, int]]) -> list[SightingSummary]:
    met: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for source, victim, day in cells:
        if victim >= SECTORS:
            met.setdefault((source, victim // SECTORS), []).append((day, victim % SECTORS))
    return [
        sighting(
            address(source),
            f"p{party}",
            (FIRST_DAY + min(days)[0]) * DAY + 7,
            (FIRST_DAY + max(days)[0]) * DAY + 9,
            told_at=(FIRST_DAY + min(days)[0]) * DAY + 3_600_000_000,
            sectors=tuple(dict.fromkeys(NAMES[sector] for _, sector in sorted(days))),
        )
        for (source, party), days in sorted(met.items())
    ]
