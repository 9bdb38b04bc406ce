"""Why, and why not: every test with its outcome for one object and recipient, and tables computed from the rules."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.messages import translate
from seawall.model import Observable, Pap, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.model.observable import ObservableType
from seawall.model.stored import StoredObject
from seawall.policy.checks import body_tests, circle_tests, first_failure, permission_for
from seawall.policy.enforcement import enforcement_tests
from seawall.policy.granular import lowered
from seawall.policy.markings import Markings, Origin
from seawall.policy.request import PrivateValues, ReleaseContext, ReleaseRequest
from seawall.policy.rules import MEANING, Rule, Test, meaning, policy_version


class Explanation(msgspec.Struct, frozen=True):
    """What would be decided, and each test on the way, also those behind the first failure. For our own people."""

    recipient: str
    circle: str
    object_id: str
    released: bool
    rule: str  # what permits it, or the first rule that does not
    policy_version: str
    tests: tuple[Test, ...]

    def lines(self, lang: str = "en") -> list[str]:
        """One line a test, then the outcome, in the reader's language; rules keep their names."""
        shown = [f"{_word(test, lang)}  {test.rule}: {meaning(test.rule, lang)} ({test.detail})" for test in self.tests]
        told = {"peer": self.recipient, "circle": self.circle, "rule": self.rule, "version": self.policy_version}
        if self.released:
            return [*shown, translate("released to {peer} in {circle} by {rule} ({version})", lang, **told)]
        return [*shown, translate("withheld to {peer} in {circle} by {rule} ({version})", lang, **told)]


def _word(test: Test, lang: str) -> str:
    return translate("pass", lang) if test.passed else translate("FAIL", lang)


def explain(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> Explanation:
    """Try every test, in order, and say what each found. Decides exactly as ``decide`` does; releases nothing."""
    request = lowered(request, terms, context.definitions)
    kept: list[dict[str, Any]] = []
    tests = (
        *circle_tests(request, terms, context),
        *body_tests(request, terms, context, context.may_refer, kept.append),
    )
    failed = first_failure(tests)
    permission, _ = permission_for(request, terms, context)
    rule = (
        permission.rule if failed is None and permission is not None else (failed.rule if failed else Rule.PERMISSION)
    )
    return Explanation(
        recipient=request.recipient,
        circle=terms.name,
        object_id=request.object.id,
        released=failed is None,
        rule=str(rule),
        policy_version=policy_version(terms),
        tests=tests,
    )


def rule_table() -> str:
    """The rules in their order as Markdown."""
    lines = ["| Rule | Passes when |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| `{rule}` | {MEANING[rule]} |" for rule in Rule)]) + "\n"


def truth_table() -> str:
    """TLP x origin x circle as Markdown: what one approval releases, what takes two, what stays. Made by trying."""
    columns = {
        "our own": ("", False),
        "a peer's, in its circle": ("here", False),
        "a peer's, to another circle": ("there", False),
        "a peer's, to a named community": ("there", True),
    }
    lines = [f"| TLP | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
    for tlp in Tlp:
        cells = [_cell(tlp, circle, community=community) for circle, community in columns.values()]
        lines.append(f"| {tlp.label.upper()} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def enforcement_table() -> str:
    """PAP x whose indicator as Markdown: block, watch or neither. Made by trying."""
    lines = ["| PAP | our own | a peer's | a peer's under auto-enforce | TLP:RED |", "| --- " * 5 + "|"]
    for pap in Pap:
        cases = (
            (Tlp.AMBER, None, False),
            (Tlp.AMBER, "peer", False),
            (Tlp.AMBER, "peer", True),
            (Tlp.RED, None, False),
        )
        cells = [_action(pap, tlp, origin, auto=auto) for tlp, origin, auto in cases]
        lines.append(f"| {pap.label.upper()} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(tlp: Tlp, circle: str, *, community: bool) -> str:
    came_in = frozenset({Origin("other", circle)}) if circle else frozenset()
    terms = CircleTerms(name="here", members=frozenset({"friend", "other"}), tlp_ceiling=Tlp.RED, community=community)
    source = msgspec.structs.replace(terms, name="there")
    context = ReleaseContext(
        at=0,
        node_id="",
        private=PrivateValues(_nothing_own),
        agreed_with=frozenset({"friend"}),
        circles={"here": terms, "there": source},
    )
    stored = StoredObject(
        "tool--0", "tool", "", None, b'{"type":"tool"}', tlp, Pap.CLEAR, origin="other" if circle else None
    )
    for people, word in ((("lin",), "one person"), (("lin", "kim"), "two people")):
        request = ReleaseRequest(
            object=stored, markings=Markings(tlp, origins=came_in), recipient="friend", approved_by=people
        )
        if explain(request, terms, context).released:
            return word
    return "no"


def _action(pap: Pap, tlp: Tlp, origin: str | None, *, auto: bool) -> str:
    terms = CircleTerms(name="here", members=frozenset({"peer"}), tlp_ceiling=Tlp.RED, auto_enforce=auto)
    entry = IndicatorEntry(
        ObservableType.DOMAIN, "evil.example", "", None, None, None, tlp, pap, None, None, origin, None, (), b""
    )
    for action in (Action.BLOCK, Action.WATCH):
        if first_failure(enforcement_tests(entry, action, terms)) is None:
            return action.value
    return "no"


def _nothing_own(_value: Observable) -> bool:
    return False
