"""The two reference pages that follow from policy: its rules and tables, and what leaves field by field."""

from __future__ import annotations

from seawall.policy.explain import enforcement_table, rule_table, truth_table
from seawall.policy.fields import fates, never, shareable
from seawall.policy.rules import POLICY_VERSION
from seawall.policy.tables import ceiling_table, decision_tables, iep_table, seat_table
from seawall.reference import legal_bases, sharing_kinds

_GENERATED = "Generated from policy's code by `make docs`.\n"


def policy() -> str:
    """The rules in order, and what follows from them."""
    return (
        f"# Policy: rules and truth tables\n\n{_GENERATED}"
        f"This is policy version `{POLICY_VERSION}`; every release and refusal on the ledger names its version.\n"
        "The tables were made by asking policy each case, not by describing it.\n"
        "`seawall why ID --peer P` shows the rules for one object and peer;"
        " `seawall release ID --circle C --preview` shows what would go.\n\n"
        "## The rules, in the order in which they are tried\n\n"
        "All must pass; the first that does not is the reason on record.\n\n"
        f"{rule_table()}\n"
        "## TLP x PAP x track x exclusion\n\n"
        "Our own object, a member who agreed and sits as the track asks, a circle whose ceilings are TLP:RED and"
        " PAP:RED.\nA cell says who has to approve, else which rule withholds it.\n\n"
        f"{decision_tables()}\n"
        "## PAP under a circle's PAP ceiling\n\n"
        f"{ceiling_table()}\n"
        "## Who sits on which track\n\n"
        "Whom nobody described sits as an official; two people change it with `seawall seats set`.\n\n"
        f"{seat_table()}\n"
        "## Whose object, and where to\n\n"
        f"{truth_table()}\n"
        "## What tools may do\n\n"
        f"{enforcement_table()}\n"
        "## Information Exchange Policy 2.0\n\n"
        "Of TLP, PAP and IEP the stricter wins in every decision.\n"
        "A policy is read from a marking-definition with FIRST's extension, or from MISP's `iep2-policy` tags.\n"
        "What it obliges readers to travels on as markings of our own, and its definition travels with the object.\n\n"
        f"{iep_table()}\n"
        "## Kinds of information\n\n"
        "An object's kinds are among its labels; a circle may name which it takes.\n\n"
        f"{_kinds()}\n"
        "## Legal bases for keeping an item\n\n"
        f"{_bases()}"
    )


def what_leaves() -> str:
    """The fate of each property of each type."""
    parts = [
        f"# What leaves, field by field\n\n{_GENERATED}"
        "Each cell was found by sending an object with that property through policy.\n\n"
        "- **private**: an own asset, a victim or a business secret stands in it.\n"
        "- **redacted**: the circle's terms or `seawall redactions` name the property.\n"
        "- **not named**: we stand in it, and the circle or a marking says that we are not to be named.\n"
        "- **withheld**: it refers to an object that the recipient may not have.\n\n"
        "Properties that STIX does not know leave like other text: private values in them are replaced.\n\n"
        f"These types never leave, whatever a circle says: {', '.join(f'`{kind}`' for kind in never())}.\n"
    ]
    for kind in shareable():
        lines = [
            f"\n## {kind}\n",
            "| Property | else | private | redacted | not named | withheld |",
            "| --- " * 6 + "|",
        ]
        lines += [
            f"| `{fate.property}` | {fate.plain} | {fate.private} | {fate.redacted} | {fate.nameless} "
            f"| {fate.withheld} |"
            for fate in fates(kind)
        ]
        parts.append("\n".join(lines) + "\n")
    return "".join(parts)


def _kinds() -> str:
    lines = ["| Label | Kind | Source | Verified | In force from | Elsewhere |", "| --- " * 6 + "|"]
    for kind in sharing_kinds():
        elsewhere = "; ".join(f"{economy}: {said}" for economy, said in kind.counterparts.items())
        lines.append(
            f"| `{kind.label}` | {kind.name} | {kind.source} | {'yes' if kind.verified else 'no'} "
            f"| {kind.valid_from} | {elsewhere} |"
        )
    return "\n".join(lines) + "\n"


def _bases() -> str:
    lines = ["| Basis | Title | Source | Verified | In force from | Days | Note |", "| --- " * 7 + "|"]
    for basis in legal_bases():
        lines.append(
            f"| `{basis.id}` | {basis.title} | {basis.source} | {'yes' if basis.verified else 'no'} "
            f"| {basis.valid_from} | {basis.days if basis.days is not None else 'you say'} | {basis.note} |"
        )
    return "\n".join(lines) + "\n"
