"""``seawall feeds``: tokens shown once, terms as they were said, one sentence for what cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from journey.command_line import SeawallNode, here


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """A new node."""
    return SeawallNode(tmp_path / "node", "TW")


def test_a_consumer_from_its_token_to_its_end(node: SeawallNode) -> None:
    """Added, listed and shown without its token, given another, removed."""
    added = node.here("feeds", "add", "edge", "--format", "text", "--types", "ipv4,cidr", "--place", "cloud")
    assert len(added["token"]) == 64
    assert (added["place"], added["tlp_at_most"], added["path"], added["files"]) == (
        "cloud",
        "green",
        "/feeds/edge",
        [],
    )
    (listed,) = node.here("feeds", "list")["items"]
    shown = node.here("feeds", "show", "edge")
    assert "token" not in listed
    assert "token" not in shown
    assert (shown["by_type"], shown["left_out"], shown["first_expiry"]) == ({}, {}, None)
    rotated = node.here("feeds", "rotate", "edge")
    assert rotated["token"] != added["token"]
    assert node.here("feeds", "remove", "edge") == {"name": "edge", "removed": True}
    assert node.here("feeds", "list")["items"] == []


def test_in_text_the_token_is_all_that_is_printed(node: SeawallNode) -> None:
    """So that a script can keep it; the table has no column for it, and an empty one says what to do."""
    empty = here("--node", node.folder, "feeds", "list")
    assert "seawall feeds add" in empty.out + empty.err
    added = here("--node", node.folder, "feeds", "add", "edge", "--format", "nftables")
    assert len(added.out.strip()) == 64
    assert added.out.strip() not in here("--node", node.folder, "feeds", "list").out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "x", "--format", "pdf"), "E-FLOW-964"),
        (("add", "a/b", "--format", "csv"), "E-STORE-030"),
        (("add", "x", "--format", "csv", "--point", "nowhere"), "E-STORE-301"),
        (("add", "x", "--format", "csv", "--tlp", "purple"), "E-MARK-001"),
        (("show", "nothing"), "E-STORE-311"),
        (("rotate", "nothing"), "E-STORE-311"),
        (("remove", "nothing"), "E-STORE-311"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(node: SeawallNode, arguments: tuple[str, ...], code: str) -> None:
    """Status 2, one line on standard error, nothing on standard output."""
    answer = here("--node", node.folder, "feeds", *arguments)
    assert (answer.status, answer.out, code in answer.err, answer.err.count("\n")) == (2, "", True, 1)


def test_a_name_is_taken_once(node: SeawallNode) -> None:
    """A second consumer of the same name is refused, and the first keeps its token."""
    node.here("feeds", "add", "edge", "--format", "csv")
    assert "E-STORE-310" in here("--node", node.folder, "feeds", "add", "edge", "--format", "text").err
    assert [feed["format"] for feed in node.here("feeds", "list")["items"]] == ["csv"]


def test_who_may_not_enforce_adds_nothing(node: SeawallNode, tmp_path: Path) -> None:
    """A reader sees the list and changes nothing."""
    token = tmp_path / "reader.token"
    token.write_text(node.here("users", "add", "reader", "--role", "reader")["token"])
    for arguments in (("add", "x", "--format", "csv"), ("show", "x"), ("rotate", "x"), ("remove", "x")):
        answer = here("--node", node.folder, "--token", token, "feeds", *arguments)
        assert (answer.status, "E-FLOW-004" in answer.err) == (3, True)
    assert here("--node", node.folder, "--token", token, "feeds", "list", "--json").status == 0
