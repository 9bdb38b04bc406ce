"""What grouping takes and gives, in columns: no Python object per value.

items     0 .. n-1      one value each: moments, and who knows it
links     (item, feature, source)      item has feature, says source
features  0 .. m-1      a kind and a text, and how common it is in ordinary traffic
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from seawall.model.campaign import Kind

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

OURS = -1
"""A source: our own sensors, our own import, what follows from the value itself, or what two peers say alike."""
KINDS = tuple(Kind)
"""A feature's kind as a small integer is its place here."""
KIND_CODE = {kind: place for place, kind in enumerate(KINDS)}


@dataclass(frozen=True)
class Evidence:
    """All that grouping knows. Arrays of items have n entries, of features m, of links l."""

    keys: list[tuple[str, str]]  # (type, value) of each item, no two alike
    first: Integers  # microseconds UTC
    last: Integers
    source: Integers  # OURS, or the number of the one peer that alone knows the item
    link_item: Integers
    link_feature: Integers
    link_source: Integers  # OURS, or the number of the peer that says so
    kind: Integers  # of each feature: a place in KINDS
    text: list[str]  # of each feature
    background: Floats  # of each feature: machines of ours, or names, that met it without any alarm


@dataclass(frozen=True)
class Groups:
    """What grouping found. ``label`` has one entry an item: the number of its group, from 0; -1: alone."""

    label: Integers
    strength: Floats  # of each item: its strongest accepted link; 1 is the threshold
    weight: Floats  # of each feature, after down-weighting; what one link of it is worth
    only_from: Integers  # of each group: OURS, or the one peer that told all of it

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(self.only_from)


@dataclass(frozen=True)
class Prior:
    """What was grouped before: (type, value) to campaign id, and when each campaign was first seen."""

    members: dict[tuple[str, str], str] = field(default_factory=dict)
    first_seen: dict[str, int] = field(default_factory=dict)
