"""Warninglists: values that look alarming and are not. Read from the MISP format, matched as MISP does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from seawall.model import Observable, ObservableType
from seawall.reference.networks import NetworkMap, halves, host_of, parents, parse_address, parse_network
from seawall.reference.suffixes import is_public_suffix
from seawall.reference.tables import write_whole
from seawall.reference.warninglist_file import FALSE_POSITIVE, Warninglist, file_name, read_list

PACKAGED = Path(__file__).parent / "data" / "warninglists"
FOLDER_NAME = "warninglists"
PUBLIC_SUFFIX = "Public suffixes"  # the name hit() gives for names below which strangers register
MAX_MATCHED_CHARACTERS = 4096  # of a value given to substring and regular-expression lists


class Warninglists:
    """The lists of one node, ready to be asked."""

    def __init__(self, lists: Iterable[Warninglist]) -> None:
        self.lists = tuple(lists)
        self._networks: NetworkMap[list[Warninglist]] = NetworkMap()
        self._exact: dict[str, list[Warninglist]] = {}
        self._names: dict[str, list[Warninglist]] = {}
        self._parts = [each for each in self.lists if each.type in ("substring", "regex")]
        for each in self.lists:
            self._add(each)

    @classmethod
    def packaged(cls) -> Self:
        """The lists that came with this version."""
        return cls(read_list(path) for path in sorted(PACKAGED.glob("*.json")))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The packaged lists and those imported into a node's folder; an imported one replaces its namesake.

        Raises Fault E-REFERENCE-030 when an imported file is damaged.
        """
        found = {each.name: each for each in cls.packaged().lists}
        for path in sorted((folder / FOLDER_NAME).glob("*.json")):
            imported = read_list(path)
            found[imported.name] = imported
        return cls(found.values())

    @staticmethod
    def import_list(path: Path, folder: Path) -> Warninglist:
        """Check a MISP warninglist file and keep it in a node's folder, replacing an older one of the same name.

        Raises Fault E-REFERENCE-001 when it cannot be read, E-REFERENCE-030 when it is no warninglist.
        """
        found = read_list(path)
        write_whole(folder / FOLDER_NAME / file_name(found.name), path.read_bytes())
        return found

    def hit(self, observable: Observable, *, category: str | None = FALSE_POSITIVE) -> str | None:
        """The name of a list that holds the value; None when there is none.

        Counts lists of false positives; ``category="known"`` asks for those that only name what a value is, None for
        all. A URL is judged by its host as well, a range by any address it shares, a mail address by its domain.
        """
        found = next((each for each in self._holding(observable) if category in (None, each.category)), None)
        if found is not None:
            return found.name
        guard = observable.type is ObservableType.DOMAIN and category in (None, FALSE_POSITIVE)
        return PUBLIC_SUFFIX if guard and is_public_suffix(observable.value) else None

    def arrow_tables(self) -> dict[str, pa.Table]:
        """All lists but substrings and expressions, for joins.

        ``networks``: high, low (signed 64-bit, IPv4 mapped), prefix (of 128 bits), list, category: for addresses.
        ``values``: type, value (lower case), list, category: equality. ``names``: type, value, list, category: the
        name itself and every name below; for a URL, its host.
        """
        networks = [(*halves(network), each) for network, lists in self._networks for each in lists]
        return {
            "networks": pa.table(
                {
                    "high": pa.array([row[0] for row in networks], pa.int64()),
                    "low": pa.array([row[1] for row in networks], pa.int64()),
                    "prefix": pa.array([row[2] for row in networks], pa.int32()),
                    "list": pa.array([row[3].name for row in networks], pa.string()),
                    "category": pa.array([row[3].category for row in networks], pa.string()),
                }
            ),
            "values": _value_table(self._exact),
            "names": _value_table(self._names),
        }

    def _add(self, each: Warninglist) -> None:
        for entry in each.entries:
            if each.type == "cidr":
                network = parse_network(entry)
                if network is not None:
                    self._networks.setdefault(network, []).append(each)
            elif each.type == "hostname" or (each.type == "string" and entry.startswith(".")):
                # a leading dot means "and below" also where the list says string (Google's own domains)
                self._names.setdefault(entry.strip("."), []).append(each)
            elif each.type == "string":
                self._exact.setdefault(entry, []).append(each)

    def _holding(self, observable: Observable) -> Iterable[Warninglist]:
        type, value = observable.type, observable.value.lower()
        yield from (each for each in self._exact.get(value, ()) if type in each.applies_to)
        match type:
            case ObservableType.IPV4 | ObservableType.IPV6:
                yield from self._around(value, type)
            case ObservableType.CIDR:
                network = parse_network(value)
                if network is not None:
                    touching = self._networks.touching(network)
                    yield from (each for lists in touching for each in lists if type in each.applies_to)
            case ObservableType.DOMAIN:
                yield from self._above(value, type)
            case ObservableType.URL:
                host = host_of(value) or ""
                yield from self._around(host, ObservableType.IPV4)
                yield from self._above(host, type)
            case ObservableType.EMAIL:
                yield from self._above(value.rpartition("@")[2], type)
        yield from (each for each in self._parts if type in each.applies_to and _in_parts(each, value))

    def _around(self, host: str, type: ObservableType) -> Iterable[Warninglist]:
        address = parse_address(host)
        if address is not None:
            around = self._networks.around(address)
            yield from (each for lists in around for each in lists if type in each.applies_to)

    def _above(self, name: str, type: ObservableType) -> Iterable[Warninglist]:
        for above in parents(name):
            yield from (each for each in self._names.get(above, ()) if type in each.applies_to)


def _in_parts(each: Warninglist, value: str) -> bool:
    """Substrings and expressions. Arrow's engine (RE2) takes linear time whatever an expression says."""
    value = value[:MAX_MATCHED_CHARACTERS]
    if each.type == "substring":
        return any(entry in value for entry in each.entries)
    cell = pa.array([value])
    return any(pc.match_substring_regex(cell, pattern=entry)[0].as_py() for entry in each.entries)


def _value_table(held: dict[str, list[Warninglist]]) -> pa.Table:
    rows = [
        (type.value, value, each.name, each.category)
        for value, lists in held.items()
        for each in lists
        for type in sorted(each.applies_to)
    ]
    columns = zip(*rows, strict=True) if rows else [()] * 4
    names = ("type", "value", "list", "category")
    return pa.table({name: pa.array(list(cells), pa.string()) for name, cells in zip(names, columns, strict=True)})
