"""Security advisories, from whatever form, as STIX: report, vulnerabilities, product status, remedies.

One advisory is one ``report``. Each vulnerability is a plain object that every advisory about the same CVE shares; what
this advisory says about products stands in a ``note`` on it, and affected products are also ``software`` with a
``has`` relationship, so that one may search for them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.codec.converted import FIXED, Converted, cve, marked
from seawall.model import Tlp
from seawall.model.stix.ids import derived_id, observable_id

MAX_VULNERABILITIES = 10_000  # of one advisory; the largest monthly ones have 900
MAX_PRODUCTS = 20_000  # statements of one vulnerability that are listed in its note
MAX_SOFTWARE = 500  # affected products of one advisory that become objects of their own
MAX_NOTE = 400_000  # characters
AFFECTED = ("known_affected", "first_affected", "last_affected", "affected", "exploitable")


class Product(msgspec.Struct, frozen=True):
    """One product as an advisory names it."""

    name: str
    vendor: str | None = None
    version: str | None = None
    cpe: str | None = None
    purl: str | None = None


class Flaw(msgspec.Struct):
    """One vulnerability, and what the advisory says about products. ``status``: state -> products."""

    name: str
    title: str | None = None
    status: dict[str, list[Product]] = {}
    remarks: list[str] = []  # one line each: scores, justifications, impact
    remedies: list[tuple[str, str, str | None]] = []  # (kind, text, address)
    references: list[dict[str, Any]] = []


class Advisory(msgspec.Struct, kw_only=True):
    """What every form has in common."""

    form: str  # csaf, openvex, cyclonedx
    publisher: str
    namespace: str
    id: str
    title: str
    version: str
    description: str | None = None
    created: str | None = None
    modified: str | None = None
    tlp: Tlp | None = None
    withdrawn: bool = False
    labels: list[str] = []
    references: list[dict[str, Any]] = []
    flaws: list[Flaw] = []


def write_advisory(advisory: Advisory, found: Converted) -> None:
    """Append the advisory's objects to ``found``. Ids depend on publisher, advisory and flaw, never on order."""
    writer = _Writer(advisory, found)
    for flaw in advisory.flaws[:MAX_VULNERABILITIES]:
        writer.flaw(flaw)
    if len(advisory.flaws) > MAX_VULNERABILITIES:
        found.reject(MAX_VULNERABILITIES, advisory.id, f"one advisory may name {MAX_VULNERABILITIES} vulnerabilities")
    writer.report()


class _Writer:
    def __init__(self, advisory: Advisory, found: Converted) -> None:
        self._of, self._found = advisory, found
        self._key = (advisory.form, advisory.namespace, advisory.id)
        self._created = advisory.created or FIXED
        self._modified = max(self._created, advisory.modified or self._created)
        self._marked = marked(advisory.tlp)
        self._ids: dict[str, None] = {}
        self._software = 0
        self._publisher = derived_id("identity", "advisory-publisher", advisory.namespace, advisory.publisher)
        self._put(
            {
                "type": "identity",
                "id": self._publisher,
                "created": FIXED,
                "modified": FIXED,
                "name": advisory.publisher,
                "identity_class": "organization",
            }
        )

    def _put(self, body: dict[str, Any], **optional: Any) -> str:
        identifier: str = body["id"]
        if identifier not in self._ids:
            whole = {"spec_version": "2.1", **body, **{name: value for name, value in optional.items() if value}}
            self._found.objects.append(whole | self._marked)
            self._ids[identifier] = None
        return identifier

    def _own(self, kind: str, *key: str) -> dict[str, Any]:
        """The common part of an object that this advisory says."""
        return {
            "type": kind,
            "id": derived_id(kind, *self._key, *key),
            "created_by_ref": self._publisher,
            "created": self._created,
            "modified": self._modified,
        }

    def flaw(self, flaw: Flaw) -> None:
        """One vulnerability with its note, products and remedies."""
        target = self._vulnerability(flaw)
        content = _content(flaw)
        if content:
            self._put(
                {
                    **self._own("note", flaw.name, "status"),
                    "abstract": f"What {self._of.id} says about {flaw.name}"[:200],
                    "content": content,
                    "object_refs": [target],
                },
                labels=[f"vex:{state}" for state, products in flaw.status.items() if products],
                external_references=flaw.references,
            )
        for product in (product for state in AFFECTED for product in flaw.status.get(state, ())):
            self._affected(product, target)
        for kind, text, address in flaw.remedies:
            remedy = self._put(
                {**self._own("course-of-action", kind, text), "name": f"{kind}: {text}"[:150]},
                description=text,
                external_references=[{"source_name": self._of.form, "url": address}] if address else [],
            )
            self._relate(remedy, "mitigates", target)

    def _vulnerability(self, flaw: Flaw) -> str:
        """Shared by all advisories about one CVE under one marking; without a number it is this advisory's own."""
        number = cve(flaw.name)
        if number is None:
            return self._put({**self._own("vulnerability", flaw.name), "name": flaw.name[:500]}, description=flaw.title)
        level = self._of.tlp.label if self._of.tlp is not None else ""
        return self._put(
            {
                "type": "vulnerability",
                "id": derived_id("vulnerability", number, level),
                "created": FIXED,
                "modified": FIXED,
                "name": number,
                "external_references": [{"source_name": "cve", "external_id": number}],
            }
        )

    def _affected(self, product: Product, target: str) -> None:
        if self._software >= MAX_SOFTWARE:
            self._found.losses.add("advisory:products", f"{product.name[:80]}: named in the note only")
            return
        said = {"name": product.name, "vendor": product.vendor, "version": product.version, "cpe": _cpe23(product.cpe)}
        properties = {name: value for name, value in said.items() if value}
        identifier = observable_id("software", properties, ("name", "cpe", "swid", "vendor", "version"))
        if identifier is None:
            return
        self._software += identifier not in self._ids
        self._put({"type": "software", "id": identifier, **properties})
        self._relate(identifier, "has", target)

    def _relate(self, source: str, kind: str, target: str) -> None:
        body = self._own("relationship", source, kind, target)
        self._put(body | {"relationship_type": kind, "source_ref": source, "target_ref": target})

    def report(self) -> None:
        """The advisory itself, naming everything else; withdrawn ones are revoked."""
        self._put(
            {
                **self._own("report"),
                "name": self._of.title,
                "report_types": ["vulnerability"],
                "published": self._created,
                "object_refs": list(self._ids),
                "labels": [f"{self._of.form}:version:{self._of.version}", *self._of.labels],
                "external_references": [
                    {"source_name": self._of.form, "external_id": self._of.id},
                    *self._of.references,
                ],
            },
            description=self._of.description,
            revoked=self._of.withdrawn,
        )


def _content(flaw: Flaw) -> str:
    """``state: product (cpe)`` line by line, then the remarks."""
    lines = [flaw.title] if flaw.title else []
    count = 0
    for state, products in flaw.status.items():
        for product in products:
            if (count := count + 1) > MAX_PRODUCTS:
                break
            named = " ".join(part for part in (product.name, product.purl or product.cpe) if part)
            lines.append(f"{state}: {named}")
    return "\n".join([*lines, *flaw.remarks])[:MAX_NOTE]


def _cpe23(text: str | None) -> str | None:
    return text if text is not None and text.startswith("cpe:2.3:") and text.count(":") >= 12 else None
