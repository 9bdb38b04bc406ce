"""The cost of not talking: the last days replayed over what both sides hold.

Values are taken together by campaign, where one is known; a value in none counts by itself. Of what reached us it is
counted what the other side had met before, how much earlier, what chance alone would show, and of how much we were
told in time. With nothing told in time this is what silence cost; the figure rests on what the other side says.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from seawall.flow.lead_pairs import Gathered, gather_pairs
from seawall.flow.lead_pairs import since as pairs_since
from seawall.flow.node import Node
from seawall.lake import LakeSession
from seawall.model import Actor, rfc3339
from seawall.model.epoch import DAY
from seawall.policy import visibility
from seawall.warn.lead import LEAST_BOTH, PAIR_SCHEMA, LeadOptions, LeadReport, State, analyse, bootstrap_median
from seawall.warn.lead.columns import SECOND, columns
from seawall.warn.lead.measures import said
from seawall.warn.lead.screens import screened

MAX_DAYS = 3_650
SEED = 7


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says. Leads in seconds; moments RFC 3339; None: too little to say it."""

    days: int
    since: str
    until: str
    peers: tuple[str, ...]
    here: str
    one_lake: bool
    state: str
    units: int  # campaigns, and values in none, that reached us and that both met
    campaigns: int  # of these, campaigns
    seen_first_there: int
    share_low: float | None
    share_high: float | None
    median_lead_seconds: float | None  # of those first seen there
    lead_low: float | None
    lead_high: float | None
    expected_by_chance: float | None  # of the units, by the null model
    chance_low: float | None
    chance_high: float | None
    p_there: float | None
    proved_first_there: int
    told_in_time: int
    usable_lead_seconds: float | None
    seen_first_here: int
    only_there: int  # still coming, perhaps
    leads: tuple[float, ...]  # of those first seen there, the longest first, for the drawing
    flags: tuple[str, ...]
    taken_out: dict[str, int]
    seed: int = SEED
    draws: int = 0


def replay(node: Node, *, days: int = 90, peer: str | None = None, actor: Actor | None = None) -> Replay:
    """The last ``days`` (1 to ``MAX_DAYS``). Raises what ``gather_pairs`` does."""
    seen = visibility(actor or node.require("read"))
    gathered = gather_pairs(node, seen, peer)
    days = max(1, min(days, MAX_DAYS))
    now = node.clock()
    # what a lake of last spring tells is replayed up to its own end, not from today's empty weeks
    until = min(now, gathered.until) if gathered.until is not None and gathered.one_lake else now
    begin = until - days * DAY
    pairs = pairs_since(gathered.pairs, begin)
    values = analyse(pairs, LeadOptions(one_lake=gathered.one_lake, until=until))
    with node.lake.reading() as session:
        units = _units(session, pairs)
    report = analyse(units, LeadOptions(one_lake=gathered.one_lake, until=until))
    return _told(gathered, report, values, units, days, begin, until)


def _told(
    gathered: Gathered, report: LeadReport, values: LeadReport, units: pa.Table, days: int, begin: int, until: int
) -> Replay:
    whole = report.whole
    at = columns(units)
    there = said(at)
    first = at.both & (there < at.here)
    leads = np.sort((at.here - there)[first] / SECOND)[::-1]
    interval = bootstrap_median(leads, seed=SEED) if len(leads) >= LEAST_BOTH else None
    enough = whole.state is State.MEASURED and whole.null_share is not None
    decided = whole.first_there + whole.first_here

    def expected(share: float | None) -> float | None:
        return share * decided if enough and share is not None else None

    named: dict[str, Any] = {
        "units": int(at.both.sum()), "campaigns": int((at.both & (at.campaign >= 0)).sum()),
        "seen_first_there": int(first.sum()), "seen_first_here": whole.first_here, "only_there": whole.only_there,
        "share_low": whole.share_low, "share_high": whole.share_high,
        "proved_first_there": whole.proved_first_there, "told_in_time": whole.told_in_time,
    }  # fmt: skip
    return Replay(
        days=days, since=rfc3339(begin), until=rfc3339(until), peers=report.parties, here=gathered.here,
        one_lake=gathered.one_lake, state=whole.state.value, **named,
        median_lead_seconds=float(np.median(leads)) if interval is not None else None,
        lead_low=None if interval is None else interval.low, lead_high=None if interval is None else interval.high,
        expected_by_chance=expected(whole.null_share), chance_low=expected(whole.null_low),
        chance_high=expected(whole.null_high), p_there=whole.p_there, usable_lead_seconds=whole.usable_lead_seconds,
        leads=tuple(float(lead) for lead in leads), flags=tuple(dict.fromkeys((*values.whole.flags, *whole.flags))),
        taken_out=values.whole.taken_out, draws=report.draws,
    )  # fmt: skip


def _units(session: LakeSession, pairs: pa.Table) -> pa.Table:
    """One row a campaign (or value in none) and party, of what is no noise: PAIR_SCHEMA."""
    kept = pairs.filter(pa.array(screened(pairs, columns(pairs)) == ""))
    session.register("replay_pairs", kept)
    found = session.sql(
        "SELECT party, CASE WHEN campaign IS NULL THEN type ELSE 'campaign' END AS type, "
        "coalesce(campaign, value) AS value, campaign, coalesce(list_sort(list_distinct(flatten(list(sectors)))), []) "
        "AS sectors, min(there_first) AS there_first, max(there_last) AS there_last, "
        "CAST(sum(there_count) AS BIGINT) AS there_count, max(there_sensors) AS there_sensors, "
        "min(here_first) AS here_first, max(here_last) AS here_last, CAST(sum(here_count) AS BIGINT) AS here_count, "
        "max(here_sensors) AS here_sensors, min(told_us) AS told_us, min(told_them) AS told_them, "
        "min(proved_there) AS proved_there, false AS imported, CAST(NULL AS VARCHAR) AS screen "
        "FROM replay_pairs GROUP BY ALL ORDER BY 1, 2, 3"
    )
    return found.cast(PAIR_SCHEMA)
