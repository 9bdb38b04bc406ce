"""What is wrong with a sealed message: one code and one sentence for each cause, and no part of what it holds."""

from __future__ import annotations

from seawall.exchange.envelope.bounds import VERSION
from seawall.model import Refused


class BadEnvelope(Refused):
    """A sealed message that is not taken in. Nothing of it may be used."""


def oversized() -> BadEnvelope:
    """Larger than any may be."""
    return BadEnvelope("E-EXCHANGE-741", "A sealed message is larger than one may be; it was not read.")


def cut_short() -> BadEnvelope:
    """Its outside does not fit together."""
    return BadEnvelope("E-EXCHANGE-742", "What came is no sealed message, or was cut short; it was not read.")


def other_version(given: int) -> BadEnvelope:
    """An older or a newer suite: nothing is spoken but the one."""
    return BadEnvelope(
        "E-EXCHANGE-743",
        "A sealed message is of version {given} and this node speaks version {known}; update the older of the two "
        "nodes.",
        given=given,
        known=VERSION,
    )


def unknown_key() -> BadEnvelope:
    """Sealed for a prekey that was wiped, or for somebody else's."""
    return BadEnvelope(
        "E-EXCHANGE-744",
        "A sealed message is for a key that this node does not hold or has wiped; its sender runs 'seawall sync' and "
        "sends it again.",
    )


def other_mailbox() -> BadEnvelope:
    """Swapped on the way."""
    return BadEnvelope(
        "E-EXCHANGE-745", "A sealed message lay in another place than it was sealed for; it was not read."
    )


def altered() -> BadEnvelope:
    """The seal does not open."""
    return BadEnvelope(
        "E-EXCHANGE-746", "A sealed message cannot be opened: it was altered on the way, or sealed with another key."
    )


def unreadable() -> BadEnvelope:
    """Opened, and no message."""
    return BadEnvelope(
        "E-EXCHANGE-747",
        "What was sealed is no message that this version can read; update the older of the two nodes.",
    )


def not_from_peer() -> BadEnvelope:
    """Neither its signature nor its shared key is that peer's."""
    return BadEnvelope(
        "E-EXCHANGE-748", "A sealed message is not from the peer whose place it lay in; it was not taken in."
    )


def for_another() -> BadEnvelope:
    """Surreptitious forwarding: said to somebody else, sealed anew for us."""
    return BadEnvelope(
        "E-EXCHANGE-749", "A sealed message was meant for another node or another key; it was not taken in."
    )


def from_the_future() -> BadEnvelope:
    """Its moment lies too far ahead."""
    return BadEnvelope(
        "E-EXCHANGE-750",
        "A sealed message bears a moment in the future; compare both clocks, then have it sent again.",
    )


def expired() -> BadEnvelope:
    """Its time is over."""
    return BadEnvelope("E-EXCHANGE-751", "A sealed message came after its time was over; it was not taken in.")


def downgraded() -> BadEnvelope:
    """Inside it says another version than outside."""
    return BadEnvelope(
        "E-EXCHANGE-752", "A sealed message was put into an envelope of another version; it was not taken in."
    )


def unknown_sender_key() -> BadEnvelope:
    """Between us, with a key of the sender's that never came or was given up."""
    return BadEnvelope(
        "E-EXCHANGE-753",
        "A sealed message that only its recipient can check names a key of its sender that is not held here; run "
        "'seawall sync' with it once, then have it sent again.",
    )
