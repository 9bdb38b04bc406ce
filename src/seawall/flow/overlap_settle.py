"""The end of a session: decoys are judged, figures far from the past wait for two people, the rest is kept and told.

A match alone releases nothing: each value that both hold becomes an item of tier 1, and ``tiers`` decides about more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from seawall.exchange import psi
from seawall.exchange.psi.interface import Channel, Common
from seawall.flow.decoys import decoys, judge_hits
from seawall.flow.node import Node
from seawall.flow.overlap_evidence import open_ours
from seawall.flow.overlap_met import MET_ONLY
from seawall.flow.overlap_state import begun_with, held_as, lane_of, session_of, talk_of
from seawall.flow.plausible import plausible
from seawall.flow.tiers import permit
from seawall.model import ObservableType, Refused
from seawall.model.books import Verdict
from seawall.model.overlap import Hold, OverlapItem, OverlapSession

BATCH = 10_000  # items of one transaction
DAY = 86_400 * 1_000_000  # microseconds


class Settled(msgspec.Struct, frozen=True):
    """What a session came to. ``tell`` begins to tell more, where that is permitted; call it last."""

    common: int  # values that both hold by now
    new: int
    reason: str  # why nothing of it is kept; empty when it is
    tell: Callable[[], None]


def settle(node: Node, peer: str, type: ObservableType, channel: Channel, session: OverlapSession) -> Settled:
    """Keep what both hold, once; may run again for the same session."""
    found = psi.overlap(channel)
    mine = decoys(node, type)
    common = [one for one in found.common if one.value not in mine]
    judged = judge_hits(node, peer, type, [one.value for one in found.common])
    if judged.verdict is Verdict.INCIDENT:
        return Settled(len(common), 0, "the peer asked about values that nobody can have met", _nothing)
    try:
        plausible(node, peer, type, found.ours, found.theirs, len(common), lane=lane_of(channel))
    except Refused as refused:
        return Settled(len(common), 0, refused.text.format(**refused.values), _nothing)
    new = 0
    for start in range(0, len(common), BATCH):
        items = [_item(node, peer, channel, session, one) for one in common[start : start + BATCH]]
        new += node.store.overlaps.add(items)
        _hold_stronger(node, peer, items)

    def tell() -> None:
        """Who asked for the run opens its commitments first; the other side waits for them."""
        begun, talk = begun_with(node, peer), talk_of(node, peer, type)
        asked = begun is not None and talk is not None and begun.run == talk.run
        if permit_all(node, peer) and asked:
            open_ours(node, peer)

    return Settled(len(common), new, "", tell)


def permit_all(node: Node, peer: str) -> bool:
    """Give every kept value of this peer the tier that standing releases let go now; whether there is any."""
    after: int | None = 0
    any_permitted = False
    while after is not None:
        page = node.store.overlaps.list(peer, after=after, limit=BATCH)
        raised = permit(node, peer, [item for item in page.items if not item.reason])
        any_permitted = any_permitted or any(item.permitted > item.given for item in raised)
        after = page.next
    return any_permitted


def _hold_stronger(node: Node, peer: str, items: Sequence[OverlapItem]) -> None:
    """What one side merely met when it was found, and suspects by now, is held as a candidate from now on."""
    fresh = {(item.type, item.value): item for item in items}
    changed = []
    for held in node.store.overlaps.find(peer, fresh):
        now = fresh[held.type, held.value]
        if Hold.MET in (now.ours_as, now.theirs_as) or Hold.MET not in (held.ours_as, held.theirs_as):
            continue
        reason = "" if held.reason == MET_ONLY else held.reason
        changed.append(
            msgspec.structs.replace(
                held, ours_as=now.ours_as, theirs_as=now.theirs_as, session=now.session, reason=reason
            )
        )
    node.store.overlaps.change(changed)


def _item(node: Node, peer: str, channel: Channel, session: OverlapSession, one: Common) -> OverlapItem:
    ours_as, theirs_as = held_as(channel)
    return OverlapItem(
        peer=peer,
        type=channel.epoch.terms.type,
        value=one.value.decode("utf-8", "replace"),
        session=session.id,
        found_at=node.clock(),
        ours_said=_day(node, peer, channel, session, one.our_session),
        theirs_said=_day(node, peer, channel, session, one.their_session),
        ours_as=ours_as,
        theirs_as=theirs_as,
    )


def _day(node: Node, peer: str, channel: Channel, session: OverlapSession, number: int) -> int:
    """The first moment of the UTC day on which a session of this epoch began."""
    held = session_of(node, peer, channel, number)
    begun = held.begun_at if held is not None else session.begun_at
    return begun // DAY * DAY


def _nothing() -> None:
    return
