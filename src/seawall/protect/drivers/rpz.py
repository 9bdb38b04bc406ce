"""Resolvers beside this process, by response policy zones: our hidden primary as one of the agent's tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from seawall.model import Clock, Fault
from seawall.model.clock import system_clock
from seawall.model.order import Change, Order
from seawall.protect.drivers.interface import Drift, Outcome, ToolHit
from seawall.protect.rpz import RpzPrimary, RpzSettings
from seawall.protect.rpz.triggers import TYPES


class RpzDriver:
    """One primary and the resolvers that follow it."""

    name = "rpz"
    types = TYPES

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        port: int = 8753,
        zone: str = "rpz.seawall",
        secondaries: Sequence[Mapping[str, object]] = (),
        keys: Sequence[Mapping[str, object]] = (),
        sinkhole: Sequence[str] = (),
        logs: Sequence[str] = (),
        alert_only: bool = False,
        ttl_seconds: int = 30,
        refresh_seconds: int = 30,
        retry_seconds: int = 10,
        expire_seconds: int = 21_600,
        clock: Clock = system_clock,
    ) -> None:
        """Arguments as ``RpzSettings`` has them. Raises Fault E-PROTECT-100..109 and -111."""
        given = {name: value for name, value in locals().items() if name not in ("self", "clock")}
        try:
            settings = msgspec.convert(given | {"folder": str(folder)}, RpzSettings)
        except msgspec.ValidationError as error:
            raise Fault(
                "E-PROTECT-111", "The settings of the policy zones cannot be used: {reason}.", reason=str(error)
            ) from None
        self.primary = RpzPrimary(settings, clock)

    def prepare(self) -> None:
        """Listen and notify. Raises Unavailable E-PROTECT-110."""
        self.primary.start()

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """As one step of each zone."""
        return self.primary.apply(changes, at)

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """Both zones hold exactly these."""
        return self.primary.reconcile(orders, at)

    def expire(self, at: int) -> int:
        """Zones have no clock; the primary looks every second by itself too."""
        return self.primary.expire(at)

    def hits(self) -> list[ToolHit]:
        """From the logs of the resolvers."""
        return self.primary.hits()

    def position(self) -> str:
        """See ``Counting``: the zones' own book keeps how far each log was read."""
        return "kept"

    def resume(self, position: str) -> None:
        """See ``Counting``: nothing to do."""

    def clear(self) -> None:
        """Both zones empty."""
        self.primary.clear()

    def close(self) -> None:
        """Stop serving; the zones stay on disk."""
        self.primary.close()
