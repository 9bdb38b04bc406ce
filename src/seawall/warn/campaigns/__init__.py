"""Campaigns: what probably belongs together, and why. A grouping by evidence, never a verdict.

Comes in: values, what they have in common, who says so, as columns (``Evidence``). Goes out: groups, their reasons, the
identity of each. Never here: a database, a lake's files, a clock, a name of who did it.

>>> import numpy as np
>>> from seawall.model.campaign import Kind
>>> book = EvidenceBook()
>>> for value in ("a.example", "b.example", "c.example"):
...     book.item(("domain", value), first=0, last=0)
>>> for value in ("a.example", "b.example"):
...     book.link(("domain", value), Kind.CERTIFICATE, "8f3a")
>>> groups = group(book.evidence())
>>> groups.count, groups.label.tolist()
(1, [0, 0, -1])
"""

from seawall.warn.campaigns.book import EvidenceBook
from seawall.warn.campaigns.explain import Explained
from seawall.warn.campaigns.grouping import group
from seawall.warn.campaigns.identity import FOUNDERS, Named, name_groups
from seawall.warn.campaigns.interface import OURS, Evidence, Groups, Prior
from seawall.warn.campaigns.names import name_pattern

__all__ = [
    "FOUNDERS",
    "OURS",
    "Evidence",
    "EvidenceBook",
    "Explained",
    "Groups",
    "Named",
    "Prior",
    "group",
    "name_groups",
    "name_pattern",
]
