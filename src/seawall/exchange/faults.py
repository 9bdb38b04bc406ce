"""Faults of this room that carry the HTTP status they mean at a TAXII door."""

from __future__ import annotations

from seawall.model import Fault, Refused


class ProtocolFault(Fault):
    """The other side used the protocol wrongly; ``status`` is the HTTP status that says so."""

    def __init__(self, status: int, code: str, text: str, **values: object) -> None:
        self.status = status
        super().__init__(code, text, **values)


class Unauthenticated(Refused):
    """Nobody we know: HTTP 401 at the local listener."""


def unauthenticated() -> Unauthenticated:
    """The one answer to a wrong, expired or missing credential."""
    return Unauthenticated(
        "E-EXCHANGE-401", "Give a user name and token (Basic) or a token (Bearer) that this node knows."
    )
