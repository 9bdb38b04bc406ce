"""Lists of values as Sigma rules (sigma-specification 2.0): what feeds of rules and of queries share.

A rule holds up to ``MAX_VALUES`` values of one kind and action. Its id is made from kind, action and place in the list,
so that a later export replaces the rule instead of adding one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import msgspec

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.forms import HASH_LENGTHS, line
from seawall.protect.lists import verb
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

MAX_VALUES = 500  # of one rule: asked of two fields, it stays below 1,024 clauses, which Lucene once took at most
_SPACE = uuid.UUID("7d0bb7e5-61a8-5c5c-9f0c-5c3c1f2b7a61")  # name space of our rule ids (RFC 9562, version 5)

Detection = tuple[tuple[str, tuple[str, str], str], ...]
"""(name of the selection, (before, after) each value, field) of each selection; any of them is enough."""

_EXACT, _BELOW = ("", ""), (".", "")
_KINDS: dict[str, tuple[tuple[str, dict[str, str], Detection], ...]] = {
    "domain": (
        ("dns", {"category": "dns"}, (("name", _EXACT, "query"), ("below", _BELOW, "query|endswith"))),
        ("proxy", {"category": "proxy"}, (("host", _EXACT, "cs-host"), ("below", _BELOW, "cs-host|endswith"))),
    ),
    "url": (("proxy", {"category": "proxy"}, (("url", _EXACT, "c-uri"),)),),
    "ip": (("firewall", {"category": "firewall"}, (("to", _EXACT, "dst_ip"), ("from", _EXACT, "src_ip"))),),
    "cidr": (("firewall", {"category": "firewall"}, (("to", _EXACT, "dst_ip|cidr"), ("from", _EXACT, "src_ip|cidr"))),),
    **{
        kind.value: (
            (
                "process",
                {"category": "process_creation", "product": "windows"},
                (("hash", (f"{kind.value.upper()}=", ""), "Hashes|contains"),),
            ),
        )
        for kind in HASH_LENGTHS
    },
    "file_name": (
        ("file", {"category": "file_event", "product": "windows"}, (("file", ("\\", ""), "TargetFilename|endswith"),)),
    ),
}
TYPES = frozenset(
    {
        *(ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.DOMAIN, ObservableType.URL),
        *(*HASH_LENGTHS, ObservableType.FILE_NAME),
    }
)


class Held(msgspec.Struct, frozen=True):
    """One value of a rule to be."""

    value: str
    directive: Directive


class Group(msgspec.Struct, frozen=True):
    """The values of one rule."""

    kind: str
    action: Action
    number: int  # of the group within its kind and action, from 1
    held: tuple[Held, ...]


class Grouping:
    """Collects values until a rule is full."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, Action], list[Held]] = {}
        self._numbers: dict[tuple[str, Action], int] = {}

    def add(self, directive: Directive) -> Objection | Group | None:
        """A full group, an objection, or None while the group still has room."""
        value = line(directive.observable)
        if value is None:
            return objections.FORMAT
        kind = directive.observable.type
        name = "ip" if kind in (ObservableType.IPV4, ObservableType.IPV6) else kind.value
        key = (name, Action(verb(directive.action)))
        held = self._held.setdefault(key, [])
        held.append(Held(value, directive))
        return self._taken(key) if len(held) >= MAX_VALUES else None

    def rest(self) -> Iterator[Group]:
        """What is left, as groups that are not full."""
        for key in sorted(key for key, held in self._held.items() if held):
            yield self._taken(key)

    def _taken(self, key: tuple[str, Action]) -> Group:
        self._numbers[key] = number = self._numbers.get(key, 0) + 1
        return Group(key[0], key[1], number, tuple(self._held.pop(key)))


def rules_of(group: Group, made_at: int) -> Iterator[tuple[str, dict[str, object], dict[str, list[tuple[str, Held]]]]]:
    """For each log source the title, the rule without its values, and the values of each selection with their origin.

    The values are escaped for Sigma, whose wildcards are ``*``, ``?`` and the backslash before them.
    """
    first_end = moment_text(min(one.directive.expires_at for one in group.held))
    for source, logsource, detection in _KINDS[group.kind]:
        title = f"Seawall {verb(group.action)} list: {group.kind} in {source} logs, part {group.number}"
        rule: dict[str, object] = {
            "title": title,
            "id": str(uuid.uuid5(_SPACE, f"{group.kind} {source} {group.action.value} {group.number}")),
            "status": "experimental",
            "description": f"Values that a recorded release permits to {verb(group.action)}; first end {first_end}.",
            "author": "Seawall",
            "date": moment_text(made_at)[:10],
            "logsource": logsource,
            "falsepositives": ["A value that changed hands since it was named"],
            "level": "medium" if group.action is Action.WATCH else "high",
        }
        selections = {
            f"{name} {field}": [(f"{escaped(before)}{_spelt(group.kind, one.value)}{after}", one) for one in group.held]
            for name, (before, after), field in detection
        }
        yield title, rule, selections


def condition_of(names: Sequence[str]) -> str:
    """Any of the selections."""
    return " or ".join(names)


def escaped(value: str) -> str:
    """``*``, ``?`` and backslashes as themselves."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def _spelt(kind: str, value: str) -> str:
    return value.upper() if len(value) >= 32 and kind in {one.value for one in HASH_LENGTHS} else escaped(value)
