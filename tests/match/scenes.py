"""Screens without lists, and makers of traffic for the tests of candidates, contacts and warnings."""

from __future__ import annotations

from match.fake_lake import row
from seawall.model import Observable

HOUR = 3_600_000_000
OURS = "ours.example"


class PlainScreens:
    """Own is everything below ``ours.example``; ``listed`` holds given values; two labels make a registered name."""

    def __init__(self, *listed: str) -> None:
        self.on_list = frozenset(listed)

    def is_own(self, observable: Observable, /) -> bool:
        """Names below our domain."""
        return observable.value.endswith(OURS)

    def listed(self, observable: Observable, /) -> str | None:
        """The one list."""
        return "a list" if observable.value in self.on_list else None

    def registered_domain(self, name: str, /) -> str | None:
        """The last two labels."""
        labels = name.split(".")
        return ".".join(labels[-2:]) if len(labels) > 1 else None


class Traffic:
    """Collects rows; every row gets the next event number."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def meet(self, host: int, *, alarm: bool = False, at: int = 0, sensor: int = 0, **columns: object) -> None:
        """Own address number ``host`` meets a remote value; ``alarm`` makes the row an alert."""
        self.rows.append(
            row(
                len(self.rows) + 1,
                src=f"10.0.{host // 250}.{host % 250 + 1}",
                own_end="source",
                time=at,
                sensor=f"s{sensor}",
                kind="alert" if alarm else "flow",
                basis="alert" if alarm else "none",
                **{"sector": f"sector-{sensor % 10}", **columns},
            )
        )

    def crowd(self, hosts: int, *, alarms: int = 0, **columns: object) -> None:
        """``hosts`` own addresses behind 20 sensors meet it once each; the first ``alarms`` of them alarm."""
        for host in range(hosts):
            self.meet(host, alarm=host < alarms, sensor=host % 20, at=host * HOUR // 10, **columns)
