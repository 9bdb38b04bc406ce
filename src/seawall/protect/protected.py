"""Who is kept from being blocked wherever Seawall runs: classes of names and networks, packaged as dated data.

``below`` protects a name with everything under it; ``exact`` only the name itself and its ``www``: under a delivery
network or a hosting platform each customer's own name may be an attacker's. What lies above a protected name is
protected with it. Whatever an operator leaves out (``protect.without``) is no longer asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec

from seawall.protect import objections
from seawall.protect.names import ancestors
from seawall.protect.networks import Span, Spans, address_number, network_span
from seawall.protect.objections import Objection

DATA = Path(__file__).parent / "never_block.json"
CLASSES = {
    rule.rule: rule
    for rule in (
        objections.DNS,
        objections.GOVERNMENT,
        objections.CRITICAL,
        objections.SHARED,
        objections.UPDATES,
        objections.POPULAR,
    )
}
TENANTED = frozenset({objections.SHARED.rule, objections.POPULAR.rule})
"""Classes under whose names strangers have pages: one URL there may be blocked, the name may not."""

_GOVERNMENT = frozenset({"gov", "govt", "gob", "gouv", "go", "mil"})
_OTHERWISE_USED = frozenset({"go.it"})  # Gorizia's, open to all (IT-NIC's list of geographical names)


class ProtectedClass(msgspec.Struct, frozen=True):
    """One dated list of the data file."""

    rule: str
    source: str
    as_of: str | None  # the day of its state; None: not said by its source
    verified: bool  # whether somebody here compared it with its source
    below: tuple[str, ...]
    exact: tuple[str, ...]
    networks: tuple[str, ...]


class _File(msgspec.Struct):
    classes: tuple[ProtectedClass, ...]
    about: str = ""


class Protected:
    """The classes in force, ready to be asked a million times."""

    def __init__(self, classes: Iterable[ProtectedClass]) -> None:
        held = tuple(classes)
        self.classes = held
        self._government = any(each.rule == objections.GOVERNMENT.rule for each in held)
        self._below: dict[str, str] = {}
        self._exact: dict[str, str] = {}
        self._above: dict[str, tuple[str, str]] = {}
        spans: list[tuple[str, Span]] = []
        for each in held:
            for names, kept in ((each.below, self._below), (each.exact, self._exact)):
                for name in names:
                    kept.setdefault(name, each.rule)
                    for upper in ancestors(name.partition(".")[2]):
                        self._above.setdefault(upper, (each.rule, name))
            for text in each.networks:
                span = network_span(text) if "/" in text else (address_number(text), address_number(text))
                spans.append((f"{each.rule} {text}", span))
        self._spans = Spans(spans)

    def span(self, first: int, last: int) -> Objection | None:
        """The objection to blocking these addresses."""
        touched = self._spans.touching(first, last)
        if touched is None:
            return None
        rule, _, text = touched.partition(" ")
        return CLASSES[rule].about(text)

    def name(self, name: str) -> Objection | None:
        """The objection to blocking this name and everything below it."""
        plain = name.removeprefix("www.")
        if (rule := self._exact.get(plain) or self._exact.get(name)) is not None:
            return CLASSES[rule].about(plain if plain in self._exact else name)
        upper = name
        while upper:
            if (rule := self._below.get(upper)) is not None:
                return CLASSES[rule].about(upper)
            upper = upper.partition(".")[2]
        if (reached := self._above.get(name)) is not None:
            return CLASSES[reached[0]].about(reached[1])
        if self._government and (public := _public_authority(name)) is not None:
            return objections.GOVERNMENT.about(public)
        return None

    def url(self, host: str, *, whole_site: bool) -> Objection | None:
        """The objection to blocking a URL on a host: of shared sites only pages may be blocked, not the front door."""
        problem = self.name(host)
        if problem is not None and problem.rule in TENANTED and not whole_site:
            return None
        return problem


@cache
def packaged(without: frozenset[str] = frozenset()) -> Protected:
    """The classes that came with this version, without those whose rule is named."""
    file = msgspec.json.decode(DATA.read_bytes(), type=_File)
    return Protected(each for each in file.classes if each.rule not in without)


def _public_authority(name: str) -> str | None:
    """``gov.xx`` and its like at the end of a name, where ``xx`` is a country."""
    if name[-3:-2] != ".":  # the top level has two letters
        return None
    second = name[:-3].rpartition(".")[2]
    public = second + name[-3:]
    return public if second in _GOVERNMENT and public not in _OTHERWISE_USED else None
