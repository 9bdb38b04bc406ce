"""What we run, what is said of a vulnerability, and where it was seen exploited. Times in microseconds UTC."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

import msgspec


class FlawStatus(StrEnum):
    """What somebody says of a product and a vulnerability; in the four words of VEX (OpenVEX 0.2.0)."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One installation of one product on our own exposure list. ``name`` never leaves (rule 3)."""

    name: str  # host, serial number ... as our list calls it
    product: str
    vendor: str = ""
    version: str = ""  # empty: nobody knows
    cpe: str = ""  # CPE 2.3 formatted string
    purl: str = ""  # package URL
    sector: str = ""
    criticality: str = ""
    facing: bool | None = None  # reachable from the internet; None: nobody knows
    units: int = 1  # how many of them this line stands for
    source: str = ""  # the list it stands on


class VersionRange(msgspec.Struct, frozen=True, kw_only=True):
    """Versions from ``start`` to ``end``; empty ends are open. ``text``: as written, where it cannot be read."""

    start: str = ""
    start_included: bool = True
    end: str = ""
    end_included: bool = False
    scheme: str = ""  # how versions are compared: pypi, deb; anything else: by the general rule (``warn.versions``)
    text: str = ""
    every: bool = False  # somebody said in so many words that all versions are meant

    @property
    def unsaid(self) -> bool:
        """Whether nothing is said of versions at all."""
        return not (self.start or self.end or self.text or self.every)

    @classmethod
    def only(cls, version: str, scheme: str = "") -> Self:
        """The range of one version; of nothing said where ``version`` is empty."""
        return cls(start=version, end=version, end_included=True, scheme=scheme)

    def __str__(self) -> str:
        """As people write it: ``>=1.0 <2.1``."""
        if self.every or self.unsaid:
            return "all versions" if self.every else ""
        if self.text or self.start == self.end:
            return self.text or self.start
        low = f"{'>=' if self.start_included else '>'}{self.start}" if self.start else ""
        high = f"{'<=' if self.end_included else '<'}{self.end}" if self.end else ""
        return f"{low} {high}".strip()


class Affected(msgspec.Struct, frozen=True, kw_only=True):
    """One source's word on which versions of a product a vulnerability concerns."""

    cve: str
    status: FlawStatus
    source: str  # "csaf EXAMPLE-2026-1", "nvd", "stix" ...
    product: str = ""
    vendor: str = ""
    cpe: str = ""
    purl: str = ""
    range: VersionRange = VersionRange()


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """What a publisher says one can do. ``kind``: a CSAF remediation category such as vendor_fix or workaround."""

    cve: str
    kind: str
    text: str
    source: str
    url: str = ""


class Exploited(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody saw, or lists, a vulnerability as exploited. ``peer``: who told us; empty: our sensors, a list."""

    cve: str
    since: int
    source: str  # "sensor", "peer", "kev ...", "csaf ...", "stix"
    side: str = ""
    peer: str = ""
    sectors: tuple[str, ...] = ()
    count: int = 0
    last: int | None = None


class FlawAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Our answer, or a peer's, to "are you affected by this?"; no product, version or asset stands in it."""

    cve: str
    status: FlawStatus
    at: int
    circle: str
    peer: str = ""  # who said so; empty: we
    justification: str = ""  # OpenVEX 0.2.0, for not_affected
    by: str = ""
    object_id: str = ""


Saying = Affected | Remedy | Exploited
