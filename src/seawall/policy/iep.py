"""FIRST Information Exchange Policy 2.0, read on the strict side: what cannot be understood permits nothing.

Comes in: the statements of a policy, from the extension of a marking-definition (OASIS draft of December 2022) or from
MISP's ``iep2-policy`` tags. A statement that is left out says nothing; one with a value that the framework does not
know is ``unclear``, and what carries it is withheld. Outside its dates a policy's limits stay and its permissions end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from seawall.model import Fault, Pap, Tlp, to_microseconds
from seawall.model.moments import parse_moment
from seawall.policy.statements import Bound

MAX_UNCLEAR = 8  # sentences about one policy; a person needs the first
_TLP = {"white": Tlp.CLEAR, "clear": Tlp.CLEAR, "green": Tlp.GREEN, "amber": Tlp.AMBER, "red": Tlp.RED}
_ACTIONS = {
    "none": Pap.RED,
    "contact-for-instruction": Pap.RED,
    "internally-visible-actions": Pap.RED,
    "externally-visible-indirect-actions": Pap.AMBER,
    "externally-visible-direct-actions": Pap.GREEN,
}
"""permitted_actions, each to the loosest PAP that permits no more."""
_BINDING: dict[str, tuple[str, Bound]] = {
    "encrypt_in_transit": ("must", Bound.ENCRYPT),
    "affected_party_notifications": ("must-not", Bound.NO_NOTIFICATION),
    "unmodified_resale": ("must-not", Bound.NO_RESALE),
}
_VERSIONS = frozenset({"2", "2.0"})
_SILENT = frozenset(
    {"extension_type", "iep_id", "id", "name", "description", "external_references", "external_reference", "url"}
)
"""Statements that bind nobody."""
_LABEL = re.compile(r"iep2-policy:(?P<name>[a-z_-]+)=\"?(?P<value>[^\"]*)\"?", re.IGNORECASE)


class Iep(msgspec.Struct, frozen=True):
    """What a policy says. Moments in microseconds UTC; ``begins`` 0 and ``ends`` None: no such date."""

    tlp: Tlp | None = None
    pap: Pap = Pap.CLEAR
    named: bool = True
    bounds: frozenset[Bound] = frozenset()
    begins: int = 0
    ends: int | None = None
    unclear: frozenset[str] = frozenset()


def read_iep(policy: Mapping[str, Any]) -> Iep:
    """The statements of one policy, whatever they hold. Never raises."""
    said = join_policies(_statement(_spelled(name), value) for name, value in policy.items())
    return msgspec.structs.replace(said, unclear=frozenset(sorted(said.unclear)[:MAX_UNCLEAR]))


def join_policies(policies: Iterable[Iep]) -> Iep:
    """What binds a reader who is under all of these: of each statement the stricter."""
    given = list(policies)
    return Iep(
        tlp=max((item.tlp for item in given if item.tlp is not None), default=None),
        pap=max((item.pap for item in given), default=Pap.CLEAR),
        named=all(item.named for item in given),
        bounds=frozenset().union(*(item.bounds for item in given)),
        begins=max((item.begins for item in given), default=0),
        ends=min((item.ends for item in given if item.ends is not None), default=None),
        unclear=frozenset().union(*(item.unclear for item in given)),
    )


def iep_of_labels(labels: Iterable[str]) -> Iep | None:
    """The policy that MISP's tags spell on one object; None when no label speaks of one.

    A reference to a policy that is kept elsewhere is unclear: nothing is fetched.
    """
    said: list[Iep] = []
    for label in labels:
        if (found := _LABEL.fullmatch(label.strip())) is not None:
            said.append(_statement(_spelled(found["name"]), found["value"]))
        elif label.strip().lower().startswith(("iep2-reference:", "iep2-policy:")):
            said.append(_unclear(f"the label {label[:80]!a} cannot be read as a policy that is at hand"))
    return join_policies(said) if said else None


def _spelled(name: object) -> str:
    return str(name).strip().lower().replace("-", "_")


def _statement(name: str, value: object) -> Iep:
    if name in _SILENT or (name == "end_date" and value is None):
        return Iep()
    if name in ("start_date", "end_date"):
        return _date(name, value)
    text = str(value).strip().lower() if isinstance(value, (str, int, float)) else ""
    if name == "iep_version" and text in _VERSIONS:
        return Iep()
    if name == "encrypt_at_rest" and text == "may":  # of IEP 1.0; nobody can promise "must" for another's disks
        return Iep()
    if name == "tlp" and (level := _TLP.get(text.removeprefix("tlp:"))) is not None:
        return Iep(tlp=level)
    if name == "permitted_actions" and text in _ACTIONS:
        return Iep(pap=_ACTIONS[text])
    if name in ("provider_attribution", "attribution") and text in ("may", "must", "must-not"):
        bounds = frozenset({Bound.NAME_PROVIDER}) if text == "must" else frozenset[Bound]()
        return Iep(named=text != "must-not", bounds=bounds)
    if name in _BINDING and text in ("may", _BINDING[name][0]):
        return Iep(bounds=frozenset({_BINDING[name][1]}) if text != "may" else frozenset())
    return _unclear(f"an information exchange policy states {name[:40]!a} as {str(value)[:40]!a}")


def _date(name: str, value: object) -> Iep:
    try:
        moment = to_microseconds(parse_moment(str(value)))
    except (Fault, ValueError, OverflowError):
        return _unclear(f"an information exchange policy states {name!a} as {str(value)[:40]!a}")
    return Iep(begins=moment) if name == "start_date" else Iep(ends=moment)


def _unclear(sentence: str) -> Iep:
    return Iep(unclear=frozenset({sentence}))
