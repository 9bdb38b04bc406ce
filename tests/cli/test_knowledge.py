"""intel, match, findings, release, ledger, protect: keys of ``--json``, forms on standard output, exit statuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from cli.scenes import ATTACKER, BUNDLE, BUNDLED, FAMILY, MOMENT, SECRET, Shop, moments
from journey.command_line import SeawallNode, here
from seawall.cli.output import MOMENTS

COST = {"seconds", "cpu_seconds", "peak_memory_bytes"}


def test_import_counts_new_updated_and_unchanged(shop: Shop) -> None:
    """The same value from another source is updated, from the same source unchanged; rejects are fatal when strict."""
    one = shop.write("one.csv", "type,value\nipv4,192.0.2.50\nipv4,999.1.1.1\n")
    first = shop.here("intel", "import", one, "--tlp", "green", "--source", "a")
    assert first.keys() >= {"objects", "new", "updated", "unchanged", "rejected", "by_type", *COST}
    assert (first["new"], first["rejected"], first["by_type"]) == (1, 1, {"ipv4": 1})
    assert shop.here("intel", "import", one, "--tlp", "green", "--source", "a")["unchanged"] == 1
    assert shop.here("intel", "import", one, "--tlp", "green", "--source", "b", "--strict", status=1)["updated"] == 1


def test_check_judges_in_input_order(shop: Shop) -> None:
    """Each object with id, valid, errors, warnings; invalid ones are fatal only when strict."""
    objects = [*BUNDLE["objects"], {"type": "malware", "id": "malware--x"}]
    file = shop.write("judged.json", json.dumps({**BUNDLE, "objects": objects}))
    listed = shop.here("intel", "check", file)
    assert listed.keys() == {"items", "next"}
    assert [item["id"] for item in listed["items"]] == [BUNDLED, FAMILY, "malware--x"]
    assert [item["valid"] for item in listed["items"]] == [True, True, False]
    assert all(item.keys() == {"id", "valid", "errors", "warnings"} for item in listed["items"])
    shop.here("intel", "check", file, "--strict", status=1)
    shop.here("intel", "check", shop.write("fine.json", json.dumps(BUNDLE)), "--strict")
    for wrong in ("nothing here", ""):
        assert shop.refused("intel", "check", shop.write("wrong.json", wrong))


def test_an_imported_indicator_is_exported_once(shop: Shop) -> None:
    """A bundle's indicator is kept as match keys and as an object, and leaves as one object with both its values."""
    for form, expected in (("csv", 2), ("text", 2)):
        lines = [line for line in shop.say("intel", "export", "--to", form).out.splitlines() if "198.51.100.7" in line]
        lines += [line for line in shop.say("intel", "export", "--to", form).out.splitlines() if "198.51.100.8" in line]
        assert len(lines) == expected, form
    objects = json.loads(shop.say("intel", "export", "--to", "stix").out)["objects"]
    ids = [item["id"] for item in objects]
    assert sorted(ids) == sorted(set(ids))
    assert {BUNDLED, FAMILY} <= set(ids)


def test_the_export_goes_to_standard_output_or_a_file(shop: Shop, tmp_path: Path) -> None:
    """The forms parse; ``--json`` is a summary and needs ``-o``; a target that cannot be written is told by name."""
    rows = list(csv.DictReader(io.StringIO(shop.say("intel", "export", "--to", "csv").out)))
    assert {row["value"] for row in rows} >= {ATTACKER, SECRET, "evil.example"}
    assert "E-FLOW-083" in shop.refused("intel", "export", "--to", "csv", "--json")
    assert "E-FLOW-082" in shop.refused("intel", "export", "--to", "word")
    out, loss = tmp_path / "out.csv", tmp_path / "loss.json"
    summary = shop.here("intel", "export", "--to", "csv", "-o", out, "--loss", loss)
    assert summary.keys() == {"to", "circle", "objects", "not_carried", "output", *COST}
    assert {item["id"] for item in json.loads(loss.read_text())} == {FAMILY}
    nowhere = tmp_path / "no" / "such" / "file"
    assert str(nowhere) in shop.refused("intel", "export", "--to", "csv", "-o", nowhere)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loss.json", "out.csv"]


def test_a_circles_export_holds_what_stands_there(shop: Shop) -> None:
    """``--circle`` gives exactly what the circle's members may read."""
    assert {item["id"] for item in json.loads(shop.say("intel", "export", "--to", "stix", "--circle", "friends").out)[
        "objects"]} >= {BUNDLED}  # fmt: skip
    assert SECRET not in shop.say("intel", "export", "--to", "csv", "--circle", "friends").out
    assert "E-STORE-061" in shop.refused("intel", "export", "--to", "csv", "--circle", "nowhere")


def test_match_and_findings_have_their_keys(shop: Shop) -> None:
    """Totals for the whole lake and increments; sightings and warnings as lists with moments in UTC."""
    found = shop.here("match")
    assert found.keys() == {
        "events", "hits", "matched_events", "aggregates", "indicators_hit", "sightings", "by_indicator_type",
        "both_sides", "new", "patterns", "problems", *COST,
    }  # fmt: skip
    assert found["both_sides"].keys() == {"indicators", "campaigns", "median_lag_seconds"}
    assert found["both_sides"]["median_lag_seconds"] == 18_120.0
    assert shop.here("match")["new"]["hits"] == 0
    (here_, there) = (item for item in shop.here("sightings")["items"] if item["value"] == ATTACKER)
    assert {here_["side"], there["side"]} == {"TW", "KR"}
    (warning,) = shop.here("warnings")["items"]
    assert warning.keys() >= {
        "value", "type", "first_side", "first_seen", "other_first_seen", "raw_lead_seconds", "usable_lead_seconds",
        "sectors", "confidence",
    }  # fmt: skip
    assert warning["raw_lead_seconds"] >= warning["usable_lead_seconds"] >= 0
    told = moments([here_, there, warning], MOMENTS)
    assert told
    assert all(MOMENT.fullmatch(text) for text in told)
    assert ATTACKER in shop.say("warnings").out


def test_circles_check_what_they_are_given(shop: Shop) -> None:
    """An unknown member, type, marking, track or age, and a circle of nobody, are told; a second time is a version."""
    wish = ("circles", "create", "checked", "--tlp-ceiling", "green", "--members")
    assert "E-FLOW-030" in shop.refused(*wish, "nobody")
    assert "E-FLOW-030" in shop.refused(*wish, "u-reader")
    assert "E-FLOW-036" in shop.refused(*wish, " , ")
    assert "E-FLOW-031" in shop.refused(*wish, "u-taxii", "--types", "indicator,traffic")
    assert "E-FLOW-032" in shop.refused(*wish, "u-taxii", "--commitment-age", "soon")
    assert "E-FLOW-035" in shop.refused(*wish, "u-taxii", "--track", "3")
    assert "E-MARK" in shop.refused(*wish, "u-taxii", "--pap-ceiling", "pink")
    assert "E-STORE-061" in shop.refused("circles", "show", "checked")
    assert "E-FLOW-457" in shop.refused(*wish, "u-taxii", "--track", "1.5", status=3)
    made = shop.here(*wish, "u-taxii", "--types", "indicator", "--commitment-age", "30m")
    assert (made["version"], made["commitment_age_seconds"], made["types"]) == (1, 1800, ["indicator"])
    assert shop.here(*wish, "u-taxii")["version"] == 2
    assert {circle["name"] for circle in shop.here("circles", "list")["items"]} >= {"friends", "checked"}
    assert shop.here("circles", "accept", "checked")["agreed"] is True


def test_release_why_and_recall_of_one_object(shop: Shop) -> None:
    """A refused release names the rule and ends with status 3; a recalled object leaves the circle."""
    red = next(item for item in json.loads(shop.say("intel", "export", "--to", "stix").out)["objects"]
               if SECRET in item.get("pattern", ""))  # fmt: skip
    refused = shop.say("release", red["id"], "--circle", "friends", "--json")
    assert refused.status == 3
    assert refused.err.startswith("E-CLI-006: ")
    assert refused.document["withheld"] == {"u-taxii": "tlp-ceiling"}
    why = shop.here("why", red["id"], "--peer", "u-taxii")
    assert why.keys() >= {"id", "version", "peer", "allowed", "rule", "circle", "policy_version", "tests", "circles"}
    assert (why["allowed"], why["rule"]) == (False, "tlp-ceiling")
    stranger = shop.here("why", red["id"], "--peer", "nobody")
    assert stranger.keys() == why.keys()
    assert (stranger["allowed"], stranger["rule"]) == (False, "circle-member")
    done = shop.here("release", FAMILY, "--circle", "friends")
    assert (done["released"], done["recipients"], done["withheld"]) == (True, ["u-taxii"], {})
    assert shop.here("recall", FAMILY)["circles"] == ["friends"]
    absent, never = shop.refused("recall", red["id"]), shop.refused("recall", "indicator--x")
    assert absent.replace(red["id"], "") == never.replace("indicator--x", "")
    assert "E-STORE-010" in shop.refused("release", "indicator--x", "--circle", "friends")


def test_the_ledger_is_listed_and_verified(shop: Shop) -> None:
    """Leaves oldest first with moments in UTC, also inside; the tree recomputes."""
    shop.say("intel", "export", "--to", "csv")
    leaves = shop.here("ledger", "show", "--limit", "1000")["items"]
    assert [leaf["index"] for leaf in leaves] == list(range(len(leaves)))
    told = moments(leaves, frozenset({"at"}))
    assert len(told) == 2 * len(leaves)
    assert all(MOMENT.fullmatch(text) for text in told)
    verified = shop.here("ledger", "verify")
    assert verified.keys() == {
        "valid",
        "size",
        "root",
        "signed",
        "against",
        "cosigned",
        "forks",
        "erased",
        "sealed",
        *COST,
    }
    assert (verified["valid"], verified["size"]) == (True, len(leaves))


@pytest.mark.parametrize("form", ["rpz", "nftables", "csv"])
def test_protection_in_one_file_goes_to_standard_output(shop: Shop, form: str, tmp_path: Path) -> None:
    """Without ``-o`` the form itself is printed; with it a summary; ``--json`` alone is wrong usage."""
    printed = shop.say("protect", "export", "--to", form)
    assert (printed.status, printed.err) == (0, "")
    assert "evil.example" in printed.out or ATTACKER in printed.out
    assert SECRET not in printed.out
    assert "E-FLOW-083" in shop.refused("protect", "export", "--to", form, "--json")
    summary = shop.here("protect", "export", "--to", form, "-o", tmp_path / "out")
    assert summary.keys() == {
        "to", "made_at", "written", "blocks", "watches", "by_action", "by_type", "left_out", "left_out_items",
        "first_expiry", "output", *COST,
    }  # fmt: skip
    assert summary["written"] == summary["blocks"] + summary["watches"] > 0
    assert MOMENT.fullmatch(summary["first_expiry"])


def test_suricata_wants_a_folder(shop: Shop, tmp_path: Path) -> None:
    """Several files cannot go to standard output."""
    assert "E-PROTECT-003" in shop.refused("protect", "export", "--to", "suricata")
    shop.here("protect", "export", "--to", "suricata", "-o", tmp_path / "rules")
    assert len(list((tmp_path / "rules").iterdir())) >= 2
    assert "E-PROTECT-005" in shop.refused("protect", "export", "--to", "firewall")


def test_a_directive_is_taken_back_and_given_free(shop: Shop) -> None:
    """What a person undid leaves later exports, stands in the status and in the ledger, and can come back."""

    def blocked() -> dict[str, str]:
        rows = csv.DictReader(io.StringIO(shop.say("protect", "export", "--to", "csv").out))
        return {row["value"]: row["undo"] for row in rows if row["action"] == "block"}

    undo = blocked()["evil.example"]
    assert shop.here("protect", "undo", undo, "--reason", "a partner's page")["undone"] is True
    assert "evil.example" not in blocked()
    status = shop.here("protect", "status")
    assert status["items"] == []
    assert [item["undo"] for item in status["undone"]] == [undo]
    assert status["exports"][0]["to"] == "csv"
    assert "a partner's page" in shop.say("protect", "status").out
    assert shop.here("ledger", "show", "--limit", "1000")["items"][-2]["kind"] == "override"
    assert shop.here("protect", "undo", undo, "--again")["undone"] is False
    assert blocked()["evil.example"] == undo
    assert "E-PROTECT-009" in shop.refused("protect", "undo", undo, "--again")
    assert "E-FLOW-500" in shop.refused("protect", "undo", "all")
    assert shop.here("protect", "undo", "evil.example", "--type", "domain")["undo"] == undo
    assert "evil.example" not in blocked()


def test_jobs_run_and_are_remembered(shop: Shop) -> None:
    """``run`` does one job now; ``jobs`` tells when each last ran."""
    assert shop.here("run", "match")["job"] == "match"
    jobs = {job["job"]: job for job in shop.here("jobs")["items"]}
    assert MOMENT.fullmatch(jobs["match"]["last_run"])
    assert jobs["renew-certificates"].keys() == {"job", "every_seconds", "last_run", "last_result"}
    assert "E-FLOW-070" in shop.refused("run", "dishes")


def test_doctor_ends_with_its_judgement(shop: Shop, tmp_path: Path) -> None:
    """The last line says yes or no and why; an open secret is a no; only ``--strict`` changes the status."""
    last = shop.say("doctor").out.splitlines()[-1]
    assert last.startswith("safe to expose: yes, because ")
    node = SeawallNode(tmp_path / "open", "TW")
    (node.folder / "administrator.token").chmod(0o644)
    report = node.here("doctor")
    assert report.keys() == {"checks", "endpoints", "consumers", "points", "safe_to_expose", "because"}
    assert report["safe_to_expose"] is False
    assert "administrator.token" in report["because"]
    node.here("doctor", "--strict", status=1)


def test_doctor_looks_on_when_the_store_is_damaged(tmp_path: Path) -> None:
    """One broken part is one bad check, not the end of the examination."""
    node = SeawallNode(tmp_path / "node", "TW")
    for file in (node.folder / "store").iterdir():
        file.write_bytes(b"this is no database" * 100)
    checks = {check["name"]: check["ok"] for check in node.here("doctor")["checks"]}
    assert checks["store"] is False
    assert checks["ledger"] is True


def test_config_shows_no_password(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings in force, with variables laid over the file; a password in an address is left out."""
    monkeypatch.setenv("SEAWALL_STORE_URL", "postgresql+psycopg://seawall:hunter2@db/seawall")
    answer = shop.say("config", "show", "--json")
    assert answer.document["store"]["url"] == "postgresql+psycopg://seawall:***@db/seawall"
    assert "hunter2" not in shop.say("config", "show").out


def test_a_pattern_is_matched_without_a_node(tmp_path: Path) -> None:
    """``intel match-pattern`` answers whether and by what; a wrong pattern or file is one sentence."""
    seen = {
        "type": "observed-data", "id": "observed-data--1", "number_observed": 1,
        "first_observed": "2026-03-14T00:00:00Z", "last_observed": "2026-03-14T00:00:00Z",
        "objects": {"0": {"type": "ipv4-addr", "value": ATTACKER}},
    }  # fmt: skip
    file = tmp_path / "seen.json"
    file.write_text(json.dumps(seen))
    where = ("--node", tmp_path / "nowhere", "--json", "intel", "match-pattern")
    found = here(*where, "[ipv4-addr:value ISSUBSET '203.0.113.0/24']", file)
    assert (found.status, found.document) == (0, {"matches": True, "observed": ["observed-data--1"]})
    assert here(*where, "[ipv4-addr:value = '192.0.2.1']", file).document["matches"] is False
    assert here(*where, "[ipv4-addr:value", file).err.startswith("E-MATCH-015: ")
    file.write_text("no json")
    assert here(*where, "[a:b = 1]", file).err.startswith("E-INTEL-011: ")
    assert here(*where, "[a:b = 1]", tmp_path / "missing").err.startswith("E-INTEL-001: ")


def test_a_standing_release_lets_each_indicator_out_once(tmp_path: Path) -> None:
    """An indicator of a bundle, held by its values and as an object, is decided about and released once."""
    node = SeawallNode(tmp_path / "node", "TW")
    (tmp_path / "bundle.json").write_text(json.dumps(BUNDLE))
    node.here("intel", "import", tmp_path / "bundle.json", "--tlp", "green")
    node.here("users", "add", "siem", "--role", "taxii")
    wish = ("circles", "create", "auto", "--members", "siem", "--tlp-ceiling", "green", "--auto", "indicator,malware")
    node.here(*wish, "--approver-token", node.second_person())
    assert node.here("run", "release")["result"] == "2 released, 0 withheld"
    released = [leaf for leaf in node.here("ledger", "show")["items"] if leaf["kind"] == "release"]
    told = [item[0] for leaf in released for item in leaf["event"]["objects"]]
    assert sorted(told) == [BUNDLED, FAMILY]
    assert node.here("run", "release")["result"] == "0 released, 0 withheld"
