"""One blinded look-up: is this value among those that the other side brought into the epoch?

    1 asker      c*H(x) for a fresh scalar c                       ask
    2 answerer   b*(c*H(x)), and the proof that b is its key       answer_question
    3 asker      checks the proof, takes c off: b*H(x), and with a the token of x, looked up among the other side's
                 tokens of this epoch                              read_answer

What it tells. The answerer: that one question was asked, and when; c*H(x) is a random point whatever x is, so neither
the value nor the answer, not even later. The asker: whether x is among the values that the answerer brought into this
epoch by then; with b*H(x) kept, also whether it brings x later in the epoch. A value that the answerer holds but did
not bring (excluded, too young, over the budget) is answered "not known", like one that it does not hold.

Unlike a session this is one-sided: the answerer does not learn what it was asked. So each question costs one guess of
the same budget, spent before it is answered.
"""

from __future__ import annotations

from seawall.exchange.psi import group
from seawall.exchange.psi.epoch import own_scalar
from seawall.exchange.psi.interface import Answered, BeforeAnswering, Channel
from seawall.exchange.psi.matching import holds
from seawall.exchange.psi.parts import Kind, Part, check_place, check_time, decode, encode
from seawall.exchange.psi.proofs import PROOF_BYTES, check_equal, prove_equal
from seawall.model import Refused
from seawall.model.psi import TOKEN_BYTES

KEY_BYTES = 16


def ask(channel: Channel, value: bytes) -> bytes:
    """The question to send. Kept in the book until it is dropped. Raises Refused E-EXCHANGE-713 out of the epoch."""
    check_time(channel.epoch, channel.clock())
    own_scalar(channel.epoch.terms, channel.scalars)  # without it the answer would be of no use
    key, blind = channel.randomness(KEY_BYTES), group.to_scalar(channel.randomness(64))
    channel.book.put_question(key.hex(), value, blind, channel.clock())
    return _encoded(channel, Kind.QUESTION, key + group.multiply(blind, group.hash_to_group(value, channel.epoch.dst)))


def answer_question(channel: Channel, body: bytes, before_answering: BeforeAnswering) -> bytes:
    """The reply to a question; the same question gets the same reply, and costs once.

    Raises Refused E-EXCHANGE-702, 710 to 713 and 724 for what is no question of this epoch.
    """
    key, point = _opened(channel, body, Kind.QUESTION, group.POINT_BYTES)
    group.checked_point(point)
    scalar = own_scalar(channel.epoch.terms, channel.scalars)
    # the point in the key: another question under the same key costs again
    before_answering(1, f"{channel.epoch.id}:ask:{key.hex()}:{point.hex()}")
    public = channel.epoch.commitments[channel.epoch.place(channel.own)].point
    made = group.multiply(scalar, point)
    nonce = group.hash_to_scalar(scalar + key + point, channel.epoch.dst + b"|nonce")
    return _encoded(
        channel, Kind.REPLY, key + made + prove_equal(scalar, public, [point], [made], _context(channel), nonce)
    )


def read_answer(channel: Channel, body: bytes) -> Answered:
    """What the reply says.

    Raises Refused E-EXCHANGE-703 when it was not made with the other side's key, E-EXCHANGE-722 for a question that
    was not asked, E-EXCHANGE-702, 710 to 713 and 724 for what is no reply of this epoch.
    """
    key, said = _opened(channel, body, Kind.REPLY, group.POINT_BYTES + PROOF_BYTES)
    question = channel.book.question(key.hex())
    if question is None:
        raise Refused(
            "E-EXCHANGE-722", "An answer came to a question that was not asked, or is settled; it was refused."
        )
    value, blind = question
    made, proof = said[: group.POINT_BYTES], said[group.POINT_BYTES :]
    asked = group.multiply(blind, group.hash_to_group(value, channel.epoch.dst))
    public = channel.epoch.commitments[1 - channel.epoch.place(channel.own)].point
    check_equal(public, [asked], [made], proof, _context(channel))
    scalar = own_scalar(channel.epoch.terms, channel.scalars)
    token = group.multiply(scalar, group.multiply(group.invert(blind), made))[:TOKEN_BYTES]
    return Answered(key=key.hex(), value=value, known=holds(channel, token))


def _context(channel: Channel) -> bytes:
    return b"Seawall-PSI-v1-ask|" + channel.epoch.digest


def _encoded(channel: Channel, kind: Kind, data: bytes) -> bytes:
    epoch = channel.epoch
    return encode(
        Part(
            epoch=epoch.digest,
            purpose=epoch.terms.purpose,
            kind=kind,
            sender=epoch.place(channel.own),
            session=0,
            data=data,
        )
    )


def _opened(channel: Channel, body: bytes, kind: Kind, size: int) -> tuple[bytes, bytes]:
    part = decode(body)
    check_place(part, channel.epoch, channel.own, channel.clock())
    if part.kind is not kind or len(part.data) != KEY_BYTES + size:
        raise Refused("E-EXCHANGE-724", "A part of another kind than this step waits for came; it was refused.")
    return part.data[:KEY_BYTES], part.data[KEY_BYTES:]
