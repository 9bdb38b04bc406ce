"""What would go, shown before it goes: the very bytes, what is struck and by which rule; redactions of the node."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flow.test_tables import Table
from seawall.flow.node import Node
from seawall.model import UserRole
from seawall.policy import MEANING

NOTE = "note--11111111-1111-4111-8111-111111111111"
MALWARE = "malware--22222222-2222-4222-8222-222222222222"
TIMES = {"spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"}
CONTENT = "Seen at 10.1.2.3 by Project Kingfisher, ticket PRJ-2026-17, in CONTOSO's fab"
OBJECTS = [
    {
        "type": "note", "id": NOTE, **TIMES, "content": CONTENT, "object_refs": [MALWARE], "abstract": "Tide",
        "external_references": [{"source_name": "ticket", "external_id": "PRJ-2026-18", "description": "x"}],
    },
    {"type": "malware", "id": MALWARE, **TIMES, "is_family": True, "name": "Tide"},
]  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A node with a note, a malware family and a circle of two TAXII users."""
    node = Table(tmp_path / "node", "TW")
    for name in ("north", "south"):
        node.here("users", "add", name, "--role", "taxii")
    bundle = {"type": "bundle", "id": "bundle--33333333-3333-4333-8333-333333333333", "objects": OBJECTS}
    (tmp_path / "b.json").write_text(json.dumps(bundle))
    node.here("intel", "import", tmp_path / "b.json", "--tlp", "green")
    node.here("circles", "create", "shore", "--members", "north,south", "--tlp-ceiling", "amber")
    return node


def leaving(shown: Any, member: str = "north") -> Any:
    """The preview for one member."""
    return next(one for one in shown["recipients"] if one["recipient"] == member)


def test_the_preview_is_what_leaves(table: Table) -> None:
    """Byte by byte what the member then holds; looking at it records and releases nothing."""
    table.here("release", MALWARE, "--circle", "shore")
    size = table.here("ledger", "show")
    shown = table.here("release", NOTE, "--circle", "shore", "--preview")
    assert table.here("ledger", "show") == size
    assert shown["would_release"] == 2
    table.here("release", NOTE, "--circle", "shore")
    with Node.open(table.folder) as node:
        rows = node.store.outbox.page("shore", "north", limit=10).rows
        sent = next(row.body.decode() for row in rows if row.object_id == NOTE)
    assert [one["body"] for one in leaving(shown)["leaves"]] == [sent]
    assert leaving(shown)["bytes"] == len(sent.encode())


def test_each_difference_is_told_with_its_rule(table: Table) -> None:
    """An own address, a secret's name in any spelling, a pattern, a path: struck, and told where and why."""
    table.here("release", MALWARE, "--circle", "shore")
    table.here("redactions", "add", "--name", "project kingfisher")
    table.here("redactions", "add", "--pattern", "PRJ-*")
    table.here("redactions", "add", "--property", "external_references.description")
    table.here("circles", "change", "shore", "--redact", "abstract")
    shown = leaving(table.here("release", NOTE, "--circle", "shore", "--preview"))
    body = json.loads(shown["leaves"][0]["body"])
    assert body["content"] == "Seen at [redacted] by [redacted], ticket [redacted] in CONTOSO's fab"
    assert body["external_references"] == [{"source_name": "ticket", "external_id": "[redacted]"}]
    told = {(change["path"], change["did"], change["rule"]) for change in shown["changes"]}
    assert told >= {
        ("content", "replaced", "private-value"),
        ("abstract", "removed", "redaction"),
        ("external_references[0].external_id", "replaced", "private-value"),
        ("external_references[0].description", "removed", "redaction"),
        ("object_marking_refs", "added", "markings-understood"),
    }
    text = table.say("release", NOTE, "--circle", "shore", "--preview").out
    assert "removed  abstract  (redaction)" in text
    assert "Kingfisher" not in text


def test_a_withheld_reference_and_a_missing_field_are_named(table: Table) -> None:
    """Without the malware the note has nothing to refer to; below the minimum context the field's name is told."""
    shown = leaving(table.here("release", NOTE, "--circle", "shore", "--preview"))
    assert (shown["allowed"], shown["rule"], shown["leaves"]) == (False, "withheld-reference", [])
    assert "object_refs" in shown["reason"]
    table.here("circles", "change", "shore", "--minimum-context", "malware.labels,malware.first_seen")
    shown = leaving(table.here("release", MALWARE, "--circle", "shore", "--preview"))
    assert shown["rule"] == "minimum-context"
    assert "first_seen, labels" in shown["reason"]
    assert "labels" in table.say("why", MALWARE, "--peer", "north").out


def test_what_an_object_cannot_be_without_is_not_cut_out_of_it(table: Table) -> None:
    """A redaction of a required property withholds the object instead of breaking it."""
    table.here("circles", "change", "shore", "--redact", "is_family")
    shown = leaving(table.here("release", MALWARE, "--circle", "shore", "--preview"))
    assert (shown["allowed"], shown["rule"]) == (False, "private-value")


def test_redactions_are_added_by_one_and_taken_away_by_two(table: Table) -> None:
    """Unusable ones are refused in one sentence; the ledger does not tell the secret."""
    for unusable in (("--name", "x"), ("--name", "a*b"), ("--pattern", "plain"), ("--pattern", "a*b*c*d*e")):
        assert "E-FLOW-462" in table.say("redactions", "add", *unusable).err
    assert "E-FLOW-461" in table.say("redactions", "add", "--property", "Not One").err
    assert "E-CLI-071" in table.say("redactions", "add").err
    assert table.here("redactions", "add", "--name", "Kingfisher")["total"] == 1
    assert table.here("redactions", "list")["items"] == [{"kind": "name", "struck": "Kingfisher"}]
    assert "E-FLOW-465" in table.say("redactions", "remove", "--name", "Kingfisher").err
    assert "E-FLOW-464" in table.say("redactions", "remove", "--name", "Heron").err
    second = table.second_person()
    assert table.here("redactions", "remove", "--name", "Kingfisher", "--approver-token", second)["total"] == 0
    assert "Kingfisher" not in table.say("ledger", "show").out


def test_why_speaks_the_readers_language(table: Table) -> None:
    """Every rule tried is told with its meaning, for each circle that seats the peer; rules keep their names."""
    table.here("circles", "create", "second", "--members", "north", "--tlp-ceiling", "clear")
    told = table.here("why", MALWARE, "--peer", "north")
    assert {answer["circle"]: answer["rule"] for answer in told["circles"]} == {
        "second": "tlp-ceiling",
        "shore": "permission",
    }
    assert len(told["tests"]) == len({test["rule"] for test in told["tests"]}) > 20
    assert {test["meaning"] for test in told["tests"]} <= set(MEANING.values())
    with Node.open(table.folder) as node:
        node.store.users.add("kim", UserRole.READER, node.clock())
    lines = table.say("why", MALWARE, "--peer", "north", "--lang", "ko").out.splitlines()
    assert any(line.split("  ")[1].startswith("circle-member:") for line in lines)
