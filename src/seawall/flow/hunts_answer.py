"""Answers by tiers: not run, no, yes, count, details; each a release on the ledger, paid from the peer's budget first.

A "no" tells as much as a "yes" and costs the same. Nothing untrue is told: a "no" needs a whole search without a single
row that might meet the question. Whatever may not be told is ``not_run``, which is also what a hunt that nobody looked
at comes to, so that the asker cannot tell them apart (rule 12).
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from seawall.codec.hunts import answer_id, answer_object
from seawall.codec.sharing import encode
from seawall.exchange.noise import discrete_laplace
from seawall.flow.hunts import DAY, HuntReply, carried, circle_with, release_to
from seawall.flow.hunts_run import find_hunt, moved
from seawall.flow.node import Node
from seawall.flow.overlap_circles import CANDIDATE_PAP, CANDIDATE_TLP, verified
from seawall.flow.post import post
from seawall.ledger import EventKind
from seawall.model import Fault, Pap, Refused, Tlp
from seawall.model.hunt import AnswerTier, Hunt, HuntAnswer, HuntRun, HuntSide, HuntState
from seawall.model.message import MessageKind
from seawall.model.peer import PeerState
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject
from seawall.policy import Markings
from seawall.warn.hunts import POINTS, band_of

MAX_LISTED = 50  # sectors or bases of one answer


def answer(
    node: Node, id: str, *, tier: str, exact: bool = False, noise: str = ""
) -> tuple[HuntAnswer, int, list[str]]:
    """Answer a peer's hunt; the answer, the points that the peer has left today, and problems of the way.

    ``exact``: the number of rows beside its band, where the circle's terms do not strike counts; ``noise``: an epsilon
    such as 0.5, the number with discrete Laplace noise instead. Raises Fault E-FLOW-903 for an unknown tier or epsilon,
    Refused E-FLOW-904 for what the search does not bear out, E-FLOW-905 for what was told before, E-FLOW-906 when the
    budget is spent, E-FLOW-900 and 882 as other steps do.
    """
    person = node.require("release")
    hunt = find_hunt(node, id, side=HuntSide.RECEIVED)
    verified(node, hunt.peer)
    terms = circle_with(node, hunt.circle, hunt.peer)
    wanted, epsilon = _tier(tier), _epsilon(noise)
    changed = _answered(node, hunt, wanted)
    _check(node, hunt, wanted)
    second = node.approver
    people = (person.name,) if second is None else (person.name, second.name)
    at = node.clock()
    left = _spend(node, hunt, wanted, at)
    said = _said(node, hunt, wanted, at, person.name, exact=exact, epsilon=epsilon)
    tlp, pap = (hunt.tlp, hunt.pap) if wanted is AnswerTier.NOT_RUN else _marking_of(hunt)
    item = StoredObject(
        id=said.object_id, type="note", version=timestamp(at), created_by=node.keys.identity_id,
        body=encode(answer_object(said, node.keys.identity_id, tlp, pap)), tlp=tlp, pap=pap, stored_at=at,
    )  # fmt: skip
    if second is not None:
        node.store.approvals.both("release", f"{item.id} {item.version}", person.name, second.name, at)
    recorded = release_to(node, terms, hunt.peer, item, Markings(tlp=tlp, pap=pap), people, frozenset({hunt.id}))
    body = recorded.value.objects[0].body
    node.store.hunts.put_answer(said)
    node.store.hunts.change(changed)
    message = msgspec.msgpack.encode(HuntReply(terms.name, body))
    post(node, hunt.peer, MessageKind.HUNT, message, expires_in=max(hunt.deadline - at, DAY))
    return said, left, carried(node, hunt.peer)


def spend_points(node: Node, at: int) -> list[str]:
    """After a restore: what was answered since the backup nobody knows, so all of today's points count as spent."""
    peers = [one.code_name for one in node.store.peers.list() if one.state is not PeerState.SEVERED]
    most = node.settings.hunts.points_per_day
    for peer in peers:
        left = most - node.store.hunts.spent(peer, asked=False, since=at - DAY)
        node.store.hunts.spend(peer, f"restored {at}", "restored", max(left, 0), at, since=at - DAY, most=most)
    return [f"hunts: {peer}" for peer in peers]


def _answered(node: Node, hunt: Hunt, tier: AnswerTier) -> Hunt:
    """The hunt in its state behind the answer; what nobody accepted may still be told as not run."""
    unaccepted = hunt.state in (HuntState.WAITING, HuntState.DECLINED)
    if tier is AnswerTier.NOT_RUN and unaccepted and node.clock() <= hunt.deadline:
        return msgspec.structs.replace(hunt, state=HuntState.DECLINED)
    return moved(node, hunt, HuntState.ANSWERED)


def points_left(node: Node, peer: str) -> int:
    """What answers to a peer may still cost today."""
    spent = node.store.hunts.spent(peer, asked=False, since=node.clock() - DAY)
    return max(node.settings.hunts.points_per_day - spent, 0)


def _tier(text: str) -> AnswerTier:
    try:
        return AnswerTier(text.strip().lower().replace("-", "_"))
    except ValueError:
        raise Fault("E-FLOW-903", "{given} is no tier; use one of {known}.", given=ascii(text[:40]),
                    known=", ".join(AnswerTier)) from None  # fmt: skip


def _epsilon(text: str) -> Fraction | None:
    if not text:
        return None
    try:
        found = Fraction(text[:20])
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if not Fraction(1, 100) <= found <= 10:
        raise Fault("E-FLOW-907", "The noise is an epsilon from 0.01 to 10; {given} is none.", given=ascii(text[:20]))
    return found


def _check(node: Node, hunt: Hunt, tier: AnswerTier) -> None:
    """Nothing but what the search bears out; details and counts once, so that noise is not averaged away."""
    if tier is AnswerTier.NOT_RUN:
        return
    if hunt.objection:
        raise Refused("E-FLOW-901", "It is not run, because {reason}; answer it with --tier not_run.",
                      reason=hunt.objection)  # fmt: skip
    reason = _doubt(hunt.run, tier)
    if reason:
        raise Refused(
            "E-FLOW-904",
            "This cannot be answered with {tier}: {reason}.",
            tier=tier.value,
            reason=reason,
        )
    told = {one.tier for one in node.store.hunts.answers(hunt)}
    if tier in told or (tier is AnswerTier.COUNT and AnswerTier.DETAILS in told):
        raise Refused("E-FLOW-905", "That was told already: {tier}.", tier=tier.value)


def _doubt(run: HuntRun | None, tier: AnswerTier) -> str:
    """Why the search does not bear out an answer; empty when it does."""
    if run is None:
        return "it was not run yet"
    if tier is AnswerTier.YES:
        return "" if run.least else "no row certainly meets it"
    if not run.complete:
        return "the search ended at its limit of time; run it again with more"
    if tier is AnswerTier.NO:
        return "" if not run.most else f"{run.most} rows meet it or may meet it"
    if run.least != run.most:
        return f"between {run.least} and {run.most} rows meet it, because the lake does not hold all that it asks for"
    return "" if run.least or tier is AnswerTier.COUNT else "no row meets it"


def _spend(node: Node, hunt: Hunt, tier: AnswerTier, at: int) -> int:
    """Budget first, on disk and on the ledger; nothing is given back."""
    points = POINTS[tier]
    most = node.settings.hunts.points_per_day
    if points == 0:
        return points_left(node, hunt.peer)
    left = node.store.hunts.spend(hunt.peer, hunt.id, tier.value, points, at, since=at - DAY, most=most)
    if left is None:
        raise Refused(
            "E-FLOW-906",
            "Answers to {peer} may cost {most} points a day, and this one costs {points}; nothing was answered.",
            peer=hunt.peer,
            most=most,
            points=points,
        )
    node.event(EventKind.HUNT_SPENT, hunt.id, peer=hunt.peer, tier=tier.value, points=points, left=left)
    return left


def _said(
    node: Node, hunt: Hunt, tier: AnswerTier, at: int, by: str, *, exact: bool, epsilon: Fraction | None
) -> HuntAnswer:
    said = HuntAnswer(
        side=HuntSide.RECEIVED, peer=hunt.peer, hunt=hunt.id, at=at, tier=tier, by=by,
        object_id=answer_id(node.keys.identity_id, hunt.id, tier, at),
    )  # fmt: skip
    run = hunt.run
    if run is None or tier not in (AnswerTier.COUNT, AnswerTier.DETAILS):
        return said
    count = run.least if epsilon is None else max(run.least + discrete_laplace(epsilon), 0)
    said = msgspec.structs.replace(
        said,
        band=band_of(count),
        count=count if exact or epsilon is not None else None,
        noise=str(float(epsilon)) if epsilon is not None else "",
    )
    if tier is AnswerTier.COUNT:
        return said
    return msgspec.structs.replace(
        said, first=run.first, last=run.last, sectors=run.sectors[:MAX_LISTED], bases=run.bases[:MAX_LISTED]
    )


def _marking_of(hunt: Hunt) -> tuple[Tlp, Pap]:
    """How an answer that tells something is marked: as strictly as the hunt and as what our sensors found (rule 2)."""
    return max(hunt.tlp, CANDIDATE_TLP), max(hunt.pap, CANDIDATE_PAP)
