"""What a peer is told when a step of a comparison is refused: whatever could show that it was caught sounds alike.

Its decoy hits, figures that wait for two people, a suspension and everything else that our people decided are one
sentence in one shape. Only what follows from what the peer itself sent, or from bounds that it may know, is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seawall.model import Fault, Refused, Unavailable

TELLABLE = frozenset(
    {
        "E-FLOW-507", "E-FLOW-553", "E-FLOW-554", "E-FLOW-565", "E-FLOW-567",  # cannot be read
        "E-FLOW-520", "E-FLOW-522",  # more than its budget, which it was told; another part under one name
        "E-FLOW-551",  # no circle that both agreed on
        "E-FLOW-555", "E-FLOW-556", "E-FLOW-557",  # another epoch or version, none agreed, a greeting of another time
        "E-FLOW-568", "E-FLOW-569", "E-FLOW-570",  # no counter set, counted often enough, a list before its key
        "E-EXCHANGE-783",  # counted often enough for the relay
        "E-FLOW-750", "E-FLOW-751", "E-FLOW-752", "E-FLOW-753",  # counted first, and in turn
    }
)  # fmt: skip
"""Codes of refusals that a peer may read in their own words."""
FORM = frozenset(
    {f"E-EXCHANGE-{number}" for number in (702, 703, 704, 705, *range(710, 723), 724)}
)  # with which ``exchange.psi`` refuses what a peer sent, whatever we hold


def neutral() -> Refused:
    """The one answer for everything else."""
    return Refused("E-FLOW-754", "This is not compared with your node now; if it lasts, ask our people by telephone.")


def tellable(fault: Fault) -> bool:
    """Whether the peer may read why."""
    return fault.code in TELLABLE or fault.code in FORM


def told_to_peer(fault: Fault, *, you: str = "your node") -> str:
    """The sentence that goes to the peer."""
    if not tellable(fault):
        return neutral().text
    return fault.text.format(**(fault.values | ({"peer": you} if "peer" in fault.values else {})))


@contextmanager
def told_apart() -> Iterator[None]:
    """Inside a handler of messages: a fault that tells too much leaves it as the neutral one, Refused E-FLOW-754.

    The sentence of a handler's fault goes to the sender. ``Unavailable`` passes: the message comes again.
    """
    try:
        yield
    except Unavailable:
        raise
    except Fault as fault:
        if tellable(fault):
            raise
        raise neutral() from fault
