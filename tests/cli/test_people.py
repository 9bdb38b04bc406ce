"""Users, and what each role may do: everything else ends with status 3 and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.scenes import BUNDLED, FAMILY, MOMENT, ROLES, Shop
from journey.command_line import here

EVERYBODY = frozenset(ROLES) - {"taxii"}
TELEMETRY = EVERYBODY - {"auditor"}
MAKERS = frozenset({"analyst", "releaser", "admin"})
RELEASERS = frozenset({"releaser", "admin"})
ADMINS = frozenset({"admin"})
RIGHTS: dict[str, frozenset[str]] = {
    "users list": ADMINS,
    "users add new-{role} --role reader": ADMINS,
    "users revoke nobody": ADMINS,
    "sensors import {files}/sensors.csv": MAKERS,
    "sensors import {files}/sensors.csv --relabel": MAKERS,
    "assets import {files}/assets.csv": MAKERS,
    "ingest {files}/eve.json": MAKERS,
    "intel import {files}/mixed.csv": MAKERS,
    "intel export --to csv -o {files}/{role}.csv": EVERYBODY,
    "observations": TELEMETRY,
    "quarantine": TELEMETRY,
    "match": MAKERS,
    "sightings": EVERYBODY,
    "warnings": EVERYBODY,
    "peers card": frozenset(ROLES),
    "peers list": EVERYBODY,
    "peers add {files}/eve.json --url https://x:1 --code-name y": ADMINS,
    "peers suspend nobody": ADMINS,
    "peers sever nobody": ADMINS,
    "circles create {role} --members u-taxii --tlp-ceiling green": ADMINS,
    "circles list": EVERYBODY,
    "circles show friends": EVERYBODY,
    "circles accept friends": ADMINS,
    "sync nobody": MAKERS,
    f"release {BUNDLED} --circle friends": RELEASERS,
    "recall indicator--x": RELEASERS,
    f"why {BUNDLED} --peer u-taxii": TELEMETRY,
    "ledger verify": frozenset({"auditor", "approver", "admin"}),
    "ledger show": frozenset({"auditor", "approver", "admin"}),
    "protect export --to csv -o {files}/{role}.block": RELEASERS,
    "protect status": EVERYBODY,
    "protect undo 0123456789abcdef": RELEASERS,
    "protect radius 203.0.113.99": TELEMETRY,
    "protect canaries": EVERYBODY,
    "protect canaries --forget 203.0.113.99": RELEASERS,
    "protect apply 203.0.113.99 --ours": RELEASERS,
    "protect preview": frozenset({"analyst", "releaser", "approver", "admin"}),
    "protect kill": frozenset({"analyst", "releaser", "approver", "admin"}),
    "points list": EVERYBODY,
    "points add {role}-edge --zone office": ADMINS,
    "serve --port 0 --peer-port 0": RELEASERS,
    "lake push": ADMINS,
    "lake pull": ADMINS,
    "doctor": EVERYBODY,
    "config show": EVERYBODY,
    "jobs": EVERYBODY,
    "run renew-certificates": RELEASERS,
    "run release": RELEASERS,
    "run match": MAKERS,
    "run receive": MAKERS,
    "hit 198.51.100.250 --first 2026-03-14": MAKERS,
    "run sync": MAKERS,
}
NOT_FOR_TESTS = {"serve --port 0 --peer-port 0"}
"""Would run until it is interrupted for those who may: only refusals are tried."""


@pytest.mark.parametrize("line", RIGHTS)
def test_a_command_is_for_the_roles_that_may(shop: Shop, line: str) -> None:
    """Whoever may gets an answer, whoever may not gets one sentence and status 3."""
    shop.write("assets.csv", "asset,organisation,sector,criticality\n10.9.0.0/16,Water,water,high\n")
    for role in ROLES:
        words = [word.format(files=shop.files, role=role) for word in line.split()]
        may = role in RIGHTS[line]
        if may and line in NOT_FOR_TESTS:
            continue
        answer = shop.say(*words, "--token", shop.token_of(role))
        if may:
            assert "E-FLOW-004" not in answer.err, (role, answer)
            assert answer.status in (0, 2) or "E-IDENTITY" in answer.err, (role, answer)
        elif line.startswith("why"):  # sees no object at all, as if there were none
            assert (answer.status, answer.out, answer.err[:11]) in {(2, "", "E-STORE-010"), (3, "", "E-FLOW-004:")}
        else:
            assert (answer.status, answer.out) == (3, ""), (role, answer)
            assert answer.err.startswith("E-FLOW-004: "), (role, answer)


@pytest.mark.parametrize(("role", "sees"), [("reader", False), ("analyst", True), ("auditor", False)])
def test_a_role_sees_what_its_marking_allows(shop: Shop, role: str, sees: bool) -> None:
    """A reader gets no AMBER+STRICT object, an auditor none at all: as if it were not there."""
    name = "malware--31b940d4-6f7f-459a-80ea-9c1f17b58999"
    strict = shop.files / f"{role}.json"
    strict.write_text((shop.files / "bundle.json").read_text().replace(FAMILY, name))
    shop.here("intel", "import", strict, "--tlp", "amber+strict")
    told = shop.say("why", name, "--peer", "u-taxii", "--token", shop.token_of(role))
    absent = shop.say("why", f"{name[:-1]}0", "--peer", "u-taxii", "--token", shop.token_of(role))
    assert (told.status == 0) == sees
    if not sees:
        assert told.err == absent.err.replace(f"{name[:-1]}0", name)
        assert told.status == absent.status
    out = shop.files / f"{role}-sees.csv"
    shop.here("intel", "export", "--to", "stix", "-o", out, "--token", shop.token_of(role))
    assert (name in out.read_text()) == sees


def test_users_are_added_listed_and_revoked(shop: Shop) -> None:
    """A token opens the door until it is revoked; a name stays taken; the list shows no token."""
    added = shop.here("users", "add", "Mina", "--role", "analyst")
    assert added.keys() == {"name", "role", "token", "circles", "expires_at"}
    token = shop.write("mina.token", added["token"] + "\n")
    assert shop.say("jobs", "--token", token).status == 0
    assert "E-STORE-031" in shop.refused("users", "add", "mina", "--role", "reader")
    assert shop.here("users", "revoke", "Mina") == {"name": "Mina", "revoked": True}
    assert "E-STORE-032" in shop.refused("jobs", "--token", token, status=3)
    (listed,) = [user for user in shop.here("users", "list")["items"] if user["name"] == "Mina"]
    assert listed.keys() == {"name", "role", "created_at", "revoked", "circles", "expires_at"}
    assert listed["revoked"] is True
    assert MOMENT.fullmatch(listed["created_at"])
    assert added["token"] not in shop.say("users", "list").out


def test_the_token_is_shown_once_in_text_too(shop: Shop) -> None:
    """``users add`` prints the bare token, ready for a file."""
    assert len(shop.say("users", "add", "bare", "--role", "taxii").out.strip()) == 64


def test_a_token_file_that_cannot_be_used_is_told(shop: Shop, tmp_path: Path) -> None:
    """Missing, empty or binary: one sentence, without the file's content or our own words for errors."""
    assert "Errno" not in shop.refused("users", "list", "--token", tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert "E-FLOW-005" in shop.refused("users", "list", "--token", tmp_path / "binary")
    (tmp_path / "empty").touch()
    assert "E-STORE-032" in shop.refused("users", "list", "--token", tmp_path / "empty", status=3)


def test_the_second_person_is_another_one_who_may_approve(shop: Shop) -> None:
    """Rule 9: a standing release takes two named people, the second with a role that approves."""
    wish = ("circles", "create", "two", "--members", "u-taxii", "--tlp-ceiling", "green", "--auto", "indicator")
    assert "E-FLOW-033" in shop.refused(*wish, status=3)
    own = shop.folder / "administrator.token"
    assert "E-FLOW-003" in shop.refused(*wish, "--approver-token", own, status=3)
    assert "E-FLOW-004" in shop.refused(*wish, "--approver-token", shop.token_of("analyst"), status=3)
    made = shop.here(*wish, "--approver-token", shop.token_of("approver"))
    assert [release["types"] for release in made["standing"]] == [["indicator"]]


def test_the_nodes_token_is_for_its_owner_only(tmp_path: Path) -> None:
    """``init`` prints one token and keeps it with mode 0600; nothing half-made stays when an option is wrong."""
    for wrong in ("--economy Taiwan", "--economy TW --timezone Mars/Base", "--economy TW --lang xx"):
        assert here("--node", tmp_path / "n", "init", "--name", "X", *wrong.split()).status == 2
    assert here("--node", tmp_path / "n", "init", "--name", "", "--economy", "TW").err.startswith("E-FLOW-007: ")
    assert list(tmp_path.iterdir()) == []
    made = here("--node", tmp_path / "n", "init", "--name", "臺北", "--economy", "tw", "--sector", "water", "--json")
    document = made.document
    assert document.keys() == {"node_id", "name", "fingerprint", "token"}
    file = tmp_path / "n" / "administrator.token"
    assert file.read_text().strip() == document["token"]
    assert file.stat().st_mode & 0o777 == 0o600
    shown = here("--node", tmp_path / "n", "config", "show", "--json").document["node"]
    assert (shown["name"], shown["economy"], shown["sector"]) == ("臺北", "TW", "water")


def test_users_and_peers_never_share_a_name(tmp_path: Path) -> None:
    """Circles seat both by name: whoever comes second is told to choose another, also after a revocation."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for node in (ours, theirs):
        assert here("--node", node, "init", "--name", node.name, "--economy", "TW").status == 0
    card = tmp_path / "card.json"
    card.write_text(here("--node", theirs, "peers", "card").out)
    assert here("--node", ours, "users", "add", "partner", "--role", "taxii").status == 0
    assert here("--node", ours, "users", "revoke", "partner").status == 0
    refused = here("--node", ours, "peers", "add", card, "--code-name", "partner")
    assert (refused.status, refused.err[:11]) == (2, "E-FLOW-047:")
    assert here("--node", ours, "peers", "add", card, "--code-name", "seoul").status == 0
    refused = here("--node", ours, "users", "add", "seoul", "--role", "taxii")
    assert (refused.status, refused.err[:11]) == (2, "E-FLOW-047:")
