"""While an outbox is filled: what may no longer stand there is taken away, what was taken back does not come again."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.flow.node import Node
from seawall.flow.recall_sending import take_back
from seawall.model import Withheld
from seawall.model.recall import RecallCause
from seawall.model.stored import StoredObject
from seawall.policy.rules import Rule
from seawall.store.values import version_moment

TAKES_AWAY = frozenset(
    {
        Rule.EXCLUSION,
        Rule.OBJECT_EXCLUSION,
        Rule.TYPE,
        Rule.KIND,
        Rule.MARKINGS,
        Rule.GRANULAR,
        Rule.TLP_CEILING,
        Rule.TRACK,
        Rule.PAP_CEILING,
        Rule.IEP_DATES,
        Rule.IEP_ENCRYPT,
        Rule.IEP_RESALE,
        Rule.ONWARD,
        Rule.TWO_PEOPLE,
        Rule.UNNAMED,
        Rule.IEP_NAME,
        Rule.PRIVATE,
    }
)
"""Rules about the object itself: who reads an older version of it may keep none. A member who has not agreed to new
terms, or an object that waits for a click, is another matter: what stands there was rightly released."""


def without_taken_back(node: Node, circle: str, member: str, items: Sequence[StoredObject]) -> list[StoredObject]:
    """The items that may be decided about: neither recalled from this member here nor older than what was."""
    gone = node.store.recalls.taken_back(circle, member, [item.id for item in items])
    if not gone:
        return list(items)
    return [item for item in items if version_moment(item.version) > gone.get(item.id, -1)]


def take_away(
    node: Node, circle: str, member: str, items: Sequence[StoredObject], withheld: Sequence[Withheld]
) -> None:
    """Take back from one member what it may no longer hold, and tell it of what was revoked."""
    barred = {refusal.object_id for refusal in withheld if refusal.rule in TAKES_AWAY}
    revoked = {item.id for item in items if item.revoked}
    if not barred and not revoked:
        return
    standing = node.store.outbox.standing(circle, member, barred | revoked)
    refused = {refusal.object_id for refusal in withheld}
    take_back(node, sorted(standing & (barred - revoked)), RecallCause.MARKING, circles={circle}, members={member})
    take_back(node, sorted(standing & revoked & refused), RecallCause.REVOKED, circles={circle}, members={member})
    news = [id for id in sorted((standing & revoked) - refused) if not _told_already(node, id, member)]
    take_back(node, news, RecallCause.REVOKED, circles={circle}, members={member}, reveal=False)


def _told_already(node: Node, object_id: str, member: str) -> bool:
    return any(row.peer == member for row in node.store.recalls.list(object_id=object_id, limit=1_000).items)
