"""Which of our assets a vulnerability concerns, and how surely."""

from __future__ import annotations

import msgspec
import pytest

from seawall.model.exposure import Affected, Asset, Exploited, FlawStatus, Remedy, VersionRange
from seawall.warn.exposure import Concern, Rule, Shelf, concerned, names_of, partners, same_product

CVE = "CVE-2026-1111"
BEFORE_2 = VersionRange(end="2.0")


def asset(version: str = "1.5", **more: object) -> Asset:
    """A gateway of ours."""
    facts = {"name": "fw-1", "product": "Gate OS", "vendor": "Example Networks, Inc.", "version": version, **more}
    return msgspec.convert(facts, Asset)


def said(range: VersionRange = BEFORE_2, status: FlawStatus = FlawStatus.AFFECTED, **more: object) -> Affected:
    """A sentence about the gateway."""
    base = {"product": "gate-os", "vendor": "example networks", "source": "csaf A", **more}
    return Affected(cve=CVE, status=status, range=range, **base)  # type: ignore[arg-type]


def verdict(one: Asset, *sentences: Affected) -> Concern | None:
    """What is known of the asset; None when nobody means it."""
    found = concerned(CVE, sentences, (), Shelf([one])).exposures
    return found[0].concern if found else None


CPE = "cpe:2.3:o:example:gate_os:{}:*:*:*:*:*:*:*"


@pytest.mark.parametrize(
    ("ours", "theirs", "rule"),
    [
        (asset(purl="pkg:pypi/Gate_OS@1"), said(purl="pkg:pypi/gate-os"), Rule.PURL),
        (asset(purl="pkg:pypi/gate"), said(purl="pkg:npm/gate"), None),
        (asset(cpe=CPE.format("1")), said(cpe=CPE.format("*")), Rule.CPE),
        (asset(cpe=CPE.format("1")), said(cpe="cpe:/o:other:gate_os"), None),
        (asset(), said(), Rule.NAMES),
        (asset(), said(product="Example Networks Gate OS"), Rule.NAMES),
        (asset(), said(vendor="Somebody Else"), None),
        (asset(vendor=""), said(), Rule.PRODUCT),
        (asset(product="Gate"), said(), None),
    ],
)
def test_one_product_has_many_names(ours: Asset, theirs: Affected, rule: Rule | None) -> None:
    """Package URLs and CPEs decide where both sides have them; else vendor and product, however they are spelled."""
    assert same_product(names_of(ours), names_of(theirs)) is rule


@pytest.mark.parametrize(
    ("version", "sentences", "concern"),
    [
        ("1.5", [said()], Concern.AFFECTED),
        ("2.0", [said()], Concern.OUTSIDE),
        ("", [said()], Concern.POSSIBLY),
        ("custom", [said()], Concern.POSSIBLY),
        ("1.5", [said(VersionRange(text="see advisory"))], Concern.POSSIBLY),
        ("1.5", [said(VersionRange())], Concern.POSSIBLY),
        ("", [said(VersionRange(every=True))], Concern.AFFECTED),
        ("1.5", [said(status=FlawStatus.UNDER_INVESTIGATION)], Concern.POSSIBLY),
        ("1.5", [said(status=FlawStatus.NOT_AFFECTED)], Concern.NOT_AFFECTED),
        ("2.1", [said(), said(VersionRange(start="2.0"), FlawStatus.FIXED)], Concern.FIXED),
        ("1.5", [said(VersionRange(start="2.0"), FlawStatus.FIXED)], Concern.POSSIBLY),
        ("1.5", [said(VersionRange(every=True)), said(VersionRange.only("1.5"), FlawStatus.NOT_AFFECTED)],
         Concern.NOT_AFFECTED),
        ("2.5", [said(), said(VersionRange(), source="kev")], Concern.OUTSIDE),
        ("", [said(), said(VersionRange(start="3"), FlawStatus.FIXED, source="B")], Concern.POSSIBLY),
    ],
)  # fmt: skip
def test_an_asset_is_never_called_safe_without_a_reason(
    version: str, sentences: list[Affected], concern: Concern
) -> None:
    """Unknown versions and unreadable ranges are "possibly"; an exact word of one source beats its own wide one."""
    assert verdict(asset(version), *sentences) is concern


def test_sources_that_differ_are_named_and_the_strictest_counts() -> None:
    """One maker says fixed, another list says affected: affected, and who differs is told."""
    theirs = [said(source="nvd"), said(VersionRange.only("1.5"), FlawStatus.FIXED, source="csaf B")]
    (found,) = concerned(CVE, theirs, (), Shelf([asset()])).exposures
    assert (found.concern, found.source, found.differ) == (Concern.AFFECTED, "nvd", ("csaf B",))
    assert (found.rule, found.confidence) == (Rule.NAMES, 75)


def test_units_evidence_and_remedies_are_put_together() -> None:
    """The earliest exploitation counts; a partner is a peer or a side that is not ours; remedies are told once."""
    remedy = Remedy(cve=CVE, kind="vendor_fix", text="update", source="csaf A")
    sayings: list[Affected | Remedy | Exploited] = [said(), remedy, remedy, Exploited(cve=CVE, since=50, source="kev")]
    seen = [
        Exploited(cve=CVE, since=70, source="sensor", side="TW"),
        Exploited(cve=CVE, since=90, source="peer", peer="harbour", side="harbour"),
    ]
    shelf = Shelf([asset(units=13), asset("", name="fw-2"), asset("9", name="fw-3")])
    found = concerned(CVE, sayings, seen, shelf)
    assert [found.units(one) for one in (Concern.AFFECTED, Concern.POSSIBLY, Concern.OUTSIDE)] == [13, 1, 1]
    assert (found.since, found.remedies, len(found.seen)) == (50, (remedy,), 3)
    assert partners(found, "TW") == (("harbour",), 90)
