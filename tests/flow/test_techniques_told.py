"""A way of working goes from node to node by the ordinary outbox, and is matched there."""

from __future__ import annotations

from pathlib import Path

from flow.overlap_scenes import lined, share
from seawall.flow.exchange import sync_peer
from seawall.flow.release import release_object
from seawall.flow.techniques import add
from seawall.flow.techniques_shown import list_sightings, matches

WAY = "T1190,T1505.003,T1003.003,T1558.003,T1550.002,T1114.002,T1567.002"


def test_a_released_way_of_working_reaches_the_peer_and_is_matched(tmp_path: Path) -> None:
    """Without a release nothing goes; released, pattern and sighting arrive and match what was entered there."""
    with lined(tmp_path) as nodes:
        share(nodes, auto=())
        taipei, seoul = nodes["taipei"], nodes["seoul"]
        told = add(taipei, sequence=WAY, sector="defence", tools=("mimikatz",))
        add(seoul, sequence=WAY, sector="energy", tools=("mimikatz",))
        sync_peer(taipei, "seoul")
        sync_peer(seoul, "taipei")
        assert [row["origin"] for row in list_sightings(seoul).items] == [None]
        objects = told["objects"]
        assert isinstance(objects, list)
        for id in objects:
            assert release_object(taipei, id, "tw-kr")["released"] is True
        sync_peer(taipei, "seoul")
        sync_peer(seoul, "taipei")
        rows = {str(row["origin"]): row for row in list_sightings(seoul).items}
        assert rows["taipei"]["sequence"] == WAY.split(",")
        assert rows["taipei"]["sectors"] == ["defence"]
        found = matches(seoul)["items"]
        assert isinstance(found, list)
        assert [item["common"] for item in found] == [WAY.split(",")]
