"""How many values both hold, counted by a relay that sees neither side's values: the size before the overlap.

    A -> B       { a*H(x) }, padded and shuffled                  count_points
    B            b*(a*H(x)) of each, hashed with the round        count_tags
    B -> relay   these tags, sorted; never to A
    (the same the other way round; the relay counts tags that both sent, and answers with a rounded, noised number)

Why not the usual way, in which B shuffles its reply and A counts: A can mask every value with a scalar of its own, take
each off every reply, and so learn which values match (privacy notes 1.4; tests/exchange/psi
shows it). Shuffling is no boundary, so no such mode exists here. With a relay A gets no reply at all; tags that it
spoils match nothing. If relay and A work together they learn the ordinary intersection with what A sent, not the rest
of B's list.

The epoch is of purpose "count": its scalars and its hashing are its own, so a tag never joins a token of a reveal, nor
a tag of another round. What a round sends to the other side has no check points: there is no answer to check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import structs

from seawall.exchange.psi import group
from seawall.exchange.psi.interface import BeforeAnswering, Channel
from seawall.exchange.psi.listing import list_parts, make_list
from seawall.exchange.psi.parts import Kind, check_place, check_time, decode, parts_of
from seawall.exchange.psi.sessions import take_list_part
from seawall.model import Refused
from seawall.model.psi import TOKEN_BYTES, PsiSession, SessionState

ROUND = 1  # an epoch of purpose "count" has one session; a second count is a second epoch
TAG_BYTES = 16


def count_points(channel: Channel, items: Iterable[bytes]) -> list[bytes]:
    """Our list for the other side; the same again whatever ``items`` says then.

    Raises Refused E-EXCHANGE-707 for more values than the cap has room for, E-EXCHANGE-711 for an epoch of another
    purpose, E-EXCHANGE-713 out of its time.
    """
    session = _round(channel)
    if session.ours == 0:
        check_time(channel.epoch, channel.clock())
        made = make_list(channel, ROUND, items)
        session = structs.replace(_round(channel), ours=made)
        channel.book.save(session)
    return list(list_parts(channel, ROUND, session.ours))


def count_tags(channel: Channel, body: bytes, before_answering: BeforeAnswering) -> list[bytes] | None:
    """Take in one part of the other side's list; the tags for the relay with the last one, None before.

    The tags are sorted, which says nothing of the list's order. The last part again gives the same tags. Raises Refused
    E-EXCHANGE-702, 710 to 720 and 724 for everything that a part may not be, and whatever ``before_answering`` raises.
    """
    part = decode(body)
    check_place(part, channel.epoch, channel.own, channel.clock())
    if part.kind is not Kind.POINTS or part.session != ROUND:
        raise Refused("E-EXCHANGE-724", "A part of another kind than this step waits for came; it was refused.")
    take_list_part(channel, part, _round(channel), before_answering)
    return tags_of(channel) if part.index + 1 == parts_of(part.total) else None


def tags_of(channel: Channel) -> list[bytes]:
    """The tags for the relay, of the other side's whole list; the same each time, sorted."""
    tokens = b"".join(taken.tokens for taken in channel.book.taken(ROUND))
    return sorted(
        hashlib.sha256(channel.epoch.digest + token).digest()[:TAG_BYTES] for token in group.split(tokens, TOKEN_BYTES)
    )


def _round(channel: Channel) -> PsiSession:
    if channel.epoch.terms.purpose != "count":
        raise Refused("E-EXCHANGE-711", "A part belongs to another epoch than the one agreed; it was refused.")
    opened = PsiSession(number=ROUND, we_are_first=False, state=SessionState.OPEN, opened_at=channel.clock())
    return channel.book.session() or opened
