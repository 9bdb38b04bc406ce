"""Ending a relation in one step: both directions, on every way, with what was agreed about held data.

The order: (1) a farewell, where asked, goes while the line still stands; (2) the state is set, which closes the
listener, sync, drops, notices, mail and the partner's MISP on their next request; (3) nothing that waits for the peer
stays, so nobody tries again, and the keys of its comparisons are wiped; (4) what the peer sent neither blocks nor,
where a circle's terms say so, stays. A suspension does (2) and leaves the rest, because it may be lifted.
"""

from __future__ import annotations

from seawall import exchange
from seawall.flow.exchange import sync_peer
from seawall.flow.health import FAREWELL, HEALTH
from seawall.flow.live_arrivals import relation_changed, told_together
from seawall.flow.mail_peers import set_mail_state
from seawall.flow.misp_servers import remove_server, servers
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.overlap_ending import forget_epochs
from seawall.flow.recall_obeying import withdraw_from_us
from seawall.flow.relay_book import COUNTER_TOKEN, GIVEN, READ, WRITE, RelayLink, forget_tokens, keep_link, relay_of
from seawall.flow.relay_cover import forget_cover, rhythm
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, Refused
from seawall.model.circle import HeldData
from seawall.model.notice import Notice, NoticeKind
from seawall.model.peer import PeerState

PAGE = 1_000
MAX_WORDS = 1_000  # characters of a farewell


def end_relation(
    node: Node, name: str, state: PeerState, *, farewell: str | None = None, held_data: HeldData | None = None
) -> dict[str, object]:
    """Suspend or sever a peer of any kind. ``held_data``: stricter than the circles agreed, for all that it sent.

    Raises NotFound for nobody, Fault E-FLOW-321 for a farewell that is too long, Refused E-FLOW-322 for one to a peer
    that cannot hear it.
    """
    node.require("manage-peers")
    if node.store.mail_peers.find(name) is not None:
        if farewell is not None:
            raise _deaf(name)
        ended = set_mail_state(node, name, state)["orders_ended"]
        return {"code_name": name, "state": state.value, "orders_ended": ended, **_close(node, name, state, held_data)}
    told = _say_farewell(node, name, farewell) if farewell is not None else None
    stop = exchange.sever_peer if state is PeerState.SEVERED else exchange.suspend_peer
    record = stop(name, book=node.store.peers)
    severed = record.state is PeerState.SEVERED
    node.event(EventKind.PEER_SEVERED if severed else EventKind.PEER_SUSPENDED, name)
    ended = relation_changed(node, name)
    return {
        "code_name": name,
        "state": record.state.value,
        "orders_ended": ended,
        **({"farewell": told} if told is not None else {}),
        **({"comparison_keys_wiped": forget_epochs(node, name)} if severed else {}),
        **_close(node, name, state, held_data),
    }


def _deaf(name: str) -> Refused:
    return Refused("E-FLOW-322", "A farewell is a notice; {name} has no verified node that hears it.", name=name)


def _say_farewell(node: Node, name: str, words: str) -> str:
    """Sign it and try to hand it over once; how that went, because the relation ends either way."""
    if len(words) > MAX_WORDS:
        raise Fault("E-FLOW-321", "A farewell has at most {most} characters.", most=MAX_WORDS)
    record = node.store.peers.get(name)
    if record.state is not PeerState.VERIFIED:
        raise _deaf(name)
    number = send_notice(node, name, NoticeKind.FAREWELL, {"words": words})
    if record.carried and relay_of(node, name) is None:
        return "not delivered: no network reaches this peer"
    try:
        with rhythm():  # under cover this is the last visit: that the relation ends is seen anyway
            sync_peer(node, name)
    except Fault as fault:
        return f"not delivered: {fault.text.format(**fault.values)}"
    waits = any(kept.number == number for kept in node.store.notices.waiting(name, limit=PAGE))
    return "not delivered" if waits else "delivered"


def hear_farewell(node: Node, notice: Notice) -> None:
    """A peer ends the relation: kept for our people; what follows from it is theirs to decide."""
    words = str(notice.body.get("words", ""))[:MAX_WORDS]
    node.store.notes.set(FAREWELL.format(peer=notice.peer), words)


def _close(node: Node, name: str, state: PeerState, held_data: HeldData | None) -> dict[str, object]:
    """Steps (3) and (4)."""
    if state is not PeerState.SEVERED:
        return {"blocks_expire": True}
    dropped = node.store.notices.forget_waiting(name)
    messages = node.store.post.forget_waiting(name)
    node.store.post_in.drop_held(name)
    keep_link(node, name, RelayLink())
    forget_tokens(node, name, READ, GIVEN, WRITE, COUNTER_TOKEN)
    forget_cover(node, name)
    unreachable = node.store.recalls.unreachable(name)
    node.store.sync.forget(name)
    node.store.notes.delete(HEALTH.format(peer=name))
    misp = name in servers(node)
    if misp:
        remove_server(node, name)
    return {
        "blocks_expire": True,
        "notices_dropped": dropped,
        "messages_dropped": messages,
        "recalls_unreachable": unreachable,
        "misp_removed": misp,
        "held_data": apply_held_data(node, name, held_data),
    }


STRICTNESS = (HeldData.KEEP, HeldData.EXPIRE, HeldData.DELETE)


def apply_held_data(node: Node, name: str, wish: HeldData | None = None) -> list[dict[str, object]]:
    """What was agreed for each circle, done to what the peer sent through it. An excess of care is allowed: with
    ``wish`` the stricter of both counts."""
    done: list[dict[str, object]] = []
    for circle in node.store.taking_back.circles_of(name):
        try:
            agreed = node.store.circles.get(circle).held_data
        except NotFound:
            agreed = HeldData.KEEP
        rule = max(agreed, wish or HeldData.KEEP, key=STRICTNESS.index)
        counts = {"expired": 0, "deleted": 0}
        if rule is HeldData.EXPIRE:
            counts["expired"] = node.store.taking_back.expire_words(name, circle, node.clock())
        elif rule is HeldData.DELETE:
            counts["deleted"] = _delete(node, name, circle)
        done.append({"circle": circle, "rule": rule.value, **counts})
    return done


def _delete(node: Node, name: str, circle: str) -> int:
    gone, after = 0, 0
    with told_together(node):
        while rows := node.store.received.from_peer(name, after=after, limit=PAGE):
            after = rows[-1][0]
            for object_id in dict.fromkeys(row[2] for row in rows if row[1] == circle):
                gone += withdraw_from_us(node, name, object_id, [circle]) == "withdrawn"
    return gone
