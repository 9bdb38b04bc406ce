"""``seawall warnings``: the desk on the command line."""

from __future__ import annotations

import shlex

import pytest

from cli.scenes import ATTACKER, Shop, furnished

PINNED = {
    "value", "type", "first_side", "first_seen", "other_first_seen", "raw_lead_seconds", "usable_lead_seconds",
    "sectors", "confidence",
}  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A node with two sides, own assets, and warnings."""
    made = furnished(tmp_path_factory.mktemp("desk"))
    assets = "asset,organisation,sector,criticality\n10.1.0.0/16,Waterworks,water,critical\n"
    made.here("assets", "import", made.write("assets.csv", assets))
    made.here("match")
    return made


def _values(shop: Shop, *flags: str) -> list[str]:
    return [item["value"] for item in shop.here("warnings", *flags)["items"]]


def test_the_pinned_keys_stay_and_every_row_has_its_place(desk: Shop) -> None:
    """Scripts of before go on; severity, state and group stand beside, and the day's budget."""
    document = desk.here("warnings")
    row = next(item for item in document["items"] if item["value"] == ATTACKER)
    assert row.keys() >= PINNED
    assert (row["severity"], row["state"], row["group"]) == ("critical", "open", "label:c1")
    assert document.keys() == {"items", "next"}
    document = desk.here("warnings", "--all")
    assert document["desk"]["budget_per_day"] == 20
    assert document["desk"]["raised_today"] == 1
    assert document["desk"]["false_alarm_share"] is None
    assert _values(desk, "--all") == _values(desk, "list") == [item["value"] for item in document["items"]]
    assert _values(desk, "--severity", "critical") == [ATTACKER]
    assert desk.refused("warnings", "--severity", "loud").startswith("E-CLI-100")
    assert desk.refused("warnings", "--open", "--all").startswith("E-CLI-099")


def test_a_shown_warning_answers_every_question(desk: Shop) -> None:
    """What, who first, how sure, how long, what of ours, what to do, why; and its hunt really runs."""
    document = desk.here("warnings", "show", ATTACKER.replace(".", "[.]"))
    assert document["first_side"] == "TW"
    assert document["time_left"]["state"] == "here"
    assert document["our_sectors"] == ["water"]
    assert [(one["asset"], one["criticality"]) for one in document["our_assets"]] == [
        ("10.1.0.0/16", "critical"),
        ("10.0.0.0/8", ""),
    ]
    assert document["rows_here"] == 2
    assert sum(one["points"] for one in document["severity_because"]) == document["severity_points"]
    assert document["directive"]["action"] in ("block", "watch")
    assert document["directive"]["expires_at"] is not None
    assert document["hunt"]["sigma"].startswith("title:")
    assert document["playbook"]["steps"]
    found = 0
    for command in document["hunt"]["commands"]:
        found += len(desk.here(*shlex.split(command)[1:])["items"])
    assert found == 2
    printed = desk.say("warnings", "show", ATTACKER).out
    for part in ("severity_because", "time_left", "directive", "playbook", "SELECT * FROM observations"):
        assert part in printed


@pytest.mark.parametrize("lang", ["zh-Hant", "ko"])
def test_it_speaks_to_the_reader(desk: Shop, lang: str) -> None:
    """In the other languages too it can be shown, as text and as JSON."""
    assert desk.here("warnings", "show", ATTACKER, "--lang", lang)["playbook"]["steps"]
    assert desk.say("warnings", "show", ATTACKER, "--lang", lang).status == 0


def test_answers_and_snoozes_move_it_between_the_lists(desk: Shop) -> None:
    """Confirmed, taken back, refuted, asleep; what nobody told us of stays with us."""
    assert _values(desk, "--open") == [ATTACKER]
    done = desk.here("warnings", "confirm", ATTACKER, "--note", "seen on the pump")
    assert (done["answer"], done["goes_back"][0]["state"]) == ("confirmed", "stays")
    assert _values(desk, "--open") == []
    assert _values(desk, "--answered") == [ATTACKER]
    shown = desk.here("warnings", "show", ATTACKER)
    assert [(one["verdict"], one["by"], one["note"]) for one in shown["answers"]] == [
        ("confirmed", "administrator", "seen on the pump")
    ]
    assert desk.here("warnings", "undo", ATTACKER)["answer"] is None
    assert desk.refused("warnings", "undo", ATTACKER).startswith("E-FLOW-832")
    desk.here("warnings", "snooze", ATTACKER, "--until", "2999-01-01T00:00:00Z")
    assert _values(desk, "--snoozed") == [ATTACKER]
    desk.here("warnings", "undo", ATTACKER)
    assert desk.here("warnings", "refute", ATTACKER)["answer"] == "refuted"
    desk.here("warnings", "undo", ATTACKER)
    assert desk.refused("warnings", "confirm", "192.0.2.1").startswith("E-FLOW-281")
    reader = ("--token", str(desk.token_of("reader")))
    assert desk.refused("warnings", "confirm", ATTACKER, *reader, status=3).startswith("E-FLOW-004")
    assert _values(desk, "--open", *reader) == [ATTACKER]
