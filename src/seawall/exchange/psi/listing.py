"""Our own list of a session: new values masked, check points and padding among them, all shuffled.

    1 leave out what was answered before in this epoch
    2 draw an order for values, check points and padding together
    3 part by part: mask the values, make the other points, keep the part

What is kept says what stands at which place, so that the answers can be read; the peer sees equal random points.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from seawall.exchange.psi import group
from seawall.exchange.psi.epoch import own_scalar
from seawall.exchange.psi.interface import Channel
from seawall.exchange.psi.padding import checks_for, list_length, most_items
from seawall.exchange.psi.parts import PART_POINTS, Kind, Part, encode
from seawall.model import Refused
from seawall.model.psi import TOKEN_BYTES, SentPart

Places = npt.NDArray[np.int64]


def make_list(channel: Channel, session: int, items: Iterable[bytes]) -> int:
    """Make and keep our list; returns how many points it has.

    Raises Refused E-EXCHANGE-707 when there are more values than the agreed cap has room for.
    """
    channel.book.drop_sent(session)  # of an interrupted making: nothing of it left
    values = _new_values(channel, items)
    total = list_length(len(values))
    if total > channel.epoch.terms.most_points:
        raise Refused(
            "E-EXCHANGE-707",
            "{count} values are more than the agreed cap of {points} points has room for ({most}); bring fewer.",
            count=len(values),
            points=channel.epoch.terms.most_points,
            most=max(0, most_items(channel.epoch.terms.most_points)),
        )
    order = _shuffled(channel, total)
    for index, start in enumerate(range(0, total, PART_POINTS)):
        part = _make_part(channel, index, values, order[start : start + PART_POINTS])
        channel.book.put_sent(session, part)
        if channel.progress is not None:
            channel.progress(min(start + PART_POINTS, total), total)
    return total


def list_parts(channel: Channel, session: int, total: int) -> Iterator[bytes]:
    """The parts of our list that wait for an answer, as they travel."""
    for part in channel.book.sent(session):
        if part.tokens is None:
            yield encode(
                Part(
                    epoch=channel.epoch.digest,
                    purpose=channel.epoch.terms.purpose,
                    kind=Kind.POINTS,
                    sender=channel.epoch.place(channel.own),
                    session=session,
                    index=part.index,
                    total=total,
                    data=part.points,
                )
            )


def _new_values(channel: Channel, items: Iterable[bytes]) -> list[bytes]:
    """What was not answered before in this epoch, each once.

    By Python's own hash of 64 bits, whose seed differs from process to process: of a million values beside a million,
    one new one in 10 million days is taken for an old one, and brought the day after.
    """
    given = list(items)
    known = np.sort(np.concatenate([_hashes(()), *(_hashes(part.values) for _, part in channel.book.sent_parts())]))
    if not len(known):
        return list(dict.fromkeys(given))
    hashes = _hashes(given)
    order = np.argsort(hashes)  # looked up in their order: ten times quicker than at random
    found = np.empty(len(given), dtype=bool)
    found[order] = known[np.minimum(np.searchsorted(known, hashes[order]), len(known) - 1)] == hashes[order]
    return list(dict.fromkeys(given[place] for place in np.flatnonzero(~found).tolist()))


def _hashes(values: Sequence[bytes]) -> Places:
    return np.fromiter(map(hash, values), dtype=np.int64, count=len(values))


def _shuffled(channel: Channel, total: int) -> Places:
    # the order of as many random keys is uniform, and nothing of a generator's state can be seen through it
    keys = np.frombuffer(channel.randomness(8 * total), dtype=np.uint64)
    return np.argsort(keys, kind="stable")


def _make_part(channel: Channel, index: int, values: list[bytes], order: Places) -> SentPart:
    """``order``: for each place which of values, check points and padding (in this order, counted on) stands there."""
    checks = checks_for(len(values))
    scalar = own_scalar(channel.epoch.terms, channel.scalars)
    at_values = np.flatnonzero(order < len(values))
    at_checks = np.flatnonzero((order >= len(values)) & (order < len(values) + checks))
    at_padding = np.flatnonzero(order >= len(values) + checks)
    chosen = tuple(values[place] for place in order[at_values].tolist())
    points = np.empty((len(order), group.POINT_BYTES), dtype=np.uint8)
    points[at_values] = _rows(channel.multiplier.blind(scalar, channel.epoch.dst, chosen))
    made, expected = _check_points(channel, len(at_checks))
    points[at_checks] = _rows(made)
    points[at_padding] = _rows(b"".join(group.to_point(channel.randomness(64)) for _ in range(len(at_padding))))
    places = at_checks.astype("<u4").tobytes()
    return SentPart(
        index=index,
        points=points.tobytes(),
        values=chosen,
        places=at_values.astype("<u4").tobytes(),
        checks=b"".join(
            place + token for place, token in zip(group.split(places, 4), group.split(expected, 16), strict=True)
        ),
    )


def _check_points(channel: Channel, count: int) -> tuple[bytes, bytes]:
    """(r*G, the 16 bytes that must come back) of fresh scalars r."""
    theirs = channel.epoch.commitments[1 - channel.epoch.place(channel.own)].point
    scalars = [group.to_scalar(channel.randomness(64)) for _ in range(count)]
    made = b"".join(group.multiply_base(scalar) for scalar in scalars)
    return made, b"".join(group.multiply(scalar, theirs)[:TOKEN_BYTES] for scalar in scalars)


def _rows(points: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(points, dtype=np.uint8).reshape(-1, group.POINT_BYTES)
