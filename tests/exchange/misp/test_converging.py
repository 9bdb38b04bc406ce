"""A thousand edits on both sides of a MISP, with kills between the steps: both end with the same."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import pytest

from exchange.misp.conftest import Beside
from seawall.exchange.misp import canonical, changes
from seawall.flow.misp_book import new_uuid
from seawall.flow.misp_servers import client_of, server
from seawall.flow.misp_sync import exchange

EDITS = 1_000
KILLED_OF = 12  # one call in so many does not live to see its answer, or is not made


class KilledError(Exception):
    """The process ends here."""


class Kills:
    """Cuts calls off, before or after they are made."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.count = 0

    def over(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, for a process that may end at it."""

        def mortal(*given: Any) -> Any:
            fate = self._chance.randrange(2 * KILLED_OF)
            if fate == 0:
                self.count += 1
                raise KilledError
            answer = call(*given)
            if fate == 1:
                self.count += 1
                raise KilledError
            return answer

        return mortal


class Mortal:
    """A remote whose calls are cut off."""

    def __init__(self, inner: Any, kills: Kills) -> None:
        self._inner, self._kills = inner, kills

    def __getattr__(self, name: str) -> Any:
        return self._kills.over(getattr(self._inner, name))


class People:
    """Who edits on both sides, and what must be there in the end."""

    def __init__(self, beside: Beside, chance: random.Random) -> None:
        self.beside, self.chance = beside, chance
        self.attributes: dict[str, str] = {}  # UUID -> event, never deleted by anybody
        self.gone: set[str] = set()
        self.made = {"ours": 0, "theirs": 0}
        self._value = 0

    def edit(self) -> None:
        """One edit on one side."""
        side = self.chance.choice(["ours", "theirs"])
        ways = [self._add_event] + 4 * [self._add_attribute] + 4 * [self._change] + 3 * [self._tag]
        ways += 2 * [self._untag] + 2 * [self._delete] + ([self._delete_event] if self.chance.random() < 0.3 else [])
        way = self.chance.choice(ways)
        self.beside.clock.on(self.chance.choice([0, 0, 1, 3]))
        while not way(side):
            way = self.chance.choice(ways)
        self.made[side] += 1

    def _value_of(self) -> str:
        self._value += 1
        return f"host-{self._value}.example"

    def _events(self, side: str) -> list[str]:
        if side == "theirs":
            return list(self.beside.misp.events)
        seen = self.beside.node.store.misp.changed_since(0, 10_000)
        return [one.uuid for one in seen if not one.deleted]

    def _live(self, side: str) -> list[tuple[str, str]]:
        """(event, attribute) that live on this side."""
        if side == "theirs":
            return [(uuid, one["uuid"]) for uuid, event in self.beside.misp.events.items()
                    for one in event["Attribute"] if not one["deleted"]]  # fmt: skip
        found = []
        for uuid in self._events(side):
            found += [(uuid, one["uuid"]) for one in self.beside.ours(uuid)["Attribute"] if not one["deleted"]]
        return found

    def _add_event(self, side: str) -> bool:
        if side == "theirs":
            self.beside.misp.new_event(self._value_of(), Tag=[{"name": "tlp:green"}])
        else:
            self.beside.add(self._value_of(), Attribute=[])
        return True

    def _add_attribute(self, side: str) -> bool:
        events = self._events(side)
        if not events:
            return False
        event = self.chance.choice(events)
        if side == "theirs":
            uuid = self.beside.misp.new_attribute(event, "domain", self._value_of())
        else:
            given = {"type": "domain", "value": self._value_of()}
            ((uuid,), _) = self.beside.door.add_attributes(self.beside.actor, event, [given])
        self.attributes[uuid] = event
        return True

    def _change(self, side: str) -> bool:
        return self._edit_one(side, {"value": self._value_of(), "comment": "edited"})

    def _delete(self, side: str) -> bool:
        return self._edit_one(side, {"deleted": True})

    def _edit_one(self, side: str, fields: dict[str, Any]) -> bool:
        live = self._live(side)
        if not live:
            return False
        event, uuid = self.chance.choice(live)
        if fields.get("deleted"):
            self.gone.add(uuid)
        if side == "theirs":
            self.beside.misp.change_attribute(event, uuid, **fields)
        else:
            self.beside.door.edit_attribute(self.beside.actor, uuid, fields)
        return True

    def _tag(self, side: str) -> bool:
        return self._retag(side, f"tag-{self.chance.randrange(6)}", attach=True)

    def _untag(self, side: str) -> bool:
        return self._retag(side, f"tag-{self.chance.randrange(6)}", attach=False)

    def _retag(self, side: str, name: str, *, attach: bool) -> bool:
        events, live = self._events(side), self._live(side)
        if not events:
            return False
        event, uuid = self.chance.choice(live) if live and self.chance.random() < 0.7 else (None, None)
        event = event or self.chance.choice(events)
        if side == "theirs":
            held = self.beside.misp.events[event]
            holder = next((one for one in held["Attribute"] if one["uuid"] == uuid), held)
            self.beside.misp.tag_by_hand(held, holder, name, attach=attach)
        else:
            self.beside.door.tag(self.beside.actor, uuid or event, name, attach=attach)
        return True

    def _delete_event(self, side: str) -> bool:
        events = self._events(side)
        if len(events) < 4:
            return False
        event = self.chance.choice(events)
        self.gone |= {uuid for uuid, holder in self.attributes.items() if holder == event}
        if side == "theirs":
            self.beside.misp.delete(event)
        else:
            self.beside.door.delete_event(self.beside.actor, event)
        return True


def differences(beside: Beside) -> list[str]:
    """Where the two sides do not hold the same, part by part."""
    theirs = {uuid: canonical(event, now=0, new_uuid=new_uuid) for uuid, event in beside.misp.events.items()}
    ours = {}
    for one in beside.node.store.misp.changed_since(0, 10_000):
        if not one.deleted:
            ours[one.uuid] = beside.ours(one.uuid)
    found = [f"only there: {uuid}" for uuid in theirs.keys() - ours.keys()]
    found += [f"only here: {uuid}" for uuid in ours.keys() - theirs.keys()]
    for uuid in theirs.keys() & ours.keys():
        for told in (changes(theirs[uuid], ours[uuid]), changes(ours[uuid], theirs[uuid])):
            if told:
                found.append(f"{uuid}: {told}")
        here, there = ({one["uuid"]: (one["value"], tuple(tag["name"] for tag in one["Tag"]))
                        for one in side[uuid]["Attribute"] if not one["deleted"]}
                       for side in (ours, theirs))  # fmt: skip
        if here != there:
            found.append(f"{uuid}: {here} / {there}")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("edits", "skew"), [pytest.param(EDITS, 0, marks=pytest.mark.long), (EDITS // 4, 0), (EDITS // 10, 40)]
)
def test_a_thousand_edits_on_both_sides_converge(
    beside: Beside, edits: int, skew: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adds, edits, tags, untags and deletions on both sides, syncs between them, kills within: the same on both."""
    chance = random.Random(20_261_122 + skew)
    beside.clock.skew = skew  # the MISP's clock is ahead
    people = People(beside, chance)
    kills, syncs = Kills(chance), 0
    one = server(beside.node, "own")
    client = client_of(beside.node, one)
    for number in range(edits):
        people.edit()
        if chance.randrange(8) and number < edits - 1:
            continue
        beside.clock.on(1)
        syncs += 1
        with monkeypatch.context() as patch, contextlib.suppress(KilledError):
            patch.setattr(beside.node.store.misp, "know", kills.over(beside.node.store.misp.know))
            patch.setattr(beside.node.store.misp, "put", kills.over(beside.node.store.misp.put))
            exchange(beside.node, one, Mortal(client, kills), full=chance.random() < 0.5, accept_deletions=True)
    for _ in range(6):
        beside.clock.on(1)
        done = exchange(beside.node, one, client, full=True, accept_deletions=True)
    client.close()
    assert (done.pulled, done.pushed, done.deleted_here, done.deleted_there) == (0, 0, 0, 0)
    assert differences(beside) == []
    assert sum(people.made.values()) == edits
    assert min(people.made.values()) > edits // 3
    assert kills.count > edits // 40
    assert syncs > edits // 12
    kept = {each["uuid"] for event in beside.misp.events.values() for each in event["Attribute"] if not each["deleted"]}
    lost = {uuid for uuid, event in people.attributes.items() if uuid not in people.gone | kept
            and event in beside.misp.events}  # fmt: skip
    assert lost == set()
