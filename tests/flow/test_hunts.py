"""Two nodes ask each other's lakes: release, review, search, answers in tiers, and what hostile questions get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from absent import needed
from flow.books_scenes import AT, DAY, address, alarm, observe, own, visit, wait
from flow.overlap_scenes import Nodes, lined, share
from seawall.codec.hunts import hunt_object
from seawall.codec.sharing import encode
from seawall.flow.hunts import Asking, HuntQuestion, request_hunt
from seawall.flow.hunts_answer import answer, spend_points
from seawall.flow.hunts_convert import BACKENDS, convert
from seawall.flow.hunts_hear import hear_hunt
from seawall.flow.hunts_run import review, run
from seawall.flow.hunts_shown import confirmations, list_hunts, show_hunt
from seawall.flow.node import Node
from seawall.flow.post import deliver
from seawall.flow.techniques import add as add_techniques
from seawall.flow.techniques_shown import matches
from seawall.flow.terms import terms_digest
from seawall.model import Fault, Refused, Tlp
from seawall.model.hunt import Hunt, HuntForm, HuntSide, HuntState
from seawall.model.message import Message, MessageKind

EVIL = "update.evil.example"
RULE = """
title: Beacon
logsource: {category: dns}
detection:
  selection:
    QueryName|endswith: .evil.example
  address:
    dst_ip: 45.76.0.4
  condition: selection or address
"""


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Taipei and Seoul agree on a circle in which nothing goes without a click."""
    with lined(tmp_path) as found:
        share(found, auto=())
        yield found


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """The same for tests that leave nothing behind."""
    with lined(tmp_path_factory.mktemp("standing")) as found:
        share(found, auto=())
        yield found


def asking(node: Node, **more: object) -> Asking:
    """A week's window, a deadline in three days."""
    now = node.clock()
    base: dict[str, object] = {"circle": "tw-kr", "since": now - 7 * DAY, "until": now + DAY, "deadline": now + 3 * DAY}
    return Asking(**(base | more))  # type: ignore[arg-type]


def ask(nodes: Nodes, **more: object) -> Hunt:
    """Taipei asks Seoul; the hunt as Seoul holds it."""
    sent, _, problems = request_hunt(nodes["taipei"], "seoul", asking(nodes["taipei"], **more))
    assert problems == []
    held = nodes["seoul"].store.hunts.get(HuntSide.RECEIVED, "taipei", sent.id)
    assert held is not None
    return held


def told(nodes: Nodes, hunt: Hunt) -> dict[str, object]:
    """The hunt as Taipei sees it, after what waits at Seoul was delivered."""
    deliver(nodes["taipei"], "seoul")
    return show_hunt(nodes["taipei"], hunt.id)


def looked(nodes: Nodes, **more: object) -> Hunt:
    """Asked, accepted, and run."""
    hunt = ask(nodes, **more)
    review(nodes["seoul"], hunt.id, accept=True)
    return run(nodes["seoul"], hunt.id)


def test_a_sigma_rule_is_asked_reviewed_run_and_answered(nodes: Nodes) -> None:
    """Nothing runs before a person accepted; every tier tells its part, on both ledgers, and no row leaves."""
    seoul = nodes["seoul"]
    observe(
        seoul, visit("45.76.0.9", host="10.0.0.5", name=EVIL), visit("45.76.0.4", host="10.0.0.7", name="x.example")
    )
    hunt = ask(nodes, sigma=RULE)
    assert (hunt.name, hunt.form, hunt.objection) == ("Beacon", HuntForm.SIGMA, "")
    with pytest.raises(Refused, match="E-FLOW-900"):
        run(seoul, hunt.id)
    review(seoul, hunt.id, accept=True)
    done = run(seoul, hunt.id).run
    assert done is not None
    assert (done.least, done.most, done.complete, len(done.events)) == (2, 2, True, 2)
    for tier, points in (("yes", 39), ("count", 35), ("details", 27)):
        assert answer(seoul, hunt.id, tier=tier)[1] == points
    seen = told(nodes, hunt)
    assert (seen["state"], seen["answer"]) == ("answered", "details")
    answers = seen["answers"]
    assert isinstance(answers, list)
    assert [(one["tier"], one["band"], one["count"]) for one in answers] == [
        ("yes", None, None), ("count", [1, 9], None), ("details", [1, 9], None),
    ]  # fmt: skip
    assert answers[2]["sectors"] == ["unknown"]
    assert seen["run"] is None


def test_conditions_are_asked_without_any_sql(nodes: Nodes) -> None:
    """All conditions must hold, alternatives are parted by a bar; a no needs a whole search without a row."""
    observe(nodes["seoul"], alarm(address(3)), alarm(address(4)))
    found = looked(nodes, where=(f"ip = {address(3)} | {address(9)}", "kind=alert", "signature*=trojan")).run
    assert found is not None
    assert (found.least, found.most) == (1, 1)
    other = looked(nodes, where=("domain=nothing.example",))
    with pytest.raises(Refused, match="E-FLOW-904"):
        answer(nodes["seoul"], other.id, tier="yes")
    answer(nodes["seoul"], other.id, tier="no")
    assert told(nodes, other)["answer"] == "no"


def test_what_the_lake_does_not_hold_makes_no_answer_stronger(nodes: Nodes) -> None:
    """A user agent beside a name: rows may meet it, none certainly does, so neither yes nor no may be said."""
    observe(nodes["seoul"], visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    rule = RULE.replace("    dst_ip: 45.76.0.4", "    c-useragent: curl").replace("selection or", "selection and")
    found = looked(nodes, sigma=rule)
    assert found.run is not None
    assert (found.run.least, found.run.most) == (0, 1)
    assert any("c-useragent" in loss for loss in found.run.losses)
    for tier in ("yes", "no", "count"):
        with pytest.raises(Refused, match="E-FLOW-904"):
            answer(nodes["seoul"], found.id, tier=tier)


def test_a_question_about_our_own_looks_like_any_other_to_its_asker(nodes: Nodes) -> None:
    """It is taken in, our people are told, it cannot be run, and not_run is what a declined one gets as well."""
    own(nodes["seoul"], "victim.example")
    observe(nodes["seoul"], visit("45.76.0.9", host="10.0.0.5", name="mail.victim.example"))
    probe, other = ask(nodes, where=("domain=mail.victim.example",)), ask(nodes, where=("domain=evil.example",))
    assert (bool(probe.objection), bool(other.objection)) == (True, False)
    review(nodes["seoul"], probe.id, accept=True)
    with pytest.raises(Refused, match="E-FLOW-901"):
        run(nodes["seoul"], probe.id)
    review(nodes["seoul"], other.id, accept=False, reason="too wide")
    for hunt in (probe, other):
        answer(nodes["seoul"], hunt.id, tier="not_run")
    first, second = told(nodes, probe), told(nodes, other)
    assert [part[name] for part in (first, second) for name in ("state", "answer", "reason")] == [
        "answered", "not_run", None,
    ] * 2  # fmt: skip
    # a part of the name finds nothing either: rows about our own names do not count
    wide = looked(nodes, where=("domain*=victim",)).run
    assert wide is not None
    assert (wide.least, wide.most) == (0, 0)


def test_only_the_other_end_is_asked_about(nodes: Nodes) -> None:
    """The machine of ours that an attacker spoke with is not found by its address, the attacker is."""
    observe(nodes["seoul"], alarm(address(3), host="10.0.0.77"))
    probe = GOOD.replace("domain", "ip").replace("evil.example", "10.0.0.77")
    hear_hunt(nodes["seoul"], _message(nodes, probe))
    (row,), _ = list_hunts(nodes["seoul"])
    review(nodes["seoul"], str(row["id"]), accept=True)
    found = run(nodes["seoul"], str(row["id"])).run
    assert found is not None
    assert (found.least, found.most) == (0, 0)


def test_budgets_bound_what_a_peer_learns(nodes: Nodes) -> None:
    """Hunts a day and points for answers; a refusal tells only the asker's own bound; the same tier is told once."""
    seoul = nodes["seoul"]
    seoul.settings = msgspec.structs.replace(
        seoul.settings, hunts=msgspec.structs.replace(seoul.settings.hunts, per_day=2, points_per_day=5)
    )
    observe(seoul, visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    first, second = looked(nodes, where=(f"domain={EVIL}",)), looked(nodes, where=(f"domain={EVIL}",))
    _, _, problems = request_hunt(nodes["taipei"], "seoul", asking(nodes["taipei"], where=("domain=x.example",)))
    assert any("At most 2 hunts a day" in sentence for sentence in problems)
    answer(seoul, first.id, tier="count", exact=True)
    with pytest.raises(Refused, match="E-FLOW-905"):
        answer(seoul, first.id, tier="count")
    answer(seoul, second.id, tier="yes")
    with pytest.raises(Refused, match="E-FLOW-906"):
        answer(seoul, second.id, tier="count")
    wait(seoul, 2 * DAY)
    answer(seoul, second.id, tier="count", noise="0.5")
    answers = told(nodes, first)["answers"]
    assert isinstance(answers, list)
    assert answers[0]["count"] == 1


def test_a_circle_that_strikes_counts_gets_bands_only(nodes: Nodes) -> None:
    """The circle's redaction holds for answers as for any object."""
    seoul = nodes["seoul"]
    terms = seoul.store.circles.get("tw-kr")
    terms = msgspec.structs.replace(terms, version=terms.version + 1, redaction=frozenset({"count"}))
    seoul.store.circles.save(terms, seoul.clock())
    seoul.store.notes.set("agreed:tw-kr:taipei", terms_digest(terms))
    observe(seoul, visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    hunt = looked(nodes, where=(f"domain={EVIL}",))
    answer(seoul, hunt.id, tier="count", exact=True)
    answers = told(nodes, hunt)["answers"]
    assert isinstance(answers, list)
    assert (answers[0]["band"], answers[0]["count"]) == ([1, 9], None)


def test_deadlines_end_a_hunt_on_both_sides(nodes: Nodes) -> None:
    """Behind it nothing is accepted, run or answered; the asker reads not_run, as if it had been declined."""
    hunt = ask(nodes, where=(f"domain={EVIL}",))
    wait(nodes["seoul"], 4 * DAY)
    for step in (
        lambda: review(nodes["seoul"], hunt.id, accept=True),
        lambda: answer(nodes["seoul"], hunt.id, tier="not_run"),
    ):
        with pytest.raises(Refused, match="E-FLOW-900"):
            step()
    (mine,), _ = list_hunts(nodes["taipei"])
    assert (mine["state"], mine["answer"]) == ("expired", "not_run")


def test_policy_keeps_a_question_here(nodes: Nodes) -> None:
    """Above the circle's ceiling, with a value of our own, or in a circle that does not seat the peer: nothing goes."""
    taipei = nodes["taipei"]
    own(taipei, "ours.example")
    for more, code in (
        ({"tlp": "red", "where": ("domain=evil.example",)}, "E-FLOW-882"),
        ({"where": ("domain=mail.ours.example",)}, "E-FLOW-882"),
        ({"circle": "nowhere", "where": ("domain=evil.example",)}, "E-STORE-061"),
    ):
        with pytest.raises(Fault, match=code):
            request_hunt(taipei, "seoul", asking(taipei, **more))
    assert list_hunts(nodes["seoul"])[0] == []


def _message(nodes: Nodes, text: str, form: HuntForm = HuntForm.QUERY, **more: object) -> Message:
    """A hunt as a mischievous Taipei might send it, past its own checks."""
    now = nodes["seoul"].clock()
    base: dict[str, object] = {
        "side": HuntSide.ASKED, "peer": "seoul", "id": "indicator--0b8ed0b5-3b7a-4f6d-9b49-9d5ee3a6b4a1",
        "circle": "tw-kr", "form": form, "text": text, "name": "n", "since": now - DAY, "until": now + DAY,
        "deadline": now + DAY, "at": now,
        "tlp": Tlp.GREEN, "pap": 0,
    }  # fmt: skip
    hunt = msgspec.convert(base | more, Hunt, strict=False)
    body = encode(hunt_object(hunt, nodes["taipei"].keys.identity_id))
    packed = msgspec.msgpack.encode(HuntQuestion("tw-kr", body))
    return Message("taipei", 1, MessageKind.HUNT, now, now + DAY, packed)


GOOD = '{"version":1,"all":[{"type":"test","field":"domain","op":"eq","values":["evil.example"]}]}'


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("SELECT * FROM observations", HuntForm.QUERY),
        (GOOD.replace("domain", "username"), HuntForm.QUERY),
        (GOOD.replace("domain", "domain) OR (1=1"), HuntForm.QUERY),
        (GOOD.replace('"evil.example"', ",".join(['"a"'] * 1_001)), HuntForm.QUERY),
        (GOOD.replace("evil.example", "x" * 2_000), HuntForm.QUERY),
        (GOOD.replace('"eq"', '"re"').replace("evil.example", "a" * 600), HuntForm.QUERY),
        ("{}", HuntForm.QUERY),
        ("title: x\ndetection: {condition: a, a: &a [*a]}", HuntForm.SIGMA),
        (BOMB, HuntForm.SIGMA),
        ("title: x\ndetection: {a: {query: y}, condition: " + "(" * 500 + "a" + ")" * 500 + "}", HuntForm.SIGMA),
        ("title: x\ndetection: {a: {query: y}, condition: a | count() > 5}", HuntForm.SIGMA),
        ("title: x\ndetection: {a: {query: y}, condition: b}", HuntForm.SIGMA),
        ("x" * 70_000, HuntForm.SIGMA),
    ],
)  # fmt: skip
def test_a_hostile_question_is_rejected_whole(standing: Nodes, text: str, form: HuntForm) -> None:
    """Bombs, SQL, unknown fields and sizes beyond the bounds: a sentence for the sender, and nothing is kept."""
    with pytest.raises(Refused, match=r"E-FLOW-89[0-5]"):
        hear_hunt(standing["seoul"], _message(standing, text, form))
    assert list_hunts(standing["seoul"])[0] == []


def test_a_replay_changes_nothing_and_another_question_under_the_same_id_is_refused(nodes: Nodes) -> None:
    """The same again costs nothing; past deadlines and endless windows are refused."""
    seoul = nodes["seoul"]
    message = _message(nodes, GOOD)
    for _ in range(3):
        hear_hunt(seoul, message)
    assert seoul.store.hunts.spent("taipei", asked=True, since=0) == 1
    for other in (
        _message(nodes, GOOD.replace("evil", "other")),
        _message(nodes, GOOD, id="indicator--0b8ed0b5-3b7a-4f6d-9b49-9d5ee3a6b4a2", at=AT - 3 * DAY, deadline=AT - DAY),
        _message(nodes, GOOD, id="indicator--0b8ed0b5-3b7a-4f6d-9b49-9d5ee3a6b4a3", since=0),
    ):
        with pytest.raises(Refused, match=r"E-FLOW-89[45]"):
            hear_hunt(seoul, other)
    assert len(list_hunts(seoul)[0]) == 1


def test_a_pattern_that_the_engine_refuses_is_one_sentence(nodes: Nodes) -> None:
    """RE2 has no back references; the hunt says so, and stays where it was."""
    observe(nodes["seoul"], visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    hunt = ask(nodes, where=(r"domain~=(a)\1",))
    review(nodes["seoul"], hunt.id, accept=True)
    with pytest.raises(Fault, match="E-FLOW-902"):
        run(nodes["seoul"], hunt.id)


def test_a_search_that_reaches_its_limit_says_neither_no_nor_how_many(nodes: Nodes) -> None:
    """What was not searched is told; a yes that was found stands."""
    seoul = nodes["seoul"]
    observe(seoul, visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    hunt = ask(nodes, where=(f"domain={EVIL}",))
    review(seoul, hunt.id, accept=True)
    ticks = iter([0.0, 1_000_000.0])
    found = run(seoul, hunt.id, clock=lambda: next(ticks)).run
    assert found is not None
    assert (found.complete, found.days) == (False, 0)
    with pytest.raises(Refused, match="E-FLOW-904"):
        answer(seoul, hunt.id, tier="no")


def test_strict_markings_want_two_people(nodes: Nodes) -> None:
    """A hunt marked AMBER+STRICT is accepted by two people, as its circle's terms would have it."""
    share(nodes, auto=(), tlp=Tlp.AMBER_STRICT)
    message = _message(nodes, GOOD, tlp=Tlp.AMBER_STRICT)
    hear_hunt(nodes["seoul"], message)
    (row,), _ = list_hunts(nodes["seoul"])
    with pytest.raises(Refused, match="E-FLOW-022"):
        review(nodes["seoul"], str(row["id"]), accept=True)
    assert review(nodes["seoul"], str(row["id"]), accept=False).state is HuntState.DECLINED


def test_an_answer_confirms_what_the_hunt_was_sent_for(nodes: Nodes) -> None:
    """The match's id stays here; the yes is on the ledger with the verdict."""
    observe(nodes["seoul"], visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    hunt = looked(nodes, where=(f"domain={EVIL}",), confirms="technique-match--1")
    assert hunt.confirms == ""
    answer(nodes["seoul"], hunt.id, tier="yes")
    told(nodes, hunt)
    ((peer, confirms, _),) = confirmations(nodes["taipei"], "technique-match--1")
    assert (peer, confirms) == ("seoul", True)


def test_a_technique_match_shows_what_a_hunt_for_it_found(nodes: Nodes) -> None:
    """Two ways of working with no value in common match; a hunt is sent for that match, and its yes stands there."""
    way = "T1190,T1505.003,T1003.003,T1558.003,T1550.002,T1114.002,T1567.002"
    for side, sector in (("TW", "defence"), ("KR", "energy")):
        add_techniques(nodes["taipei"], sequence=way, sector=sector, tools=("mimikatz",), side=side)
    before: Any = matches(nodes["taipei"])["items"]
    observe(nodes["seoul"], visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    hunt = looked(nodes, where=(f"domain={EVIL}",), confirms=before[0]["id"])
    answer(nodes["seoul"], hunt.id, tier="yes")
    told(nodes, hunt)
    after: Any = matches(nodes["taipei"])["items"]
    assert [[one["confirms"] for one in items[0]["answers"]] for items in (before, after)] == [[], [True]]


def test_a_hunt_is_printed_in_the_language_of_a_siem(nodes: Nodes) -> None:
    """By pySigma where it is installed; nothing leaves the machine for it; an unknown language is one sentence."""
    rule, query = ask(nodes, sigma=RULE), ask(nodes, where=("domain=a*b.example", "ip@=203.0.113.0/24"))
    with pytest.raises(Fault, match="E-FLOW-908"):
        convert(nodes["seoul"], rule.id, to="cobol")
    for backend in ("splunk", "elasticsearch", "kusto"):
        needed(f"sigma.backends.{backend}")
    for language in BACKENDS:
        text = str(convert(nodes["seoul"], rule.id, to=language)["query"])
        assert "evil.example" in text, language
        assert "a" in str(convert(nodes["seoul"], query.id, to=language)["query"])
    splunk = convert(nodes["seoul"], query.id, to="splunk")
    assert "a\\*b.example" in str(splunk["query"]) or "a*b.example" in str(splunk["query"])


def test_a_restored_node_has_nothing_left_to_answer_today(nodes: Nodes) -> None:
    """What was answered since the backup nobody knows: all of today's points count as spent, tomorrow's do not."""
    seoul = nodes["seoul"]
    observe(seoul, visit("45.76.0.9", host="10.0.0.5", name=EVIL))
    hunt = looked(nodes, where=(f"domain={EVIL}",))
    assert spend_points(seoul, seoul.clock()) == ["hunts: taipei"]
    with pytest.raises(Refused, match="E-FLOW-906"):
        answer(seoul, hunt.id, tier="yes")
    wait(seoul, 2 * DAY)
    answer(seoul, hunt.id, tier="yes")


def test_a_day_with_very_many_rows_is_searched_in_steps(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is looked at between the steps; the sum over them is that of one step, and the day counts once."""
    monkeypatch.setattr("seawall.flow.hunts_run.STEP_ROWS", 2)
    observe(nodes["seoul"], *(visit("45.76.0.9", host="10.0.0.5", name=EVIL) for _ in range(9)))
    found = looked(nodes, where=(f"domain={EVIL}",)).run
    assert found is not None
    assert (found.least, found.most, found.days, found.complete) == (9, 9, 1, True)
