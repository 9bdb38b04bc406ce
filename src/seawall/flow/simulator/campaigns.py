"""The attackers: who goes after whom, when, with what, and where signatures exist to notice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from seawall.flow.simulator.own import SIDES, Ground
from seawall.flow.simulator.parameters import KIND_SHARES, Parameters
from seawall.flow.simulator.words import hexadecimal, words
from seawall.flow.simulator.world import World

SECOND = 1_000_000  # microseconds
HOUR = 3_600 * SECOND
RIGS_MOST = 4
NEEDS_INFRASTRUCTURE = ("web-exploitation", "phishing", "c2-beacon")


@dataclass(frozen=True)
class Rig:
    """One set of attacker's means; numbers are rows of the world's tables. ``shared``: the download lies on a CDN."""

    attacker: int
    domain: int
    server: int
    path: int
    file: int
    ja3: int
    shared: bool


@dataclass(frozen=True)
class Campaign:
    """One actor's work of the day. ``sides`` in order of attack; ``starts`` in microseconds UTC."""

    id: str
    kind: str
    sides: tuple[str, ...]
    starts: dict[str, int]
    targets: dict[str, tuple[int, ...]]  # sensors
    detected: dict[str, bool]  # a signature exists there
    rigs: dict[str, tuple[Rig, ...]]
    rows: int  # budget of events
    recycled: tuple[int, ...] = field(default=())  # addresses given back and rented by an innocent site

    @property
    def delay_seconds(self) -> float | None:
        """From the first side's first event to the second's."""
        if len(self.sides) < 2:
            return None
        return (self.starts[self.sides[1]] - self.starts[self.sides[0]]) / SECOND


def plan(parameters: Parameters, ground: Ground, world: World, seed: int, events: int, begins: int) -> list[Campaign]:
    """The day's campaigns within ``hostile_share`` of ``events``; the day starts at ``begins``."""
    rng = np.random.default_rng([seed, 2])
    budget = int(events * parameters.hostile_share)
    count = min(parameters.campaigns_most, budget // parameters.campaign_rows)
    if count == 0:
        return []
    kinds = _kinds(rng, count)
    one_sided = _one_sided(parameters, kinds)
    campaigns = []
    for number, kind in enumerate(kinds):
        rows = budget * (number + 1) // count - budget * number // count
        alone = SIDES[one_sided.index(number) % 2] if number in one_sided else None
        campaigns.append(_campaign(parameters, ground, world, rng, f"C{number + 1:02d}", kind, alone, rows, begins))
    _share_servers(parameters, campaigns, one_sided)
    _recycle(parameters, campaigns, one_sided)
    return campaigns


def _kinds(rng: np.random.Generator, count: int) -> list[str]:
    """Kinds in their shares (largest remainder), shuffled."""
    exact = [(kind, share * count) for kind, share in KIND_SHARES]
    whole = {kind: int(amount) for kind, amount in exact}
    for kind, _ in sorted(exact, key=lambda item: int(item[1]) - item[1])[: count - sum(whole.values())]:
        whole[kind] += 1
    kinds = [kind for kind, amount in whole.items() for _ in range(amount)]
    return [kinds[place] for place in rng.permutation(count)]


def _one_sided(parameters: Parameters, kinds: list[str]) -> list[int]:
    """Which campaigns stay on one side: of kinds that rent servers, so that some servers can change hands."""
    wanted = round(parameters.one_sided * len(kinds))
    return [number for number, kind in enumerate(kinds) if kind in NEEDS_INFRASTRUCTURE][:wanted]


def _campaign(
    parameters: Parameters,
    ground: Ground,
    world: World,
    rng: np.random.Generator,
    name: str,
    kind: str,
    alone: str | None,
    rows: int,
    begins: int,
) -> Campaign:
    order: tuple[str, ...] = (alone,) if alone else (SIDES if rng.random() < 0.55 else SIDES[::-1])
    first = begins + int(rng.uniform(0.5, 10.0) * HOUR)
    starts = {order[0]: first}
    if not alone:
        starts[order[1]] = first + int(_delay_seconds(parameters, rng) * SECOND)
    targets = {}
    for side in order:
        sensors = [sensor.number for sensor in ground.of(side)]
        targets[side] = tuple(int(pick) for pick in rng.choice(sensors, int(rng.integers(1, 4)), replace=False))
    count = int(np.clip(rows // 14, 1, RIGS_MOST))
    rigs = [_rig(parameters, world, rng, kind, shareable=alone is None) for _ in range(count)]
    by_side = {order[0]: tuple(rigs)}
    if not alone:
        by_side[order[1]] = tuple(_moved(parameters, world, rng, kind, rig) for rig in rigs)
    return Campaign(name, kind, order, starts, targets, _detection(parameters, rng, order), by_side, rows)


def _delay_seconds(parameters: Parameters, rng: np.random.Generator) -> float:
    draw = rng.random()
    if draw < parameters.delay_seconds_share:
        return float(rng.uniform(5, 60))
    if draw < parameters.delay_seconds_share + parameters.delay_minutes_share:
        return float(rng.uniform(180, 1_800))
    return float(rng.uniform(3_600, 36_000))


def _detection(parameters: Parameters, rng: np.random.Generator, order: tuple[str, ...]) -> dict[str, bool]:
    draw = rng.random()
    both = parameters.detected_both
    first = both + parameters.detected_first
    second = first + parameters.detected_second
    if len(order) == 1:
        return {order[0]: draw < first}
    return {order[0]: draw < first, order[1]: draw < both or first <= draw < second}


def _rig(parameters: Parameters, world: World, rng: np.random.Generator, kind: str, shareable: bool) -> Rig:
    """Fresh means of attack; a download may lie on a delivery network that everybody uses."""
    tables, shared = world.tables, False
    a, b = words(rng, 2)
    head = ("login", "cdn", "sync", "mail")[int(rng.integers(0, 4))]
    domain = tables.add("names", f"{head}.{a}{b}.test")
    server = world.fresh_address(rng, ipv6=bool(rng.random() < parameters.ipv6))
    if shareable and kind in ("phishing", "web-exploitation") and rng.random() < parameters.on_shared_hosting:
        shared, network = True, int(rng.integers(0, parameters.cdns))
        domain = int(world.pools["cdn_names"][network])
        server = int(world.pools["cdn_addresses"][network * parameters.cdn_addresses])
    return Rig(
        attacker=world.fresh_address(rng),
        domain=domain,
        server=server,
        path=tables.add("paths", f"/{words(rng, 1)[0]}/{words(rng, 1)[0]}.{'zip' if kind == 'phishing' else 'sh'}"),
        file=tables.add("files", hexadecimal(rng, 1, 32)[0]),
        ja3=tables.add("ja3", hexadecimal(rng, 1, 16)[0]),
        shared=shared,
    )


def _moved(parameters: Parameters, world: World, rng: np.random.Generator, kind: str, rig: Rig) -> Rig:
    """The rig as used against the second side: each part kept or replaced by a new one."""
    fresh = _rig(parameters, world, rng, kind, shareable=False)
    parts = {"attacker": fresh.attacker, "file": fresh.file, "path": fresh.path, "ja3": fresh.ja3}
    if not rig.shared:
        parts |= {"domain": fresh.domain, "server": fresh.server}
    changed = {part: value for part, value in parts.items() if rng.random() >= parameters.second_side_reuse}
    return replace(rig, **changed)  # type: ignore[arg-type]


def _share_servers(parameters: Parameters, campaigns: list[Campaign], one_sided: list[int]) -> None:
    """Two tenants: a server of a one-sided campaign here is also rented by an unrelated one there."""
    pairs = zip(one_sided[0::2], one_sided[1::2], strict=False)
    wanted = max(1, round(parameters.two_tenants * len(campaigns)))
    for here, there in list(pairs)[:wanted]:
        server = campaigns[here].rigs[campaigns[here].sides[0]][0].server
        side = campaigns[there].sides[0]
        first, *others = campaigns[there].rigs[side]
        rigs = {side: (replace(first, server=server), *others)}
        campaigns[there] = replace(campaigns[there], rigs=rigs)


def _recycle(parameters: Parameters, campaigns: list[Campaign], one_sided: list[int]) -> None:
    """The last server of some one-sided campaigns is given back and rented by an innocent site."""
    for number in one_sided[: max(1, round(parameters.recycled * len(campaigns)))]:
        campaign = campaigns[number]
        rigs = campaign.rigs[campaign.sides[0]]
        if len(rigs) > 1:
            campaigns[number] = replace(campaign, recycled=(rigs[-1].server,))
