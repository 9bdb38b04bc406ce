"""Hunts and exposure on the command line: two nodes that serve each other, empty states, and mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.scenes import Shop
from flow.books_scenes import AT, observe, visit, wait
from flow.overlap_scenes import Nodes, lined, share
from journey.command_line import here
from seawall.flow.node import Node
from seawall.model import rfc3339, system_clock

EVIL = "update.evil.example"
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Taipei and Seoul on a line, today."""
    with lined(tmp_path_factory.mktemp("hunts")) as found:
        share(found, auto=())
        wait(found["taipei"], system_clock() - AT)
        observe(found["seoul"], visit("45.76.0.9", host="10.0.0.5", name=EVIL))
        say(found["taipei"], "sync", "seoul")  # the keys of March are too old
        yield found


def say(node: Node, *arguments: str) -> Any:
    """The JSON that a command prints."""
    answer = here("--node", node.folder, *arguments, "--json")
    assert answer.status == 0, answer.err
    return json.loads(answer.out)


def test_a_hunt_from_question_to_answer(nodes: Nodes) -> None:
    """Asked at Taipei, reviewed, run and answered at Seoul, read at Taipei; each step is one command."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    asked = say(taipei, "hunts", "request", "--to", "seoul", "--circle", "tw-kr", "--where", f"domain={EVIL}",
                "--since", "2026-03-01T00:00:00Z", "--until", "2026-04-01T00:00:00Z")  # fmt: skip
    assert (asked["state"], asked["answer"], asked["problems"]) == ("waiting", None, [])
    (received,) = say(seoul, "hunts", "list", "--side", "received")["items"]
    assert (received["id"], received["state"]) == (asked["id"], "waiting")
    assert say(seoul, "hunts", "review", asked["id"], "--accept", "--reason", "fits")["reviewed_by"] == [
        "administrator"
    ]
    found = say(seoul, "hunts", "run", asked["id"][:20])
    assert (found["run"]["least"], found["run"]["most"], found["run"]["complete"]) == (1, 1, True)
    told = say(seoul, "hunts", "answer", asked["id"], "--tier", "count", "--exact")
    assert (told["band"], told["count"], told["points_left"]) == ([1, 9], 1, 36)
    say(taipei, "sync", "seoul")
    seen = say(taipei, "hunts", "show", asked["id"])
    assert (seen["state"], seen["answer"], seen["answers"][0]["count"]) == ("answered", "count", 1)
    assert seen["run"] is None
    for words in (["hunts"], ["hunts", "show", asked["id"]]):
        answer = here("--node", taipei.folder, *words)
        assert (answer.status, "Traceback" in answer.err) == (0, False)
        assert asked["id"][:20] in answer.out


def test_a_sigma_rule_from_a_file(nodes: Nodes, tmp_path: Path) -> None:
    """Its losses are told at once, before anything is asked twice."""
    rule = tmp_path / "rule.yml"
    rule.write_text("title: T\ndetection:\n  a:\n    query: x.example\n    c-useragent: y\n  condition: a\n")
    window = ("--since", rfc3339(system_clock() - DAY))
    asked = say(
        nodes["taipei"], "hunts", "request", "--to", "seoul", "--circle", "tw-kr", "--sigma", str(rule), *window
    )
    assert asked["form"] == "sigma"
    assert "cannot be asked: the field c-useragent" in asked["losses"]


def test_empty_states_and_mistakes_are_sentences(shop: Shop) -> None:
    """Nothing asked yet, nothing exploited yet; whoever mistypes reads one sentence with a code."""
    assert shop.say("hunts").out.startswith("No hunt yet")
    assert shop.here("hunts", "list") == {"items": [], "next": None}
    assert shop.say("exposed").out.startswith("Your exposure list is empty")
    checked = shop.here("exposed", "check")
    assert (checked["items"], len(checked["missing"])) == ([], 2)
    shop.refused("hunts", "show", "nothing")
    shop.refused("hunts", "review", "nothing")
    shop.refused("hunts", "request", "--to", "nobody", "--circle", "friends", "--where", "domain=x.example",
                 "--since", "2026-03-01T00:00:00Z")  # fmt: skip
    shop.refused("hunts", "request", "--to", "nobody", "--circle", "friends", "--sigma", "missing.yml",
                 "--since", "2026-03-01T00:00:00Z")  # fmt: skip
    shop.refused("exposed", "import", shop.write("none.csv", "a,b\n1,2\n"))
    shop.refused("exposed", "check", "--cve", "banana")
    shop.refused("exposed", "answer", "CVE-2026-1111", "--status", "safe", "--circle", "friends")
    shop.refused("exposed", "tell", "CVE-2026-1111", "--circle", "friends")


def test_an_exposure_list_and_what_it_meets(shop: Shop) -> None:
    """Imported, listed page by page, checked; the same file again replaces what it brought."""
    listing = shop.write("run.csv", "host,product,version\nh1,gate,1.0\nh2,gate,\n\nh3,,\n")
    for _ in range(2):
        done = shop.here("exposed", "import", listing)
        assert (done["files"], done["assets"], done["rejected"]) == (1, 2, 1)
    flaws = shop.write("kev.csv", "cve,product,affected versions,date added\nCVE-2026-1111,gate,<2.0,2026-03-02\n")
    shop.here("exposed", "import", flaws)
    page = shop.here("exposed", "list", "--limit", "1")
    assert (page["items"][0]["name"], page["next"] is not None) == ("h1", True)
    (found,) = shop.here("exposed", "check")["items"]
    assert (found["cve"], found["affected"], found["possibly"]) == ("CVE-2026-1111", 1, 1)
    assert [(one["name"], one["state"], one["rule"]) for one in found["assets"]] == [
        ("h1", "affected", "product-name"), ("h2", "possibly", "product-name"),
    ]  # fmt: skip
    text = shop.say("exposed", "check", "--cve", "CVE-2026-1111").out
    assert "possibly" in text
    told = shop.here("exposed", "answer", "CVE-2026-1111", "--status", "fixed", "--circle", "friends")
    assert told["recipients"] == ["u-taxii"]
