"""Exploited somewhere, and run by us: the join of what was seen, what is said of products, and our exposure list.

What others need is ``exposed_warnings``; ``check_exposure`` is the same for a person, with what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec

from seawall.codec.converted import cve as cve_number
from seawall.flow.exposed_answers import answers_about
from seawall.flow.exposed_import import asset_row
from seawall.flow.exposed_seen import Linked, linked, seen_by_sensors, told_by_peers
from seawall.flow.node import Node
from seawall.messages import mark, translate
from seawall.model import Actor, Fault, Visibility, from_microseconds, rfc3339
from seawall.model.exposure import Exploited
from seawall.policy import visibility
from seawall.warn.exposure import Concern, ExposedFlaw, Exposure, Shelf, concerned, partners

MAX_SHOWN = 10_000  # assets of one vulnerability that are shown
MAX_REMEDIES = 20
CONCERNED = (Concern.AFFECTED, Concern.POSSIBLY)

AT_PARTNER = mark("exploited at {partner} since {moment}")
ELSEWHERE = mark("exploited since {moment}")
NOT_EXPLOITED = mark("not known to be exploited")
HAVE = mark("you have {count}: patch or block")
HAVE_AND = mark("you have {count}, and possibly {more} more: patch or block")
POSSIBLY_HAVE = mark("you possibly have {count}: find out their versions")
HAVE_NONE = mark("nothing on your list is affected")
NOBODY_SAYS = mark("nobody says which products it concerns")
NO_ASSETS = mark("Your exposure list is empty: import it with 'seawall exposed import'.")
NOTHING_SEEN = mark("No vulnerability is known as exploited yet: alarms, peers, advisories and KEV lists tell it.")
NO_PRODUCTS = mark("Of some exploited vulnerabilities nobody says which products they concern: import advisories.")


class Checked(msgspec.Struct, frozen=True):
    """A page of vulnerabilities as the doors show them, and what is missing (English sentences, to be translated)."""

    items: list[dict[str, object]]
    next: int | None
    assets: int  # on our list
    exploited: int  # vulnerabilities that anybody saw exploited
    without_products: int  # of these, nobody says which products they concern
    missing: list[str]


def exposed_warnings(node: Node, *, actor: Actor | None = None) -> Iterator[ExposedFlaw]:
    """Each vulnerability that was seen exploited and that concerns something we run, certainly or possibly.

    What partners met first, then what our own sensors met, then what lists say; the newest of each first. Asset names
    in it are for our own people only (rule 3).
    """
    seen = visibility(actor or node.actor)
    for flaw in sorted(_flaws(node, seen), key=lambda one: _urgency(node, one)):
        if flaw.seen and flaw.units(*CONCERNED):
            yield flaw


def count_exposed(node: Node) -> int:
    """How many there are; 0 at once where nobody said what runs here."""
    return sum(1 for _ in exposed_warnings(node)) if node.store.exposure.sources() else 0


def check_exposure(
    node: Node,
    *,
    cve: str | None = None,
    limit: int = 100,
    after: int = 0,
    lang: str = "en",
    actor: Actor | None = None,
) -> Checked:
    """What ``exposed_warnings`` finds, or all that is known of one vulnerability, exploited or not.

    Raises Fault E-FLOW-873 for what is no CVE number.
    """
    person = actor or node.require("read-telemetry")
    seen = visibility(person)
    if cve is not None:
        number = cve_number(cve)
        if number is None:
            raise Fault("E-FLOW-873", "{given} is no CVE number.", given=ascii(cve[:40]))
        flaws = list(_flaws(node, seen, number))
        relevant = flaws
    else:
        flaws = sorted(_flaws(node, seen), key=lambda one: _urgency(node, one))
        relevant = [one for one in flaws if one.units(*CONCERNED)]
    items = [flaw_row(node, one, seen, lang) for one in relevant[after : after + limit]]
    assets = sum(count for _, count, _, _ in node.store.exposure.sources())
    unknown = sum(not one.known_products for one in flaws)
    missing = [] if assets else [NO_ASSETS]
    missing += [] if flaws and any(one.seen for one in flaws) else [NOTHING_SEEN]
    missing += [NO_PRODUCTS] if unknown else []
    following = after + limit if len(relevant) > after + limit else None
    return Checked(items, following, assets, sum(bool(one.seen) for one in flaws), unknown, missing)


def _flaws(node: Node, seen: Visibility, number: str | None = None) -> Iterator[ExposedFlaw]:
    """Every vulnerability that was seen exploited, or the one that is asked about, against our list."""
    met: dict[str, list[Exploited]] = {}
    for one in (*seen_by_sensors(node), *told_by_peers(node, seen), *node.store.exposure.exploited()):
        met.setdefault(one.cve, []).append(one)
    stix: Linked = linked(node, seen)
    for key, several in stix.seen.items():
        met.setdefault(key, []).extend(several)
    wanted = {number} if number is not None else set(met)
    sayings = node.store.exposure.sayings(wanted)
    shelf = Shelf(node.store.exposure.all_assets())
    for key in sorted(wanted):
        said = [*sayings.get(key, ()), *stix.said.get(key, ())]
        yield concerned(key, said, met.get(key, ()), shelf)


def _urgency(node: Node, flaw: ExposedFlaw) -> tuple[int, int]:
    """The lower, the sooner a person should read it."""
    _, at_partner = partners(flaw, node.side)
    met = max((one.since for one in flaw.seen if one.source == "sensor"), default=None)
    if at_partner is not None:
        return 0, -at_partner
    return (1, -met) if met is not None else (2, -(flaw.since or 0))


def flaw_row(node: Node, flaw: ExposedFlaw, seen: Visibility, lang: str = "en") -> dict[str, object]:
    """One vulnerability as the doors show it."""
    return {
        "cve": flaw.cve,
        "summary": summary(node, flaw, lang),
        "since": rfc3339(flaw.since) if flaw.since is not None else None,
        "affected": flaw.units(Concern.AFFECTED),
        "possibly": flaw.units(Concern.POSSIBLY),
        "fixed": flaw.units(Concern.FIXED),
        "not_affected": flaw.units(Concern.NOT_AFFECTED),
        "outside": flaw.units(Concern.OUTSIDE),
        "sectors": sorted({one.asset.sector for one in flaw.exposures if one.asset.sector and _counts(one)}),
        "seen": [seen_row(one) for one in flaw.seen[:MAX_REMEDIES]],
        "assets": [exposure_row(one) for one in flaw.exposures[:MAX_SHOWN]],
        "remedies": [
            {"kind": one.kind, "text": one.text, "url": one.url or None, "source": one.source}
            for one in flaw.remedies[:MAX_REMEDIES]
        ],
        "answers": answers_about(node, flaw.cve, seen),
    }


def summary(node: Node, flaw: ExposedFlaw, lang: str = "en") -> str:
    """The one line that a person reads first: where, since when, how many of ours, what to do."""
    names, moment = partners(flaw, node.side)
    if moment is not None:
        where = translate(AT_PARTNER, lang, partner=", ".join(names), moment=_shown(node, moment))
    elif flaw.since is not None:
        where = translate(ELSEWHERE, lang, moment=_shown(node, flaw.since))
    else:
        where = translate(NOT_EXPLOITED, lang)
    certain, possible = flaw.units(Concern.AFFECTED), flaw.units(Concern.POSSIBLY)
    if certain:
        have = translate(HAVE_AND if possible else HAVE, lang, count=certain, more=possible)
    elif possible:
        have = translate(POSSIBLY_HAVE, lang, count=possible)
    else:
        have = translate(HAVE_NONE if flaw.known_products else NOBODY_SAYS, lang)
    return f"{where}; {have}"


def _shown(node: Node, moment: int) -> str:
    """To the minute, in the node's zone, with its offset."""
    zone = ZoneInfo(node.settings.node.timezone)
    return from_microseconds(moment).astimezone(zone).strftime("%Y-%m-%d %H:%M %z")


def _counts(one: Exposure) -> bool:
    return one.concern in CONCERNED


def seen_row(one: Exploited) -> dict[str, object]:
    """One source's word on exploitation. A sensor's alarm is an attempt; a list says that others saw it."""
    return {
        "source": one.source,
        "peer": one.peer or None,
        "side": one.side or None,
        "since": rfc3339(one.since),
        "last_seen": rfc3339(one.last) if one.last is not None else None,
        "count": one.count or None,
        "sectors": list(one.sectors),
    }


def exposure_row(one: Exposure) -> dict[str, object]:
    """One asset beside one vulnerability."""
    return {
        **asset_row(one.asset),
        "state": one.concern.value,
        "confidence": one.confidence,
        "rule": one.rule.value,
        "range": one.range or None,
        "said_by": one.source,
        "reason": one.reason,
        "differ": list(one.differ),
    }
