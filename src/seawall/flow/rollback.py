"""Automatic rollback: blocks that nobody here decided end by themselves when they hurt.

Two signs, both read from the lake, neither of them from the peer who named the value:

1. **our own hosts try to reach it**: at least ``CALM_TRIERS`` of them within the last hour, none with an alarm. Ten
   machines with the same unnoticed implant in an hour are rarer than a service that a list names by mistake;
2. **our legitimate traffic fell** after blocks came into force: sessions that our hosts begin, by five minutes, against
   the two hours before (``protect/traffic_drop.py`` states the false-alarm rate). Sessions with the blocked values
   themselves are left out, else the end of an attack would look like harm; so are intervals without telemetry.

What is rolled back is watched again until a person decides; ``forget_canary`` undoes the rollback. What people put in
force themselves stays: they are told, and decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seawall.flow.context import WHOLE_NODE
from seawall.flow.met_lately import met_lately, most_calm
from seawall.flow.node import Node
from seawall.flow.orders import orders_for
from seawall.flow.trials import Found, keep_trial
from seawall.ledger import EventKind, LedgerEvent
from seawall.messages import mark
from seawall.model import Observable, ObservableType
from seawall.model.order import Booked, Lane, OrderState
from seawall.protect.lanes import Trial
from seawall.protect.networks import address_number
from seawall.protect.radius import DAY
from seawall.protect.traffic_drop import Drop, compare, seasonal

if TYPE_CHECKING:
    from seawall.lake import LakeSession

HOUR, BIN = DAY // 24, 300_000_000  # microseconds
CALM_TRIERS = 10
AFTER_BINS, BEFORE_BINS = 3, 24
EARLIER_DAYS = 7
MOST = 50_000  # blocks looked at in one run
PAGE = 1_000
AUTOMATIC = (Lane.FAST, Lane.CANARY, Lane.OWN)
ACTOR = "rollback"
EVERY_SECONDS = 900
"""Between two runs of the job: a block is young for an hour, so it is tested four times at most."""


def watch_blocks(node: Node) -> str:
    """The job: look for both signs; how many blocks were taken back."""
    if not (node.settings.protect.rollback and node.settings.lake.store_telemetry):
        return "not watched"
    blocks = young_blocks(node, DAY)
    if not blocks:
        return "no young block"
    tried = _tried(node, blocks)
    fell = _fallen(node, [item for item in blocks if node.clock() - item.since <= HOUR and _value(item) not in tried])
    taken = tried | fell
    for item in blocks:
        if (found := taken.get(_value(item))) is not None:
            _tell(node, item, found)
            keep_trial(node, [_value(item)], found)
    orders_for(node, list(taken))
    return f"{len(taken)} of {len(blocks)} young blocks taken back"


def young_blocks(node: Node, age: int) -> list[Booked]:
    """Blocks that no person decided and that came into force within ``age`` microseconds."""
    found: list[Booked] = []
    after: int | None = 0
    now = node.clock()
    while after is not None and len(found) < MOST:
        page, after = node.store.orders.page(WHOLE_NODE, after, PAGE, states=(OrderState.ACTIVE.value,))
        found += [
            item
            for item in page
            if item.order.lane in AUTOMATIC and item.order.action.hinders and now - item.since <= age
        ]
    return found[:MOST]


def _tried(node: Node, blocks: Sequence[Booked]) -> dict[Observable, Found]:
    """The first sign: blocked values that many calm hosts of ours try to reach."""
    found: dict[Observable, Found] = {}
    now = node.clock()
    with met_lately(node, now - HOUR, blocked_is_alarm=False) as met:
        for item in blocks:
            _, calm, _ = most_calm(met.of(_value(item)))
            if calm >= CALM_TRIERS:
                text = mark("{hosts} of our hosts tried to reach it within an hour and none raised an alarm.")
                found[_value(item)] = Found(Trial.ROLLED_BACK, now, text, {"hosts": str(calm)})
    return found


def _fallen(node: Node, blocks: Sequence[Booked]) -> dict[Observable, Found]:
    """The second sign: a fall of all legitimate traffic after these blocks came into force."""
    now = node.clock()
    ripe = [item for item in blocks if now - item.since >= (AFTER_BINS + 1) * BIN]
    if not ripe:
        return {}
    began = min(item.since for item in ripe)
    with node.lake.reading() as session:
        drop = traffic_drop(session, began, now, [_value(item) for item in ripe])
    if not drop.dropped or drop.fall is None:
        return {}
    text = mark("Our legitimate traffic fell by {percent} % after it was blocked ({after} intervals against {before}).")
    values = {"percent": f"{drop.fall * 100:.0f}", "after": str(drop.after), "before": str(drop.before)}
    return {_value(item): Found(Trial.ROLLED_BACK, now, text, values) for item in ripe}


def traffic_drop(session: LakeSession, began: int, now: int, values: Sequence[Observable]) -> Drop:
    """Whether sessions that our hosts begin fell after ``began`` (microseconds UTC), the ``values`` left out."""
    first_after = -(-began // BIN)  # the bin in which the block fell counts on neither side
    after = range(max(first_after, now // BIN - AFTER_BINS), now // BIN)
    before = range(began // BIN - BEFORE_BINS, began // BIN)
    bins = [*before, *after]
    counts = _counts(session, before.start * BIN, now, values)
    told = [place for place in bins if place in counts]
    day = DAY // BIN
    earlier: list[list[float | None]] = []
    for back in range(1, EARLIER_DAYS + 1):
        then = _counts(session, before.start * BIN - back * DAY, now - back * DAY, values)
        earlier.append([then.get(place - back * day) for place in told])
    adjusted = seasonal([counts[place] for place in told], earlier)
    split = sum(place < began // BIN for place in told)
    return compare(adjusted[:split], adjusted[split:])


def _counts(session: LakeSession, since: int, until: int, values: Sequence[Observable]) -> dict[int, float]:
    """Sessions without alarm that our hosts began, by interval; intervals without any telemetry are left out."""
    import pyarrow as pa

    days = [day for day in range(since // DAY, until // DAY + 1) if day in session.days()]
    if not days:
        return {}
    session.register("rollback_left_out", pa.table({"value": pa.array([one.value for one in values], pa.string())}))
    session.register("rollback_left_lows", pa.table({"low": pa.array(_lows(values), pa.int64())}))
    begun = (
        "basis NOT IN ('alert', 'honeypot', 'blocked') AND ((own_end = 'source' AND coalesce(client_end, 'source') <> "
        "'destination') OR (own_end = 'destination' AND client_end = 'destination'))"
    )
    remote = "coalesce(CASE WHEN own_end = 'source' THEN dst_low ELSE src_low END, 0)"
    rows = session.sql(
        f"SELECT time // {BIN} AS bin, count(*) FILTER ({begun} AND coalesce(domain, '') NOT IN "
        f"(SELECT value FROM rollback_left_out) AND {remote} NOT IN (SELECT low FROM rollback_left_lows)) AS sessions "
        f"FROM {session.observations(days=days)} AS o WHERE time >= {int(since)} AND time < {int(until)} GROUP BY bin"
    )
    return dict(zip(rows["bin"].to_pylist(), map(float, rows["sessions"].to_pylist()), strict=True))


def _lows(values: Sequence[Observable]) -> list[int]:
    """The low halves of the addresses, as the lake keeps them: they tell one from another well enough here."""
    singles = [one.value for one in values if one.type in (ObservableType.IPV4, ObservableType.IPV6)]
    return [int.from_bytes(address_number(text).to_bytes(16)[8:], signed=True) for text in singles]


def _tell(node: Node, item: Booked, found: Found) -> None:
    """On the ledger before it takes effect."""
    details: dict[str, str | int | list[str]] = {
        "type": item.order.type.value,
        "value": item.order.value,
        **found.values,
    }
    node.ledger.record_event(LedgerEvent(EventKind.ROLLED_BACK, node.clock(), ACTOR, item.order.undo_id, details))


def _value(item: Booked) -> Observable:
    return Observable(item.order.type, item.order.value)
