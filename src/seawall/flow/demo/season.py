"""Two nodes, and a third that lies, live through a season: the day's way once for every few hours of many days.

Beside the two sides' own telemetry both read one public list on the same day, and a third node is a verified peer of
both whose logs were made up: it says to have met everything first. The truth is not within reach of anything here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from seawall.flow.circles import CircleWish, create_circle
from seawall.flow.demo.lifetime import AFTER_SLICE, OTHER, TRUST_SECONDS, Demonstration, Say
from seawall.flow.demo.sides import CODE_NAMES, SHARED_TYPES, found_node
from seawall.flow.doors import PeerDoor
from seawall.flow.exchange import sync_peer
from seawall.flow.intel import import_paths
from seawall.flow.node import Node
from seawall.flow.peers import add_peer, verify_peer
from seawall.flow.pipeline import ingest_paths, run_match
from seawall.flow.simulator.day import DAY_MICROSECONDS
from seawall.flow.simulator.season import Season
from seawall.flow.simulator.season_liar import LIAR, LIAR_SIDE
from seawall.flow.tables import import_sensors
from seawall.flow.warning import refresh_warnings
from seawall.model import Unavailable

LIARS_CIRCLE = "further-circle"
Evening = Callable[[int, dict[str, Node]], None]
"""Hears (number of the day, the two sides' nodes)."""


class SeasonDemonstration(Demonstration):
    """Use as a context manager; ``nodes`` holds the two sides, ``liar`` the third (None: the season has no campaigns,
    or it was left out)."""

    def __init__(
        self,
        folder: Path,
        season: Season,
        lang: str,
        say: Say,
        *,
        with_liar: bool = True,
        evening: Evening | None = None,
    ) -> None:
        """``evening`` is called after each day's last exchange, for people who answer or who measure."""
        super().__init__(folder, season, lang, say)
        self._evening = evening
        self.season = season
        self.liar: Node | None = None
        self._with_liar = with_liar and (season.folder / LIAR).is_dir()

    def _first_contact(self) -> None:
        super()._first_contact()
        if self._with_liar:
            self._bring_the_liar()

    def live_through(self) -> None:
        """The season, slice by slice; the sides take turns to call each other, the liar calls once a day."""
        pairs = list(zip(self.season.of("TW"), self.season.of("KR"), strict=True))
        read = False
        for number, pair in enumerate(pairs):
            self.say("The season goes by", number, len(pairs))
            self.clock.move_to(pair[0].ends + AFTER_SLICE)
            if not read and self.clock.moment >= self.season.feed_at:
                read = True
                for node in self.nodes.values():
                    import_paths(node, [self.season.feed], tlp="clear", source="public list")
            for part in pair:
                self.take_in(part.side, part.path)
            self.sync(("TW", "KR")[number % 2])
            day, first = divmod(pair[0].begins - self.season.begins, DAY_MICROSECONDS)
            if self.liar is not None and first == 0:
                ingest_paths(self.liar, [str(self.season.folder / LIAR / "logs" / f"eve-{day:03d}.json")])
                run_match(self.liar)
                self._hear_the_liar()
            if self._evening is not None and pair[0].ends == self.season.begins + (day + 1) * DAY_MICROSECONDS:
                self._evening(day, self.nodes)
        self.say("The season goes by", len(pairs), len(pairs))
        for side, node in self.nodes.items():
            run_match(node)
            self.sync(side)
        for node in self.nodes.values():
            refresh_warnings(node)

    def _bring_the_liar(self) -> None:
        """A third node, verified by both as any peer is, with its own circle with each."""
        liar = self._stack.enter_context(found_node(self.folder / LIAR, LIAR_SIDE, self.lang, self.clock))
        self.liar = liar
        door = PeerDoor(liar, host="127.0.0.1", port=0)
        for side, node in self.nodes.items():
            _meet(node, liar, LIAR, f"https://127.0.0.1:{door.listener.port}")
            _meet(liar, node, CODE_NAMES[side], f"https://127.0.0.1:{self.doors[side].listener.port}")
            _agree(node, LIAR, f"{LIARS_CIRCLE}-{side.lower()}")
            _agree(liar, CODE_NAMES[side], f"{LIARS_CIRCLE}-{side.lower()}")
        door.start()
        self._stack.callback(door.stop)
        import_sensors(liar, self.season.folder / LIAR / "sensors.csv")
        for _ in range(2):
            self._hear_the_liar()

    def _hear_the_liar(self) -> None:
        """The liar calls both; a door lets a newly verified peer in within about a second."""
        if self.liar is None:
            return
        deadline = time.monotonic() + TRUST_SECONDS
        for side in OTHER:
            while True:
                try:
                    sync_peer(self.liar, CODE_NAMES[side])
                    break
                except Unavailable:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)


def _meet(node: Node, other: Node, name: str, url: str) -> None:
    card = node.folder / f"{name}.card.json"
    card.write_bytes(other.keys.card())
    add_peer(node, card, url=url, code_name=name)
    verify_peer(node, name, other.keys.fingerprint)


def _agree(node: Node, member: str, circle: str) -> None:
    create_circle(
        node,
        CircleWish(
            name=circle,
            members=(member,),
            tlp_ceiling="amber",
            tlp_floor="amber",
            pap_ceiling="amber",
            auto=SHARED_TYPES,
            auto_enforce=False,
            attribution=True,
        ),
    )
