"""Explanations and the tables that documentation shows."""

from __future__ import annotations

from policy.scenes import asking, circle, knowing, stored
from seawall.model import Tlp
from seawall.policy import MEANING, Rule, enforcement_table, explain, rule_table, truth_table


def test_every_test_is_told_also_behind_the_first_failure() -> None:
    """A stranger asking for a RED object hears of both failures, in the order of the rules."""
    why = explain(asking(stored(tlp=Tlp.RED), recipient="jeju"), circle(), knowing())
    failed = [test.rule for test in why.tests if not test.passed]
    assert failed == [Rule.MEMBER, Rule.TLP_CEILING, Rule.TWO_PEOPLE]
    assert [test.rule for test in why.tests] == list(Rule)[:25]
    assert why.rule == Rule.MEMBER
    assert why.lines()[-1] == "withheld to jeju in tw-kr by circle-member (seawall-3/tw-kr@1)"


def test_a_release_is_explained_by_its_permission() -> None:
    """When everything passes, the last line names what permits it."""
    why = explain(asking(), circle(), knowing())
    assert all(line.startswith("pass") for line in why.lines()[:-1])
    assert why.lines()[-1] == "released to seoul in tw-kr by approved (seawall-3/tw-kr@1)"


def test_every_rule_has_a_meaning() -> None:
    """Each rule is in the table with a sentence, in the order of trying."""
    assert list(MEANING) == list(Rule)
    assert [line.split("`")[1] for line in rule_table().splitlines()[2:]] == [rule.value for rule in Rule]


def test_the_truth_table_of_sharing() -> None:
    """What TLP 2.0 says about passing on, found by trying every case."""
    assert truth_table() == (
        "| TLP | our own | a peer's, in its circle | a peer's, to another circle | a peer's, to a named community |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| CLEAR | one person | one person | one person | one person |\n"
        "| GREEN | one person | one person | no | one person |\n"
        "| AMBER | one person | one person | no | no |\n"
        "| AMBER+STRICT | two people | two people | no | no |\n"
        "| RED | two people | two people | no | no |\n"
    )


def test_the_truth_table_of_enforcement() -> None:
    """What PAP says about acting, found by trying every case."""
    assert enforcement_table() == (
        "| PAP | our own | a peer's | a peer's under auto-enforce | TLP:RED |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| CLEAR | block | watch | block | no |\n"
        "| GREEN | block | watch | block | no |\n"
        "| AMBER | watch | watch | watch | no |\n"
        "| RED | watch | watch | watch | no |\n"
    )
