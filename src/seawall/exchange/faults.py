"""Faults of this room that carry the HTTP status they mean at a TAXII door."""

from __future__ import annotations

from seawall.model import Fault, Refused, Unavailable


class ProtocolFault(Fault):
    """The other side used the protocol wrongly; ``status`` is the HTTP status that says so."""

    def __init__(self, status: int, code: str, text: str, *, retry_after: int | None = None, **values: object) -> None:
        """``retry_after``: seconds after which it is worth asking again."""
        self.status = status
        self.retry_after = retry_after
        super().__init__(code, text, **values)


class Busy(Unavailable):
    """The peer asked us to come again in ``seconds``, which is longer than one synchronisation waits."""

    def __init__(self, peer: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(
            "E-EXCHANGE-122",
            "The peer {peer} is busy; it is asked again in {seconds} seconds.",
            peer=peer,
            seconds=seconds,
        )


class Unauthenticated(Refused):
    """Nobody we know: HTTP 401 at the local listener."""


def unauthenticated() -> Unauthenticated:
    """The one answer to a wrong, expired or missing credential."""
    return Unauthenticated(
        "E-EXCHANGE-401", "Give a user name and token (Basic) or a token (Bearer) that this node knows."
    )
