"""Granular markings at release: the marked part stays behind, or the whole object."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.scenes import asking, body, circle, knowing, stored
from seawall.codec.stix import check
from seawall.model import Release, Tlp, Withheld
from seawall.model.circle import Track
from seawall.model.stix.tlp import TLP2_IDS
from seawall.policy import decide, explain
from seawall.policy.granular import MAX_SELECTORS, cut_above, lowered, said_as_a_whole

GREEN = circle(tlp_ceiling=Tlp.GREEN)


def marked(granular: list[tuple[Tlp, list[str]]], own: Tlp = Tlp.GREEN, **more: Any) -> dict[str, Any]:
    """An indicator with parts marked on their own."""
    return body(
        object_marking_refs=[TLP2_IDS[own]],
        granular_markings=[{"marking_ref": TLP2_IDS[level], "selectors": names} for level, names in granular],
        **more,
    )


def released(made: dict[str, Any], tlp: Tlp, terms: Any = GREEN, **fields: Any) -> Release | Withheld:
    """The decision about it; ``tlp`` is what the store keeps, the strictest that is said in it."""
    return decide(asking(stored(made, tlp=tlp, **fields)), terms, knowing(terms))


def sent(answer: Release | Withheld) -> dict[str, Any]:
    """What leaves."""
    assert isinstance(answer, Release)
    found: dict[str, Any] = msgspec.json.decode(answer.objects[0].body)
    return found


def test_a_part_above_the_ceiling_stays_behind() -> None:
    """The object arrives whole but for the part, valid, under its own id, version and marking."""
    made = marked([(Tlp.AMBER, ["description"])], description="found at our neighbour's", name="x")
    got = sent(released(made, Tlp.AMBER))
    assert "description" not in got
    assert "granular_markings" not in got
    assert (got["id"], got["modified"], got["name"]) == (made["id"], made["modified"], "x")
    assert got["object_marking_refs"] == [TLP2_IDS[Tlp.GREEN]]
    assert check(got).valid
    why = explain(asking(stored(made, tlp=Tlp.AMBER)), GREEN, knowing(GREEN))
    assert why.released
    assert any("left out: description (amber)" in line for line in why.lines())


def test_an_amber_circle_gets_it_whole() -> None:
    """Nothing is left out where nothing is above the ceiling."""
    made = marked([(Tlp.AMBER, ["description"])], description="found at our neighbour's")
    got = sent(released(made, Tlp.AMBER, circle(tlp_ceiling=Tlp.AMBER)))
    assert got["description"] == "found at our neighbour's"
    assert got["object_marking_refs"] == [TLP2_IDS[Tlp.AMBER]]


@pytest.mark.parametrize(
    "selector", ["pattern", "id", "type", "created", "object_marking_refs", "pattern.x", "revoked"]
)
def test_what_the_object_cannot_be_without_keeps_it_back(selector: str) -> None:
    """A required property, or a selector that leads nowhere."""
    answer = released(marked([(Tlp.RED, [selector])], revoked=True), Tlp.RED)
    assert isinstance(answer, Withheld)
    assert answer.rule == "granular-marking"


def test_an_id_contributing_part_keeps_it_back() -> None:
    """An observable without the value that its id was made from would be another."""
    made = {
        "type": "file", "spec_version": "2.1", "id": "file--7ba7cf33-2a5c-5f2b-9f3c-1d5e1f3b7a11",
        "name": "a", "size": 3,
        "object_marking_refs": [TLP2_IDS[Tlp.GREEN]],
        "granular_markings": [{"marking_ref": TLP2_IDS[Tlp.RED], "selectors": ["name"]}],
    }  # fmt: skip
    terms = circle(tlp_ceiling=Tlp.GREEN, types=frozenset({"file"}))
    assert isinstance(released(made, Tlp.RED, terms), Withheld)
    made["granular_markings"] = [{"marking_ref": TLP2_IDS[Tlp.RED], "selectors": ["size"]}]
    assert "size" not in sent(released(made, Tlp.RED, terms))


def test_items_and_keys_go_and_other_selectors_count_anew() -> None:
    """STIX 2.1 section 7.2.3.1: selectors of what is left still point at it."""
    made = marked(
        [(Tlp.AMBER, ["labels.[0]", "labels.[2]", "external_references.[0].url", "x_notes.secret"]),
         (Tlp.CLEAR, ["labels.[1]", "labels.[3]", "labels.[0]", "x_notes"])],
        labels=["a", "b", "c", "d"], x_notes={"secret": 1, "open": 2},
        external_references=[{"source_name": "s", "url": "https://a.example/", "description": "d"}],
    )  # fmt: skip
    got = sent(released(made, Tlp.AMBER))
    assert got["labels"] == ["b", "d"]
    assert got["x_notes"] == {"open": 2}
    assert got["external_references"] == [{"source_name": "s", "description": "d"}]
    assert got["granular_markings"] == [
        {"marking_ref": TLP2_IDS[Tlp.CLEAR], "selectors": ["labels.[0]", "labels.[1]", "x_notes"]}
    ]
    assert check(got).valid


def test_a_list_that_would_be_empty_goes_with_its_last_item() -> None:
    """STIX knows no empty lists."""
    made = marked([(Tlp.AMBER, ["labels.[0]", "labels.[1]"])], labels=["a", "b"])
    assert "labels" not in sent(released(made, Tlp.AMBER))


def test_what_would_break_a_rule_keeps_it_back() -> None:
    """A source's name is required within its reference."""
    made = marked(
        [(Tlp.AMBER, ["external_references.[0].source_name"])],
        external_references=[{"source_name": "s", "description": "d"}],
    )
    assert isinstance(released(made, Tlp.AMBER), Withheld)


def test_only_its_own_parts_may_be_left_out() -> None:
    """Made from something, spoken by several sources, marked by hand, or unmarked as a whole: decided as a whole."""
    made = marked([(Tlp.AMBER, ["description"])], description="d")
    assert isinstance(released(made, Tlp.AMBER, inputs=("indicator--1",)), Withheld)
    assert isinstance(released(made, Tlp.AMBER, whole=True), Withheld)
    assert isinstance(released(made, Tlp.AMBER_STRICT), Withheld)
    assert isinstance(released({**made, "object_marking_refs": []}, Tlp.AMBER), Withheld)


def test_track_two_leaves_out_what_is_above_green() -> None:
    """Whatever the circle's ceiling says."""
    terms = circle(tlp_ceiling=Tlp.AMBER, track=Track.TWO)
    made = marked([(Tlp.AMBER, ["description"])], description="d")
    assert "description" not in sent(released(made, Tlp.AMBER, terms))


def test_a_definition_of_somebodys_own_governs_the_whole() -> None:
    """Amber by a marking that only its definition explains, and one part amber too: nothing of it is green."""
    own = "marking-definition--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
    made = marked([(Tlp.AMBER, ["description"])], description="d")
    made["object_marking_refs"].append(own)
    definition = {"type": "marking-definition", "id": own, "definition_type": "tlp", "definition": {"tlp": "amber"}}
    for definitions in ({own: definition}, {}):
        context = msgspec.structs.replace(knowing(GREEN), definitions=definitions)
        request = asking(stored(made, tlp=Tlp.AMBER))
        assert lowered(request, GREEN, context.definitions) == request
        assert isinstance(decide(request, GREEN, context), Withheld)


def test_what_came_under_a_stricter_marking_goes_on_under_it() -> None:
    """An amber mail carries a green object with an amber part: no less amber than the mail, whichever part is cut."""
    made = marked([(Tlp.AMBER, ["description"])], description="d")
    sealed = msgspec.json.encode(made)
    assert isinstance(released(msgspec.json.decode(said_as_a_whole(sealed, Tlp.AMBER)), Tlp.AMBER), Withheld)
    assert said_as_a_whole(sealed, Tlp.GREEN) == sealed
    unmarked = msgspec.json.encode(body(description="d"))
    assert said_as_a_whole(unmarked, Tlp.RED) == unmarked  # the store keeps the level beside it


def test_a_whole_that_goes_takes_its_own_parts_and_nothing_else() -> None:
    """An item and something in it both marked: the items beside it stay, and so do their markings."""
    made = marked(
        [(Tlp.AMBER, ["x_list.[0]", "x_list.[0].a", "x_list.[1].b"]), (Tlp.GREEN, ["x_list.[2].a", "x_list.[1].a"])],
        x_list=[{"a": "1", "b": "2"}, {"a": "3", "b": "4"}, {"a": "5"}],
    )
    cut = cut_above(made, Tlp.GREEN, Tlp.GREEN)
    assert cut.body["x_list"] == [{"a": "3"}, {"a": "5"}]
    assert cut.body["granular_markings"] == [
        {"marking_ref": TLP2_IDS[Tlp.GREEN], "selectors": ["x_list.[1].a", "x_list.[0].a"]}
    ]


def test_thousands_of_selectors_take_no_time() -> None:
    """Each list's removed items are sorted once."""
    half = MAX_SELECTORS // 2
    made = marked(
        [(Tlp.AMBER, [f"labels.[{2 * n}]" for n in range(half)]),
         (Tlp.GREEN, [f"labels.[{2 * n + 1}]" for n in range(half)])],
        labels=[f"l{n}" for n in range(2 * half)],
    )  # fmt: skip
    cut = cut_above(made, Tlp.GREEN, Tlp.GREEN)
    assert cut.body["labels"] == [f"l{2 * n + 1}" for n in range(half)]
    assert cut.body["granular_markings"][0]["selectors"] == [f"labels.[{n}]" for n in range(half)]


@pytest.mark.parametrize("depth", [40, 600])
def test_a_selector_of_any_depth_gets_an_answer(depth: int) -> None:
    """Deeper than objects may be: it stays whole."""
    deep: Any = "x"
    for _ in range(depth):
        deep = [deep]
    made = marked([(Tlp.AMBER, ["x_deep" + ".[0]" * depth])], x_deep=deep)
    assert cut_above(made, Tlp.GREEN, Tlp.GREEN).whole_because


PLACES = ["x_a", *(f"x_a.[{n}]" for n in range(4)), *(f"x_a.[{n}].{k}" for n in range(4) for k in "pq"),
          "x_b", *(f"x_b.{k}" for k in "pq"), *(f"x_b.{k}.[{n}]" for k in "pq" for n in range(3))]  # fmt: skip


@given(st.sets(st.sampled_from(PLACES)), st.sets(st.sampled_from(PLACES), max_size=6))
def test_unmarked_values_stay_where_they_were(strict: set[str], free: set[str]) -> None:
    """Whatever is cut: exactly the marked values go, the others keep their order, and each marking its value."""
    made = marked(
        [(Tlp.AMBER, sorted(strict)), (Tlp.CLEAR, sorted(free))],
        x_a=[{k: f"a{n}{k}" for k in "pq"} for n in range(4)],
        x_b={k: [f"b{k}{n}" for n in range(3)] for k in "pq"},
    )
    cut = cut_above(made, Tlp.GREEN, Tlp.GREEN)
    gone = {leaf for name in strict for leaf in _leaves(_at(made, name))}
    for name in ("x_a", "x_b"):
        assert _leaves(cut.body.get(name)) == [leaf for leaf in _leaves(made[name]) if leaf not in gone]
    kept = [mark["selectors"] for mark in cut.body.get("granular_markings", ()) if TLP2_IDS[Tlp.CLEAR] in mark.values()]
    expected = [[leaf for leaf in _leaves(_at(made, name)) if leaf not in gone] for name in sorted(free)]
    assert [_leaves(_at(cut.body, name)) for names in kept for name in names] == [one for one in expected if one]


NAMES = [
    "description", "name", "labels", "labels.[0]", "labels.[1]", "labels.[2]", "x_map", "x_map.one", "x_map.two",
    "x_deep.[0].a", "x_deep.[0]", "x_deep.[1].a.[0]", "x_deep.[1]", "pattern", "confidence", "valid_from", "no",
]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(list(Tlp)), st.lists(st.sampled_from(NAMES), min_size=1)), min_size=1),
    st.sampled_from([Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER]),
)
def test_nothing_marked_above_the_ceiling_ever_leaves(granular: list[tuple[Tlp, list[str]]], ceiling: Tlp) -> None:
    """Any markings: what leaves is valid, holds no stricter value, and marks what it still holds as before."""
    values = {
        "description": "D", "name": "N", "labels": ["L0", "L1", "L2"], "x_map": {"one": "M1", "two": "M2"},
        "x_deep": [{"a": "E0"}, {"a": ["E1"], "b": "E2"}], "confidence": 77,
    }  # fmt: skip
    made = marked(granular, own=Tlp.CLEAR, **values)
    before = copy.deepcopy(made)
    cut = cut_above(made, ceiling, Tlp.CLEAR)
    assert made == before
    if cut.whole_because:
        return
    text = msgspec.json.encode(cut.body).decode()
    for level, names in granular:
        for name in names:
            if level > ceiling:
                assert all(f'"{value}"' not in text for value in _leaves(_at(values, name)))
    assert cut.tlp <= ceiling
    assert check(cut.body).valid
    for marking in cut.body.get("granular_markings", ()):
        levels = {value for name in marking["selectors"] for value in _leaves(_at(cut.body, name))}
        said = {
            value
            for level, names in granular
            if TLP2_IDS[level] == marking["marking_ref"]
            for name in names
            for value in _leaves(_at(before, name))
        }
        assert levels <= said


def _at(value: Any, selector: str) -> Any:
    for step in selector.split("."):
        if step.startswith("["):
            index = int(step[1:-1])
            value = value[index] if isinstance(value, list) and index < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def _leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in _leaves(part)]
    return [] if value is None else [str(value)]
