"""From the rows that campaigns left to the truth about each value."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from seawall.flow.simulator.campaigns import Campaign
from seawall.flow.simulator.eve import Writer
from seawall.flow.simulator.own import SIDES, Ground
from seawall.flow.simulator.rows import ALERTS, HOLDS_FILE, NAMES_HOST, NAMES_QUERY, NAMES_SERVER, Kind, Rows
from seawall.flow.simulator.truth import (
    FINDABLE_TYPES,
    FORMAT,
    CampaignTruth,
    SideTruth,
    Trap,
    Truth,
    ValueTruth,
)
from seawall.flow.simulator.world import World
from seawall.model import ObservableType, rfc3339

Key = tuple[ObservableType, str]


def canonical_address(text: str) -> Key:
    """Type and short spelling of an address that Suricata writes in full."""
    address = ipaddress.ip_address(text)
    return (ObservableType.IPV6 if address.version == 6 else ObservableType.IPV4), str(address)


def url_of(host: str, path: str) -> str:
    """The address of a page without its query, as candidates name it."""
    return f"http://{host}{path.partition('?')[0]}"


@dataclass
class _Seen:
    times: list[int] = field(default_factory=list)
    hostile: int = 0
    sectors: list[str] = field(default_factory=list)


class Recorder:
    """Collects what each campaign showed of itself, value by value and side by side."""

    def __init__(self, ground: Ground, world: World, writer: Writer) -> None:
        self._ground, self._world, self._writer = ground, world, writer
        self._values: dict[Key, dict[str, dict[str, _Seen]]] = {}  # value -> campaign -> side
        self._campaigns: list[CampaignTruth] = []
        pools = world.pools
        self._common_names = set(pools["cdn_names"].tolist()) | set(pools["own_names"].tolist())
        self._common_addresses = set(pools["cdn_addresses"].tolist())
        self._own_addresses = sum(1 for _ in ground.addresses())

    def add(self, campaign: Campaign, rows: Rows) -> None:
        """Record all lines of one campaign."""
        columns = zip(*(getattr(rows, name).tolist() for name in ("time", "sensor", "kind")), strict=True)
        for place, (time, number, kind) in sorted(enumerate(columns), key=lambda item: item[1][0]):
            sensor = self._ground.sensors[number]
            for key in self._shown(rows, place, Kind(kind)):
                seen = self._values.setdefault(key, {}).setdefault(campaign.id, {}).setdefault(sensor.side, _Seen())
                seen.times.append(time)
                seen.hostile += kind in ALERTS
                if sensor.sector not in seen.sectors:
                    seen.sectors.append(sensor.sector)
        sectors = {
            side: tuple(self._ground.sensors[n].sector for n in campaign.targets[side]) for side in campaign.sides
        }
        detected = tuple(side for side in campaign.sides if campaign.detected[side])
        self._campaigns.append(
            CampaignTruth(
                campaign.id, campaign.kind, campaign.sides, campaign.delay_seconds, len(rows), detected, sectors
            )
        )

    def _shown(self, rows: Rows, place: int, kind: Kind) -> Iterator[Key]:
        """The campaign's own values in one line: nothing of the victim's, nothing of a delivery network's."""
        tables = self._world.tables
        for address in (int(rows.client[place]), int(rows.server[place])):
            if address >= self._own_addresses and address not in self._common_addresses:
                yield canonical_address(tables.addresses[address])
        site = int(rows.site[place])
        host = tables.names[site] if site >= 0 else ""
        own_name = site >= 0 and site not in self._common_names
        if own_name and kind in NAMES_HOST | NAMES_SERVER | NAMES_QUERY:
            yield ObservableType.DOMAIN, host
            yield ObservableType.DOMAIN, host.partition(".")[2]
        if own_name and kind in (Kind.SMTP, Kind.ALERT_SMTP):
            yield ObservableType.EMAIL, f"office@{host}"
        if own_name and kind in NAMES_SERVER:
            yield ObservableType.CERTIFICATE, self._writer.fingerprints[site].replace(":", "")
            yield ObservableType.JA3, tables.ja3[int(rows.ja3[place])]
        if kind in HOLDS_FILE:
            yield ObservableType.SHA256, tables.files[int(rows.file[place])]
        if kind in NAMES_HOST and rows.file[place] >= 0:
            yield ObservableType.URL, url_of(host, tables.paths[int(rows.path[place])])

    def truth(self, campaigns: list[Campaign], traps: list[Trap], **about: object) -> Truth:
        """The finished record."""
        recycled = {
            canonical_address(self._world.tables.addresses[address]): "recycled-address"
            for campaign in campaigns
            for address in campaign.recycled
        }
        values, more = [], []
        for key, by_campaign in sorted(self._values.items()):
            adversity = recycled.get(key) or ("two-tenants" if len(by_campaign) > 1 else "")
            if adversity:
                more.append(Trap(*key, adversity))
                continue
            ((campaign, by_side),) = by_campaign.items()
            values.append(_value(key, campaign, by_side))
        return Truth(
            format=FORMAT,
            sides=SIDES,
            values=tuple(values),
            traps=(*more, *traps),
            campaigns=tuple(self._campaigns),
            **about,  # type: ignore[arg-type]
        )


def _value(key: Key, campaign: str, by_side: dict[str, _Seen]) -> ValueTruth:
    true = len(by_side) == len(SIDES)
    hostile = any(seen.hostile for seen in by_side.values())
    parent = key[0] == ObservableType.DOMAIN and key[1].count(".") == 1
    findable = true and hostile and key[0] in FINDABLE_TYPES and not parent
    if not true:
        note = "one side only"
    elif not hostile:
        note = "no signature saw it"
    elif parent:
        note = "parent of a name that is listed"
    else:
        note = "" if findable else "names software or a sender, not infrastructure"
    sides = {
        side: SideTruth(
            rfc3339(min(seen.times)), rfc3339(max(seen.times)), len(seen.times), seen.hostile, tuple(seen.sectors)
        )
        for side, seen in sorted(by_side.items())
    }
    return ValueTruth(key[0], key[1], campaign, true, findable, sides, note)
