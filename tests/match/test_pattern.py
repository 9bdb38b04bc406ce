"""STIX patterns against observed data: as OASIS's matcher answers, and bounded."""

from __future__ import annotations

import json

import pytest

from counting import calls
from realdata import folder
from seawall.match import match_pattern, read_observed
from seawall.match.observed import Observed
from seawall.model import Fault


def judged() -> list[tuple[str, list[Observed], bool | None]]:
    """Pattern, observations and OASIS's answer; None: an error."""
    cases = folder("stix-patterns")
    observations = json.loads((cases / "observations.json").read_text())
    lines = (json.loads(line) for line in (cases / "match-cases.jsonl").read_text().splitlines())
    return [(case["pattern"], read_observed(observations[case["observations"]]), case.get("match")) for case in lines]


def seen(*names: str, number: int = 1, seconds: int = 1) -> list[Observed]:
    """Observations of persons, one after the other."""
    document = [
        {
            "type": "observed-data", "number_observed": number, "objects": {"0": {"type": "person", "name": name}},
            "first_observed": f"2026-03-14T00:00:{place * seconds:02d}Z",
            "last_observed": f"2026-03-14T00:00:{place * seconds:02d}Z",
        }
        for place, name in enumerate(names)
    ]  # fmt: skip
    return read_observed(document)


def test_answers_are_those_of_the_oasis_matcher() -> None:
    """208 patterns: true, false, or an error with a sentence."""
    wrong = []
    for pattern, observed, answer in judged():
        try:
            found: bool | None = match_pattern(pattern, observed).matches
        except Fault:
            found = None
        if found != answer:
            wrong.append((pattern, answer, found))
    assert wrong == []


def test_the_ids_of_a_choice_are_told() -> None:
    """One choice of observations that satisfies the pattern, each named once, in order of time."""
    refs = ["person--1"]
    bundle = {
        "type": "bundle",
        "objects": [
            {"type": "person", "id": "person--1", "name": "mina", "knows_refs": ["person--2"]},
            {"type": "person", "id": "person--2", "name": "alice"},
            *(
                {"type": "observed-data", "id": f"observed-data--{n}", "number_observed": 2, "object_refs": refs,
                 "first_observed": f"2026-03-1{n}T00:00:00Z", "last_observed": f"2026-03-1{n}T00:00:00Z"}
                for n in (3, 1)
            ),
        ],
    }  # fmt: skip
    found = match_pattern("[person:knows_refs[*].name = 'alice'] REPEATS 3 TIMES", read_observed(bundle))
    assert (found.matches, found.observed) == (True, ("observed-data--1", "observed-data--3"))
    assert match_pattern("[person:name = 'alice']", read_observed(bundle)).matches is False


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("[person:name = 'a'] FOLLOWEDBY [person:name = 'b'] FOLLOWEDBY [person:name = 'c']", True),
        ("[person:name = 'b'] FOLLOWEDBY [person:name = 'a']", False),
        ("([person:name = 'a'] AND [person:name = 'c']) WITHIN 2 SECONDS", True),
        ("([person:name = 'a'] AND [person:name = 'c']) WITHIN 1 SECONDS", False),
        ("[EXISTS person:name]", True),
        ("[NOT EXISTS person:age]", True),
        ("[person:name[0] = 'a']", False),
        ("[person:name LIKE '_']", True),
        ("[person:name LIKE '.']", False),
    ],
)
def test_order_windows_and_presence(pattern: str, matches: bool) -> None:
    """Qualifiers and tests beyond the judged ones."""
    assert match_pattern(pattern, seen("a", "b", "c")).matches is matches


def test_a_costly_pattern_ends_with_a_sentence() -> None:
    """Neither a contradictory repetition, nor a huge count, nor a regular expression takes for ever."""
    crowd = seen(*"abcdefghijklmnopqrstuvwxyz", seconds=2)
    assert not match_pattern("[person:name < 'z'] REPEATS 13 TIMES AND [person:name = 'A']", crowd).matches
    with pytest.raises(Fault, match="E-MATCH-016"):
        match_pattern("[person:name > 'b'] REPEATS 12 TIMES FOLLOWEDBY [person:name < 'b']", crowd)
    with pytest.raises(Fault, match="E-MATCH-016"):
        match_pattern("([person:name = 'a'] AND [person:name = 'b']) REPEATS 1000 TIMES", seen("a", "b", number=2_000))
    assert match_pattern("[person:name = 'a'] REPEATS 500 TIMES", seen("a", number=999_999_999)).matches
    bomb = seen("a" * 50_000 + "!")
    assert not match_pattern("[person:name MATCHES '^(a+)+$']", bomb).matches


@pytest.mark.parametrize(
    "pattern",
    [
        "([person:name = 'a'] FOLLOWEDBY [person:name = 'b']) WITHIN 5000 SECONDS",
        "([person:name = 'a'] AND [person:name = 'c']) WITHIN 5 SECONDS",
        "([person:name = 'a'] REPEATS 3 TIMES FOLLOWEDBY [person:name = 'b']) REPEATS 3 TIMES",
        "(([person:name = 'a'] AND [person:name = 'a']) WITHIN 2 SECONDS AND [person:name = 'b']) WITHIN 9 SECONDS",
    ],
)
def test_many_observations_take_seconds_not_hours(pattern: str) -> None:
    """Ten thousand of them, in the worst order: an answer, or a sentence, within the time of a test."""
    moments = [(place, "b" if place < 5_000 else "a") for place in range(10_000)]
    observed = [
        Observed(str(place), place * 10**6, place * 10**6, 1, ("0",), {"0": {"type": "person", "name": name}})
        for place, name in moments
    ]
    try:
        match_pattern(pattern, observed)
    except Fault as fault:
        assert fault.code == "E-MATCH-016"


def test_huge_texts_and_hostile_expressions_are_bounded() -> None:
    """Ten million letters against nested repetitions; an expression that would need gigabytes is refused."""
    huge = seen("a" * 10_000_000 + "!")
    for expression in ("^(a+)+$", "(a|a)*b", "(.*a){20}b", "(x+x+)+y"):
        assert not match_pattern(f"[person:name MATCHES '{expression}']", huge).matches
    assert not match_pattern("[person:name LIKE '%a%a%a%a%b']", huge).matches
    with pytest.raises(Fault, match="E-MATCH-013"):
        match_pattern("[person:name MATCHES '((a{1,1000}){1,1000}){1,1000}']", huge)
    with pytest.raises(Fault, match="E-MATCH-013"):
        match_pattern(f"[person:name MATCHES '{'a|' * 20_000}']", huge)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("[person:name MATCHES '(?=a)']", "E-MATCH-013"),
        ("[person:name = ", "E-MATCH-015"),
        ("[person:name = t'2026-03-14T00:00:00Z']", "E-MATCH-012"),
        ("[person:name IN ('a', 1)]", "E-MATCH-014"),
    ],
)
def test_what_makes_no_sense_is_told(pattern: str, code: str) -> None:
    """One sentence with a code."""
    with pytest.raises(Fault, match=code):
        match_pattern(pattern, seen("a"))


@pytest.mark.parametrize(
    "pattern",
    [
        f"[person:name = 'a'] REPEATS 1{'0' * 30} TIMES",
        f"([person:name = 'a'] OR [person:name = 'b']) WITHIN {'9' * 300} SECONDS AND [person:name = 'c']",
        f"[person:name = {'9' * 300}]",
    ],
)
def test_huge_numbers_get_an_answer(pattern: str) -> None:
    """No error of the machine's, and no memory for what cannot be."""
    assert not match_pattern(pattern, seen("a", "b", number=3)).matches


def test_references_that_lead_back_do_not_multiply() -> None:
    """Ten objects that refer to all ten: as many after eight steps as after one."""
    names = [f"person--{n}" for n in range(10)]
    people = [{"type": "person", "id": name, "name": name[8:], "my_refs": names} for name in names]
    moment = "2026-03-14T00:00:00Z"
    seen = {"type": "observed-data", "number_observed": 1, "object_refs": names[:1], "first_observed": moment,
            "last_observed": moment}  # fmt: skip
    observed = read_observed({"type": "bundle", "objects": [*people, seen]})

    def asked(steps: int, name: str) -> list[bool]:
        return [match_pattern(f"[person:{'my_refs[*].' * steps}name = '{name}']", observed).matches]

    assert (asked(8, "x"), asked(8, "7")) == ([False], [True])
    assert calls(lambda: asked(8, "x")) < 8 * calls(lambda: asked(2, "x"))


@pytest.mark.parametrize(("document", "code"), [({}, "010"), ([], "010"), ({"type": "observed-data"}, "011")])
def test_what_is_no_observed_data_is_told(document: object, code: str) -> None:
    """Nothing to match, or an observation without its times."""
    with pytest.raises(Fault, match=f"E-MATCH-{code}"):
        read_observed(document)
