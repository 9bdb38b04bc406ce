"""Whatever is made from something inherits the strictest of it, in the store as in theory; names stay hidden."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.neighbours import agree, neighbours, push, say
from seawall.flow.context import page_markings, stored_markings
from seawall.flow.node import Node, create_node
from seawall.flow.release import release_object
from seawall.model import Pap, Tlp
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stored import StoredObject
from seawall.policy import strictest
from seawall.policy.statements import BOUND_IDS, DO_NOT_NAME, Bound
from withheld_scenes import MOMENT

DERIVED = ("sighting", "campaign", "incident", "course-of-action", "note", "report", "grouping", "opinion",
           "x-warning", "x-directive", "x-aggregate")  # fmt: skip
Level = tuple[Tlp, Pap, frozenset[str], list[str], str | None]
levels = st.tuples(
    st.sampled_from(Tlp),
    st.sampled_from(Pap),
    st.frozensets(st.sampled_from(("seoul", "busan", "jeju")), max_size=2),
    st.sampled_from(([], [DO_NOT_NAME], [BOUND_IDS[Bound.ENCRYPT]], [BOUND_IDS[Bound.NO_RESALE]])),
    st.none() | st.sampled_from(("seoul", "busan")),
)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """An empty node."""
    folder = tmp_path_factory.mktemp("inheritance") / "node"
    create_node(folder, name="T", economy="TW", sector="unknown", timezone="UTC", lang="en")
    return Node.open(folder)


def _item(kind: str, number: int, level: Level, inputs: tuple[str, ...] = ()) -> StoredObject:
    tlp, pap, excluded, refs, origin = level
    id = f"{kind}--{number:08x}-0000-4000-8000-000000000000"
    body = {"type": kind, "id": id, "modified": MOMENT, "object_marking_refs": [TLP2_IDS[tlp], *refs]}
    return StoredObject(
        id, kind, MOMENT, None, msgspec.json.encode(body), tlp, pap, origin=origin, source=origin and "deep",
        stored_at=1, inputs=inputs, excluded=excluded,
    )  # fmt: skip


COUNTER = iter(range(1, 1_000_000_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(levels, min_size=1, max_size=4), levels, levels, st.sampled_from(DERIVED), st.sampled_from(DERIVED))
def test_every_kind_inherits_from_all_it_was_made_from(
    node: Node, inputs: list[Level], middle: Level, last: Level, kind: str, further: str
) -> None:
    """TLP, PAP, exclusions, origins, obligations and "do not name", over two steps, for every kind of object."""
    sources = [_item("indicator", next(COUNTER), level) for level in inputs]
    made = _item(kind, next(COUNTER), middle, tuple(item.id for item in sources))
    grown = _item(further, next(COUNTER), last, (made.id,))
    node.store.objects.put([*sources, made, grown])
    own = [stored_markings(node, msgspec.structs.replace(item, inputs=())) for item in (*sources, made, grown)]
    assert stored_markings(node, grown) == strictest(own)
    assert page_markings(node, [made, grown]) == [strictest(own[:-1]), strictest(own)]


def test_do_not_name_survives_two_hops(tmp_path: Path) -> None:
    """Seoul's nameless tool goes on through Taipei to Osaka: neither hop tells Osaka of Seoul."""
    with neighbours(tmp_path, "tpe", "sel", "osa") as nodes:
        seoul = nodes["sel"]
        agree(nodes, "deep", "tpe", "sel", tlp=Tlp.CLEAR)
        agree(nodes, "wide", "tpe", "osa", tlp=Tlp.CLEAR)
        id = "tool--12345678-0000-4000-8000-000000000000"
        body = {
            "type": "tool", "spec_version": "2.1", "id": id, "created": MOMENT, "modified": MOMENT, "name": "t",
            "created_by_ref": seoul.keys.identity_id, "object_marking_refs": [TLP2_IDS[Tlp.CLEAR], DO_NOT_NAME],
        }  # fmt: skip
        made = msgspec.json.encode(body)
        seoul.store.objects.put([StoredObject(id, "tool", MOMENT, None, made, Tlp.CLEAR, Pap.CLEAR, stored_at=1)])
        assert release_object(seoul, id, "deep")["released"] is True
        push(nodes, "deep", "sel", "tpe")
        first = nodes["tpe"].store.objects.latest([id])[id]
        assert first.created_by is None
        assert release_object(nodes["tpe"], id, "wide")["released"] is True
        push(nodes, "wide", "tpe", "osa")
        second = nodes["osa"].store.objects.latest([id])[id]
        for hop in (first, second):
            assert seoul.keys.identity_id.encode() not in hop.body
            assert DO_NOT_NAME.encode() in hop.body


@pytest.mark.parametrize("chatham", [True, False])
def test_the_chatham_house_rule_holds_onward(tmp_path: Path, chatham: bool) -> None:
    """What was said at a table under the rule is used further on, without who said it or who sat there."""
    with neighbours(tmp_path, "tpe", "sel", "osa") as nodes:
        agree(nodes, "deep", "tpe", "sel", tlp=Tlp.CLEAR)
        agree(nodes, "wide", "tpe", "osa", tlp=Tlp.CLEAR)
        taipei, seoul = nodes["tpe"], nodes["sel"]
        deep = taipei.store.circles.get("deep")
        taipei.store.circles.save(msgspec.structs.replace(deep, version=9, chatham_house=chatham), 1)
        id = say(seoul, "203.0.113.9", tlp=Tlp.CLEAR)
        push(nodes, "deep", "sel", "tpe")
        push(nodes, "wide", "tpe", "osa")
        found = nodes["osa"].store.indicators.by_id(id)
        assert [entry.value for entry in found] == ["203.0.113.9"]
        assert (DO_NOT_NAME.encode() in found[0].body) is chatham
        assert seoul.keys.identity_id.encode() not in found[0].body or not chatham
