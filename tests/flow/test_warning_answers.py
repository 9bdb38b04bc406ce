"""What people answer to a warning goes back to where it came from, as far as policy permits, and can be taken back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from flow.warning_scenes import CIRCLE, HOUR, push, told
from seawall.flow.node import Node
from seawall.flow.warning_answers import answer_warning, snooze_warning, undo_warning
from seawall.flow.warning_desk import refresh_desk
from seawall.model import Fault, NotFound, ObservableType, from_microseconds
from seawall.model.answer import Verdict

VALUE = "203.0.113.77"
KEY = (ObservableType.IPV4, VALUE)
SIGHTINGS = frozenset({"indicator", "sighting"})


def _heard(node: Node) -> list[tuple[str, str | None]]:
    return [(answer.verdict.value, answer.peer) for answer in node.store.answers.of([KEY]).get(KEY, [])]


@pytest.mark.parametrize(
    ("verdict", "types", "kind"),
    [
        (Verdict.CONFIRMED, SIGHTINGS | {"opinion"}, "sighting"),
        (Verdict.REFUTED, SIGHTINGS | {"opinion"}, "opinion"),
        (Verdict.REFUTED, SIGHTINGS, "sighting"),
    ],
)
def test_an_answer_reaches_the_origin_and_can_be_taken_back(
    tmp_path: Path, verdict: Verdict, types: frozenset[str], kind: str
) -> None:
    """Confirmed by a sighting, refuted by an opinion or by a sighting of nothing; undo withdraws it there too."""
    with told(tmp_path, VALUE, types=types) as nodes:
        taipei, seoul = nodes["tpe"], nodes["sel"]
        refresh_desk(taipei)
        done = answer_warning(taipei, VALUE, verdict, "our proxy logs of 10.0.0.5 show it")
        assert [(way.peer, way.state, way.circle) for way in done.ways] == [("sel", "goes", CIRCLE)]
        assert str(done.ways[0].id).startswith(f"{kind}--")
        assert _heard(seoul) == []
        assert push(nodes, CIRCLE, "tpe", "sel") == 1
        assert _heard(seoul) == [(verdict.value, "tpe")]
        assert _heard(taipei) == [(verdict.value, None)]
        held = seoul.store.objects.latest([str(done.ways[0].id)])[str(done.ways[0].id)]
        assert b"10.0.0.5" not in held.body
        undo_warning(taipei, VALUE)
        assert _heard(taipei) == []
        push(nodes, CIRCLE, "tpe", "sel")
        assert _heard(seoul) == []
        again = answer_warning(taipei, VALUE, verdict)
        assert again.ways[0].id == done.ways[0].id
        push(nodes, CIRCLE, "tpe", "sel")
        assert _heard(seoul) == [(verdict.value, "tpe")]


def test_a_changed_mind_leaves_one_answer_there(tmp_path: Path) -> None:
    """First confirmed, then refuted: the origin holds the last, and the first is withdrawn."""
    with told(tmp_path, VALUE) as nodes:
        refresh_desk(nodes["tpe"])
        for verdict in (Verdict.CONFIRMED, Verdict.REFUTED):
            answer_warning(nodes["tpe"], VALUE, verdict)
            push(nodes, CIRCLE, "tpe", "sel")
        assert _heard(nodes["sel"]) == [("refuted", "tpe")]


def test_an_answer_does_not_replace_what_the_peer_saw(tmp_path: Path) -> None:
    """Sensors' evidence stays as told; a refutation is no withdrawal of a sighting."""
    with told(tmp_path, VALUE, types=SIGHTINGS) as nodes:
        taipei, seoul = nodes["tpe"], nodes["sel"]
        refresh_desk(taipei)
        answer_warning(taipei, VALUE, Verdict.REFUTED)
        push(nodes, CIRCLE, "tpe", "sel")
        assert seoul.store.sightings.told([KEY]) == ()


def test_where_the_circle_takes_no_answers_it_stays_and_says_so(tmp_path: Path) -> None:
    """The answer is kept here; the reason is the rule's own sentence."""
    with told(tmp_path, VALUE) as nodes:
        from flow.warning_scenes import permit

        permit(nodes, frozenset({"indicator"}))
        refresh_desk(nodes["tpe"])
        done = answer_warning(nodes["tpe"], VALUE, Verdict.CONFIRMED)
        assert [way.state for way in done.ways] == ["stays"]
        assert "the circle permits objects of this type" in done.ways[0].values["reason"]
        assert _heard(nodes["tpe"]) == [("confirmed", None)]
        assert push(nodes, CIRCLE, "tpe", "sel") == 0


def test_an_answer_goes_to_its_origin_only(tmp_path: Path) -> None:
    """Every other peer is excluded from the object that carries it."""
    with told(tmp_path, VALUE) as nodes:
        taipei = nodes["tpe"]
        refresh_desk(taipei)
        taipei.store.circles.save(
            msgspec.structs.replace(taipei.store.circles.get(CIRCLE), name="wide", members=frozenset({"sel", "osa"})),
            taipei.clock(),
        )
        done = answer_warning(taipei, VALUE, Verdict.REFUTED)
        item = taipei.store.objects.latest([str(done.ways[0].id)])[str(done.ways[0].id)]
        assert item.excluded == {"osa"}


def test_a_stranger_to_the_value_cannot_answer_about_it(tmp_path: Path) -> None:
    """An opinion about something that nobody told leaves no answer."""
    with told(tmp_path, VALUE) as nodes:
        from seawall.codec.answering import AnswerFacts, refuting_opinion
        from seawall.codec.sharing import encode
        from seawall.flow.incoming import inbound_desk
        from seawall.model import Observable, Pap, Tlp

        facts = AnswerFacts(
            nodes["sel"].keys.identity_id, Observable(ObservableType.IPV4, "203.0.113.9"),
            "indicator--12345678-0000-4000-8000-000000000000", nodes["sel"].clock(), 0, 1, Tlp.AMBER, Pap.GREEN,
        )  # fmt: skip
        inbound_desk(nodes["tpe"]).take("sel", CIRCLE, [encode(refuting_opinion(facts))])
        assert nodes["tpe"].store.answers.list().items == ()


def test_a_snoozed_warning_sleeps_until_its_moment(tmp_path: Path) -> None:
    """It leaves the open ones and comes back; undo wakes it; a moment that has passed is refused."""
    with told(tmp_path, VALUE) as nodes:
        taipei = nodes["tpe"]
        refresh_desk(taipei)
        opened = [place.value for place in taipei.store.desk.list(taipei.clock(), "open").items]
        assert opened == [VALUE]
        until = from_microseconds(taipei.clock() + HOUR).isoformat()
        snooze_warning(taipei, VALUE, until)
        assert taipei.store.desk.list(taipei.clock(), "open").items == ()
        assert [place.value for place in taipei.store.desk.list(taipei.clock(), "snoozed").items] == [VALUE]
        assert [place.value for place in taipei.store.desk.list(taipei.clock() + 2 * HOUR, "open").items] == [VALUE]
        undo_warning(taipei, VALUE)
        assert [place.value for place in taipei.store.desk.list(taipei.clock(), "open").items] == [VALUE]
        with pytest.raises(NotFound, match="answered or snoozed"):
            undo_warning(taipei, VALUE)
        with pytest.raises(Fault, match="has passed"):
            snooze_warning(taipei, VALUE, "2001-01-01T00:00:00Z")
