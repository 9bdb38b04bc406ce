"""Telling our own people and tools of warnings: planned once, sent at least once, recorded before it leaves.

Steps: (1) the desk is brought up to now, (2) each raised group gets one delivery for each channel that wants it, due
at once or, for escalation, when nobody has answered for so long, out of quiet hours; (3) what is due and still open is
made into a message, without what is marked above the channel; (4) an own-use release of it goes on the ledger; (5) the
channel takes it; (6) it is noted as sent. A kill between (5) and (6) sends it again under the same id. What fails is
tried again after longer and longer, and given up after ``deliver_times.MAX_ATTEMPTS``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

import msgspec

from seawall.exchange.mail import RefusedForGood
from seawall.flow.alone import alone
from seawall.flow.context import WHOLE_NODE
from seawall.flow.deliver_channels import channels_of, named_channel
from seawall.flow.deliver_mail import send_mail
from seawall.flow.deliver_syslog import send_syslog
from seawall.flow.deliver_taxii import put_out
from seawall.flow.deliver_times import QuietHours, due_at, wait_after
from seawall.flow.deliver_webhook import send_webhook
from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.flow.warning_desk import refresh_desk
from seawall.flow.warning_proposal import proposal_for
from seawall.model import Actor, Fault, Recorded, Release, ReleasedObject, Tlp, Unavailable, UserRole, Warning, rfc3339
from seawall.model.answer import Delivery, DeliveryState, DeskPlace
from seawall.policy import OwnUseItem, own_use
from seawall.settings import ChannelSettings
from seawall.store.desk import DeskGroup
from seawall.warn.channels import GroupMessage, ValueMessage
from seawall.warn.channels.message import MAX_VALUES
from seawall.warn.severity import Severity, severity_named

DAY = 86_400_000_000  # microseconds
SINCE = "deliver-since:{channel}"
"""Key of the note that says from when on groups are told to a channel: a day before it was set up."""
MAX_MEMBERS = 1_000  # of one group that are looked at for a message
MAX_RUN = 200  # deliveries of one run
ANSWERED = "It was answered, snoozed or is no warning any more."
REPLACED = "The group has become more severe and is told as that."
TOO_STRICT = "Everything in it is marked above what the channel is for."
SENDERS: dict[str, Callable[[Node, ChannelSettings, Recorded[Release]], None]] = {
    "mail": send_mail,
    "webhook": send_webhook,
    "syslog": send_syslog,
}


def deliver_warnings(node: Node) -> dict[str, object]:
    """One run. Keys: ``result`` (a sentence), ``planned``, and how many were ``sent``, ``waiting``, ``failed``,
    ``withheld``, ``cancelled``.

    Raises Fault E-FLOW-840 to -843 for settings that cannot be used, Unavailable E-FLOW-848 while another run goes on.
    """
    channels = channels_of(node)
    if not channels:
        return {"result": "no channel is set"}
    quiet = QuietHours.read(node.settings.deliver.quiet_hours)
    refresh_desk(node)
    busy = Unavailable("E-FLOW-848", "Another process is delivering warnings; try again in a moment.")
    with alone(node.folder / "store" / "deliver.lock", busy):
        planned = _plan(node, channels.values(), quiet)
        done = dict.fromkeys(DeliveryState, 0)
        for delivery in node.store.desk.due(node.clock(), limit=MAX_RUN):
            after = _attempt(node, channels.get(delivery.channel), delivery)
            node.store.desk.update_delivery(after)
            done[after.state] += 1
    counts = {state.value: count for state, count in done.items()}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return {"result": told or "nothing is due", "planned": planned, **counts}


def delivery_job(node: Node) -> str:
    """The job ``deliver``."""
    return str(deliver_warnings(node)["result"])


def list_deliveries(node: Node, *, state: DeliveryState | None, limit: int, after: int) -> Listing:
    """What was, will be or could not be delivered, newest first. Raises Refused E-FLOW-004."""
    node.require("read")
    page = node.store.desk.deliveries(state=state, after=after, limit=limit)
    items: list[dict[str, object]] = [
        {
            "number": number, "id": one.id, "channel": one.channel, "group": one.group,
            "severity": Severity(one.severity).label, "state": one.state.value, "attempts": one.attempts,
            "created_at": rfc3339(one.created_at), "due_at": rfc3339(one.due_at),
            "done_at": rfc3339(one.done_at) if one.done_at is not None else None, "said": one.said,
        }
        for number, one in page.items
    ]  # fmt: skip
    return Listing(items, page.next)


def try_channel(node: Node, name: str) -> dict[str, object]:
    """Send a message without content through one channel, now. Keys: ``channel``, ``kind``, ``id``, ``sent``.

    Raises NotFound E-FLOW-849 for an unknown channel, and what the channel raises. A TAXII channel is only looked at.
    """
    node.require("serve")
    channel, at = named_channel(node, name), node.clock()
    id = _id(node, channel.name, "test", at)
    if channel.kind == "taxii":
        put_out(node, channel, ())
    else:
        message = GroupMessage(id, node.settings.node.name, "test", "info", rfc3339(at), Tlp.CLEAR.label, (), test=True)
        SENDERS[channel.kind](node, channel, _recorded(node, channel, message, Tlp.CLEAR))
    return {"channel": channel.name, "kind": channel.kind, "id": id, "sent": channel.kind != "taxii"}


def deliveries_told(node: Node) -> tuple[bool, str]:
    """Whether all is well with deliveries, and in one line how it stands; for ``doctor``."""
    channels = channels_of(node)
    QuietHours.read(node.settings.deliver.quiet_hours)
    failed = node.store.desk.deliveries(state=DeliveryState.FAILED, limit=1).items
    if failed and (failed[0][1].done_at or 0) > node.clock() - DAY:
        return False, f"{failed[0][1].channel}: {failed[0][1].said}"
    return True, f"{len(channels)} channels" if channels else "no channel is set"


def _plan(node: Node, channels: Iterable[ChannelSettings], quiet: QuietHours | None) -> int:
    at, zone = node.clock(), ZoneInfo(node.settings.node.timezone)
    groups = node.store.desk.groups(at, raised=True, awake=True)
    planned = []
    for channel in channels:
        since, least = _since(node, channel, at), severity_named(channel.least_severity) or Severity.INFO
        for group in groups:
            if group.raised_at is None or group.raised_at < since or group.severity < least:
                continue
            severity = Severity(group.severity)
            due = due_at(
                group.raised_at, severity, after_minutes=channel.after_minutes, always=channel.always, quiet=quiet,
                zone=zone,
            )  # fmt: skip
            id = _id(node, channel.name, group.id, group.severity)
            planned.append(Delivery(id, channel.name, group.id, group.severity, at, max(due, group.raised_at)))
    held = node.store.desk.delivered([item.id for item in planned])
    return node.store.desk.add_deliveries(item for item in planned if item.id not in held)


def _since(node: Node, channel: ChannelSettings, at: int) -> int:
    key = SINCE.format(channel=channel.name)
    text = node.store.notes.get(key)
    if text is None:
        text = str(at - DAY)
        node.store.notes.set(key, text)
    return int(text)


def _attempt(node: Node, channel: ChannelSettings | None, delivery: Delivery) -> Delivery:
    """Steps (3) to (5) for one delivery; what became of it."""
    at = node.clock()
    if channel is None:
        return _ended(delivery, DeliveryState.CANCELLED, "The channel is not set any more.", at)
    group, members = _open_members(node, delivery.group, at)
    if group is None:
        return _ended(delivery, DeliveryState.CANCELLED, ANSWERED, at)
    current = _id(node, channel.name, group.id, group.severity)
    if current != delivery.id and node.store.desk.delivered([current]):
        return _ended(delivery, DeliveryState.CANCELLED, REPLACED, at)
    ceiling = Tlp.parse(channel.tlp_at_most)
    told = [(warning, place) for warning, place in members if warning.tlp <= ceiling]
    if not told:
        return _ended(delivery, DeliveryState.WITHHELD, TOO_STRICT, at)
    try:
        if channel.kind == "taxii":
            reason = put_out(node, channel, [(warning, Severity(place.severity)) for warning, place in told])
            if reason is not None:
                return _ended(delivery, DeliveryState.WITHHELD, reason, at)
        else:
            message = _message(node, delivery, group, told, len(members) - len(told))
            strictest = max(warning.tlp for warning, _ in told)
            SENDERS[channel.kind](node, channel, _recorded(node, channel, message, strictest))
    except RefusedForGood as fault:
        return _ended(delivery, DeliveryState.FAILED, str(fault), at)
    except Fault as fault:
        return _later(delivery, str(fault), at)
    return _ended(delivery, DeliveryState.SENT, "", at)


def _later(delivery: Delivery, said: str, at: int) -> Delivery:
    attempts = delivery.attempts + 1
    wait = wait_after(attempts)
    if wait is None:
        return msgspec.structs.replace(delivery, state=DeliveryState.FAILED, attempts=attempts, said=said, done_at=at)
    return msgspec.structs.replace(delivery, attempts=attempts, said=said, due_at=at + wait)


def _ended(delivery: Delivery, state: DeliveryState, said: str, at: int) -> Delivery:
    tried = state in (DeliveryState.SENT, DeliveryState.FAILED)
    return msgspec.structs.replace(delivery, state=state, attempts=delivery.attempts + tried, said=said, done_at=at)


def _open_members(node: Node, group: str, at: int) -> tuple[DeskGroup | None, list[tuple[Warning, DeskPlace]]]:
    """The group as it is open now, and its warnings with their places, the most urgent first."""
    places = [
        place
        for place in node.store.desk.members(group, limit=MAX_MEMBERS)
        if place.raised_at is not None and (place.snoozed_until is None or place.snoozed_until <= at)
    ]
    answers = node.store.answers.of((place.type, place.value) for place in places)
    found = []
    for place in places:
        if any(answer.peer is None for answer in answers.get((place.type, place.value), ())):
            continue
        warning = node.store.warnings.get(place.type, place.value, visibility=WHOLE_NODE)
        if warning is not None:
            found.append((warning, place))
    if not found:
        return None, []
    first = found[0][1]
    raised = min(place.raised_at for _, place in found if place.raised_at is not None)
    return DeskGroup(group, len(found), first.severity, first.rank, first.placed_at, raised, None), found


def _message(
    node: Node, delivery: Delivery, group: DeskGroup, told: list[tuple[Warning, DeskPlace]], left_out: int
) -> GroupMessage:
    values = tuple(
        ValueMessage(
            type=warning.type,
            value=warning.value,
            first_side=warning.first_side,
            first_seen=rfc3339(warning.first_seen),
            met_here=warning.other_first_seen is not None,
            sectors=warning.sectors,
            confidence=warning.confidence,
            severity=Severity(place.severity).label,
            tlp=warning.tlp.label,
            pap=warning.pap.label,
            action=action.value if (action := proposal_for(node, warning).action) is not None else None,
            reasons=warning.reasons,
        )
        for warning, place in told[:MAX_VALUES]
    )
    return GroupMessage(
        id=delivery.id,
        node=node.settings.node.name,
        group=group.id,
        severity=Severity(group.severity).label,
        at=rfc3339(node.clock()),
        tlp=max(warning.tlp for warning, _ in told).label,
        values=values,
        more=len(told) - len(values),
        left_out=left_out,
    )


def _recorded(node: Node, channel: ChannelSettings, message: GroupMessage, tlp: Tlp) -> Recorded[Release]:
    """Step (4). Raises Fault E-FLOW-850 when policy does not let the channel see it."""
    role = UserRole.APPROVER if Tlp.parse(channel.tlp_at_most) is Tlp.RED else UserRole.ANALYST
    item = ReleasedObject(f"x-warning--{message.id}", message.at, msgspec.json.encode(message))
    decision = own_use(Actor(f"channel:{channel.name}", role), [OwnUseItem(item, "x-warning", tlp)], node.clock())
    node.ledger.record_many(decision.withheld)
    if not decision.releases:
        raise Fault("E-FLOW-850", "Policy does not let channel {name} see this.", name=channel.name)
    return node.ledger.record(decision.releases[0])


def _id(node: Node, channel: str, group: str, mark: int) -> str:
    """The same for the same group, channel and severity: what is sent again is known by it."""
    parts = (node.keys.node_id, channel, group, str(mark))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
