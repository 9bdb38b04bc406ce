"""What our sensors saw, told to MISPs that hold the value and may know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.misp.conftest import Beside
from exchange.misp.test_others import partner as partner
from seawall.flow.misp_servers import add_server, server
from seawall.model import Tlp

SEEN = "203.0.113.77"


def sightings(beside: Beside) -> list[dict[str, Any]]:
    """Those that stand on the MISP."""
    return [said for event in beside.misp.events.values() for one in event["Attribute"]
            for said in one.get("Sighting", [])]  # fmt: skip


def theirs(beside: Beside, value: str = SEEN) -> str:
    """An event of the MISP with an address; its UUID."""
    uuid = beside.misp.new_event("Theirs", Tag=[{"name": "tlp:green"}])
    beside.misp.new_attribute(uuid, "ip-dst", value)
    return uuid


def test_our_sightings_stand_with_what_the_misp_holds(beside: Beside, tmp_path: Path) -> None:
    """A value that our sensors saw is sighted there once, with its moment and without our name; on record."""
    uuid = theirs(beside)
    beside.sync()
    beside.see(tmp_path, SEEN)
    before = beside.node.ledger.size
    assert beside.sync()["sighted"] >= 1
    said = sightings(beside)
    assert {(one["type"], one["date_sighting"]) for one in said} == {("0", "1773475200")}
    assert all("Taipei" not in str(one) and "tpe-1" not in str(one) for one in said)
    told = str(list(beside.node.ledger.show(after=before - 1, limit=100).items))
    assert "sighting--" in told
    assert beside.sync()["sighted"] == 0
    assert sightings(beside) == said
    beside.misp.events[uuid]["timestamp"] = str(beside.clock.seconds())
    beside.sync(full=True)
    assert all("Sighting" not in one for one in beside.ours(uuid)["Attribute"])


def test_what_the_misp_does_not_hold_or_may_not_know_is_not_told(beside: Beside, tmp_path: Path) -> None:
    """Nothing above the ceiling is told; with --push events nothing that our sensors saw; nothing unknown there."""
    theirs(beside)
    beside.see(tmp_path, SEEN)
    beside.see(tmp_path, "203.0.113.78")
    key = beside.node.folder / "keys" / "misp-own.key"
    add_server(beside.node, msgspec.structs.replace(server(beside.node, "own"), push="events"), key)
    assert beside.sync()["sighted"] == 0
    add_server(beside.node, msgspec.structs.replace(server(beside.node, "own"), push="all", ceiling=Tlp.CLEAR), key)
    assert beside.sync()["sighted"] == 0
    assert sightings(beside) == []


def test_a_key_that_may_not_sight_is_one_problem(beside: Beside, tmp_path: Path) -> None:
    """It is said once, the run goes on, and the next one does not say it again."""
    theirs(beside)
    beside.see(tmp_path, SEEN)
    answer = beside.misp.answer
    beside.misp.answer = lambda path, given: (  # type: ignore[method-assign]
        (403, {"message": "You do not have permission."}) if path.startswith("/sightings") else answer(path, given)
    )
    report = beside.sync()
    assert (report["sighted"], len(report["problems"])) == (0, 1)
    assert beside.sync()["problems"] == []


@pytest.mark.parametrize("released", [True, False])
def test_a_partner_gets_the_sightings_that_its_circle_releases(
    beside: Beside,
    partner: Callable[..., dict[str, Any]],
    tmp_path: Path,
    released: bool,
) -> None:
    """Where the circle lets sightings go, its MISP gets them, for what it may know; elsewhere it gets none."""
    terms = beside.node.store.circles.get("open")
    wider = terms.types | {"sighting"} if released else terms.types - {"sighting"}
    fields: dict[str, Any] = {"least_sensors": 1, "tlp_at_most": Tlp.AMBER}
    standing = tuple(msgspec.structs.replace(one, types=one.types | {"sighting"}, **fields) for one in terms.standing)
    changed = msgspec.structs.replace(terms, types=wider, standing=standing, tlp_ceiling=Tlp.AMBER,
                                      version=terms.version + 1)  # fmt: skip
    beside.node.store.circles.save(changed, beside.node.clock())
    beside.add("Ours", Attribute=[{"type": "ip-dst", "value": SEEN}])
    beside.see(tmp_path, SEEN)
    report = partner()
    assert (report["sighted"] > 0) == released
    assert (sightings(beside) != []) == released
