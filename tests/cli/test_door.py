"""The door: global options, languages, zones, exit statuses, and never a traceback."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.scenes import ATTACKER, Shop
from journey.command_line import here
from seawall import __version__
from seawall.cli.output import MOMENTS, Output, printable


def test_version_is_one_line() -> None:
    """``--version`` prints the version and nothing else."""
    assert here("--version") == (0, f"{__version__}\n", "")


def test_every_command_explains_itself() -> None:
    """Help names every command, prints to standard output, and ends with status 0."""
    top = here("--help")
    assert top.status == 0
    for name in ("init", "users", "sensors", "assets", "ingest", "intel", "observations", "match", "sightings",
                 "warnings", "peers", "circles", "sync", "release", "recall", "why", "ledger", "protect", "serve",
                 "demo", "doctor", "config", "jobs", "run", "quarantine"):  # fmt: skip
        assert re.search(rf"[│ ]{name}\s", top.out), name
        assert here(name, "--help").status == 0


def test_json_stands_before_or_behind_the_command(shop: Shop) -> None:
    """Global options work in both places and mean the same."""
    before = here("--json", "--node", shop.folder, "users", "list")
    behind = here("users", "list", "--json", "--node", shop.folder)
    assert before == behind
    assert before.document.keys() == {"items", "next"}


def test_the_node_is_found_by_option_variable_or_place(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``--node`` goes over SEAWALL_NODE, which goes over ./seawall-node; nothing is kept from one run to the next."""
    monkeypatch.chdir(tmp_path)
    assert "seawall-node" in here("users", "list").err
    (tmp_path / "seawall-node").symlink_to(shop.folder)
    assert here("users", "list").status == 0
    monkeypatch.setenv("SEAWALL_NODE", str(tmp_path / "other"))
    assert str(tmp_path / "other") in here("users", "list").err
    assert here("--node", shop.folder, "users", "list").status == 0
    assert str(tmp_path / "other") in here("users", "list").err


def test_texts_follow_the_language(shop: Shop) -> None:
    """``--lang`` takes any spelling of the three languages; an error speaks it too; another language is told."""
    english = shop.say("circles", "show", "nowhere").err
    for tag, sign in (("zh_TW", r"[\u4e00-\u9fff]"), ("ko-KR", r"[\uac00-\ud7a3]")):
        said = shop.say("--lang", tag, "circles", "show", "nowhere").err
        assert said.startswith("E-STORE-061: ") and said != english
        assert re.search(sign, said)
    assert "E-CLI-004" in shop.refused("--lang", "fr", "users", "list")


def test_texts_show_the_zone_of_the_node_and_json_shows_utc(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """In text a moment is local; in JSON it is RFC 3339 UTC with six digits."""
    monkeypatch.setenv("SEAWALL_NODE_TIMEZONE", "Asia/Seoul")
    assert "2026-03-14 12:12:00+09:00" in shop.say("observations").out
    assert shop.here("observations")["items"][0]["time"] == "2026-03-14T03:12:00.000001Z"


def test_only_our_own_moments_are_shown_in_the_zone(capsys: pytest.CaptureFixture[str]) -> None:
    """A text of the attacker that looks like a moment stays as it is."""
    out = Output(json=False, lang="en", timezone="Asia/Taipei")
    text = "2026-03-14T03:12:00.000001Z"
    out.pairs({"url": text, "time": text, "first_seen": None})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[1:] == [text]
    assert lines[1].split()[1:] == ["2026-03-14", "11:12:00+08:00"]
    assert "url" not in MOMENTS


@pytest.mark.parametrize("hostile", ["\x1b[31m", "a\rb", "\x9b2J", "x\u202ey", "a\u2028b", "tab\t", "\x00"])
def test_nothing_in_a_value_drives_the_terminal(hostile: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Control and direction characters come out as escapes, in pairs, tables, lines and remarks."""
    out = Output(json=False, lang="en")
    out.pairs({"value": hostile})
    out.table([{"value": hostile}], ["value"], empty="")
    out.result({}, [hostile])
    out.note("{value}", value=hostile)
    shown = "".join(capsys.readouterr())
    assert printable(hostile) in shown
    assert not set(shown) & {"\x1b", "\r", "\x9b", "\u202e", "\u2028", "\t", "\x00"}


def test_a_page_tells_how_to_go_on(shop: Shop) -> None:
    """In text the number of the next page is on standard error, so that the table stays a table."""
    answer = shop.say("observations", "--limit", "1")
    assert "--after 1" in answer.err
    assert ATTACKER in answer.out
    assert shop.say("observations").err == ""


@pytest.mark.parametrize("command", ["observations", "sightings", "warnings", "quarantine", "ledger show"])
def test_pages_are_bounded(shop: Shop, command: str) -> None:
    """Every list takes 1 to 10,000 rows and starts behind a number that is none below the first."""
    for wrong in ("--limit 0", "--limit -1", "--limit 10001", "--after -2", "--limit x"):
        assert "E-CLI-001" in shop.refused(*command.split(), *wrong.split())
    page = shop.here(*command.split(), "--limit", "10000")
    assert page.keys() == {"items", "next"}
    assert page["next"] is None


@pytest.mark.parametrize("command", ["observations", "quarantine", "ledger show"])
def test_pages_join_to_the_whole(shop: Shop, command: str) -> None:
    """Going on from each ``next`` gives every row once, in order."""
    whole = shop.here(*command.split())["items"]
    joined: list[object] = []
    after: list[str] = []
    while True:
        page = shop.here(*command.split(), "--limit", "1", *after)
        joined += page["items"]
        if page["next"] is None:
            break
        after = ["--after", str(page["next"])]
    assert joined == whole
    assert len(whole) >= 2


def test_what_nobody_foresaw_is_one_sentence(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours has a reference instead of a traceback."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("seawall.flow.findings.list_sightings", broken)
    answer = shop.say("sightings")
    assert (answer.status, answer.out) == (2, "")
    assert re.fullmatch(r"E-CLI-999: [^\n]*reference [0-9a-f]{8}[^\n]*\n", answer.err)
    assert "secret" not in answer.err


def test_json_is_one_document(shop: Shop) -> None:
    """Every list and result parses as a whole; nothing else stands on standard output."""
    for command in ("users list", "jobs", "config show", "doctor", "peers list", "circles list", "peers card",
                    "protect status"):  # fmt: skip
        answer = shop.say(*command.split(), "--json")
        assert (answer.status, answer.err) == (0, ""), command
        json.loads(answer.out)
