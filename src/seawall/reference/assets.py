"""Own assets: what is ours, so that it is never named as an attacker, blocked, or told to anybody."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import idna
import msgspec
import pyarrow as pa

from seawall.model import Fault, Observable, ObservableType
from seawall.model.unreadable import UNREADABLE
from seawall.reference.networks import Network, NetworkMap, halves, host_of, parents, parse_address, parse_network
from seawall.reference.organisations import names_in, normal
from seawall.reference.tables import read_bytes, rows, unreadable, write_whole

FILE_NAME = "assets.json"
ASSET_COLUMNS = ("asset", "cidr", "domain", "network", "value")  # spellings of the column that names the asset

ALWAYS_OWN = (  # whoever runs the node
    "10.0.0.0/8",  # RFC 1918
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",  # RFC 1122 loopback
    "169.254.0.0/16",  # RFC 3927 link-local
    "::1/128",  # RFC 4291 loopback
    "fe80::/10",  # RFC 4291 link-local
    "fc00::/7",  # RFC 4193 unique local
)


class Asset(msgspec.Struct, frozen=True):
    """One range or domain of ours or of an organisation that we protect."""

    value: str  # a CIDR, or a domain that stands for all names below it as well
    organisation: str = ""  # one name or several: TSMC|台積電
    sector: str = "unknown"
    criticality: str = ""


class OwnAssets:
    """Everything that is ours. Private, loopback and link-local ranges always are."""

    def __init__(self, assets: Iterable[Asset] = ()) -> None:
        self._assets: tuple[Asset, ...] = tuple(assets)
        self._networks: NetworkMap[Asset] = NetworkMap()
        self._domains: dict[str, Asset] = {}
        for asset in self._assets:
            network = parse_network(asset.value)
            if network is not None:
                self._networks.setdefault(network, asset)
            else:
                self._domains.setdefault(asset.value, asset)
        for text in ALWAYS_OWN:
            self._networks.setdefault(ipaddress.ip_network(text), Asset(text))

    @classmethod
    def from_csv(cls, path: Path) -> Self:
        """Read a column ``asset`` (or ``cidr``, ``domain``), and ``organisation``, ``sector``, ``criticality``.

        Raises Fault E-REFERENCE-001 to -003 for a file that cannot be used, E-REFERENCE-020 for what is neither a
        CIDR nor a domain, E-REFERENCE-021 for an asset named twice (both lines are told).
        """
        seen: dict[str, int] = {}
        assets = []
        for line, row in rows(path, [ASSET_COLUMNS]):
            text = next((row[name] for name in ASSET_COLUMNS if row.get(name)), "")
            value = _canonical(text)
            if value is None:
                raise Fault(
                    "E-REFERENCE-020",
                    "{path}, line {line}: {given} is neither a range of addresses nor a domain.",
                    path=path.name,
                    line=line,
                    given=ascii(text[:80]),
                )
            if value in seen:
                raise Fault(
                    "E-REFERENCE-021",
                    "{path}, line {line}: {asset} is named in line {first} already; keep one of them.",
                    path=path.name,
                    line=line,
                    asset=value,
                    first=seen[value],
                )
            seen[value] = line
            organisation = row.get("organisation") or row.get("organization") or ""
            assets.append(Asset(value, organisation, row.get("sector") or "unknown", row.get("criticality", "")))
        return cls(assets)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What ``save`` kept in a folder; only the ranges that are always own without. Raises Fault E-REFERENCE-001."""
        path = folder / FILE_NAME
        if not path.exists():
            return cls()
        try:
            return cls(msgspec.json.decode(read_bytes(path), type=list[Asset]))
        except UNREADABLE:
            raise unreadable(path, "it is damaged; import the assets again") from None

    def save(self, folder: Path) -> None:
        """Keep the assets in a folder, replacing those before in one step. Raises Fault E-REFERENCE-004."""
        write_whole(folder / FILE_NAME, msgspec.json.format(msgspec.json.encode(self._assets), indent=1) + b"\n")

    def joined(self, later: OwnAssets) -> OwnAssets:
        """Both; where both name an asset, ``later`` holds."""
        return OwnAssets(({asset.value: asset for asset in (*self._assets, *later._assets)}).values())

    @property
    def assets(self) -> tuple[Asset, ...]:
        """What was imported, without the ranges that are always own."""
        return self._assets

    def networks(self) -> tuple[Network, ...]:
        """Our ranges, those that are always own included; ``str`` of each is a CIDR."""
        return tuple(network for network, _ in self._networks)

    def domains(self) -> tuple[str, ...]:
        """Our domains; each stands for every name below it too."""
        return tuple(self._domains)

    def organisations(self) -> tuple[str, ...]:
        """All names of the organisations in the table, sorted."""
        return tuple(sorted({name for asset in self._assets for name in names_in(asset.organisation)}))

    def of_organisation(self, name: str) -> tuple[Asset, ...]:
        """The assets of an organisation, whatever the spelling of its name."""
        wanted = normal(name)
        return tuple(
            asset for asset in self._assets if any(normal(one) == wanted for one in names_in(asset.organisation))
        )

    def is_own(self, observable: Observable) -> bool:
        """True for our addresses, names, URLs and mail addresses, and for ranges that touch ours."""
        return self.asset_of(observable) is not None

    def asset_of(self, observable: Observable) -> Asset | None:
        """The narrowest asset that the value belongs to; None when it is not ours."""
        value = observable.value
        match observable.type:
            case ObservableType.IPV4 | ObservableType.IPV6:
                return self._of_host(value)
            case ObservableType.CIDR:
                network = parse_network(value)
                return None if network is None else next(self._networks.touching(network), None)
            case ObservableType.DOMAIN:
                return self._of_name(value)
            case ObservableType.URL:
                host = host_of(value)
                return None if host is None else self._of_host(host)
            case ObservableType.EMAIL:
                return self._of_name(value.rpartition("@")[2])
            case _:
                return None

    def arrow_table(self) -> pa.Table:
        """Our ranges for joins: high, low (signed 64-bit), prefix (of 128 bits), organisation, sector, criticality."""
        ranges = [(*halves(network), asset) for network, asset in self._networks]
        return pa.table(
            {
                "high": pa.array([row[0] for row in ranges], pa.int64()),
                "low": pa.array([row[1] for row in ranges], pa.int64()),
                "prefix": pa.array([row[2] for row in ranges], pa.int32()),
                "organisation": pa.array([row[3].organisation for row in ranges], pa.string()),
                "sector": pa.array([row[3].sector for row in ranges], pa.string()),
                "criticality": pa.array([row[3].criticality for row in ranges], pa.string()),
            }
        )

    def _of_host(self, host: str) -> Asset | None:
        address = parse_address(host)
        return self._of_name(host) if address is None else next(self._networks.around(address), None)

    def _of_name(self, name: str) -> Asset | None:
        lower = name.lower().rstrip(".")
        return next((self._domains[above] for above in parents(lower) if above in self._domains), None)


def _canonical(text: str) -> str | None:
    """A CIDR with its host bits cleared, or a domain in lower case as an A-label; None for anything else."""
    network = parse_network(text)
    if network is not None:
        return str(network)
    name = text.strip().lower().removeprefix("*.").strip(".")
    try:
        name = name if name.isascii() else idna.encode(name, uts46=True).decode()  # as the codec spells names
    except (idna.IDNAError, UnicodeError):
        return None
    labels = name.split(".")
    good = len(labels) > 1 and all(
        0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum() for label in labels
    )
    return name if good and not labels[-1].isdigit() else None
