"""What ``match`` needs from the lake and from reference data, as Protocols. The lake's own types fit them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa

from seawall.model import Observable


class LakeSession(Protocol):
    """One consistent snapshot of the lake, answering SQL."""

    @property
    def generation(self) -> int:
        """The manifest's generation; rises with every commit."""

    def register(self, name: str, table: pa.Table, /) -> None:
        """Make an Arrow table readable under ``name`` in this session."""

    def sql(self, query: str, parameters: Sequence[object] = (), /) -> pa.Table:
        """Run one statement."""

    def observations(self, after: int = 0, days: Collection[int] | None = None, /) -> str:
        """Relation text of the rows committed in generations after ``after``; columns of OBSERVATION_SCHEMA.

        ``days`` (since 1970-01-01 UTC): only rows of these.
        """

    def rollup(self, after: int = 0, /) -> str:
        """Likewise of the roll-up, columns of ROLLUP_SCHEMA; consumers GROUP BY."""

    def rollup_about(self, keys: Sequence[tuple[str, str]], columns: Sequence[str], /) -> str:
        """Roll-up rows, among them all whose value equals a key (type, canonical value) or is in or below it."""

    def days(self) -> frozenset[int]:
        """The UTC days of which there are observations."""

    def rolled_days(self) -> frozenset[int]:
        """UTC days of which there is a roll-up; some may be missing while there are observations of them."""

    def derived(self, name: str, /) -> str | None:
        """Relation text of a derived dataset; None when there is none."""

    def note(self, key: str, /) -> str | None:
        """A small remembered text."""


class LakeWriter(LakeSession, Protocol):
    """The one writer; everything becomes visible together at the end."""

    def append_derived(self, name: str, sql: str, /) -> object:
        """Add the query's rows to a derived dataset."""

    def replace_derived(self, name: str, sql: str, /) -> object:
        """Put the query's rows in place of a derived dataset."""

    def set_note(self, key: str, value: str, /) -> object:
        """Remember a small text."""


class MatchLake(Protocol):
    """The part of ``seawall.lake.Lake`` that matching uses."""

    def reading(self) -> AbstractContextManager[LakeSession]:
        """A consistent snapshot."""

    def writing(self, on_wait: Callable[[str], None], /) -> AbstractContextManager[LakeWriter]:
        """The writer's lock; ``on_wait`` hears a sentence while another process holds it."""


KeySource = pa.Table | Callable[[int], pa.Table]
"""All keys as a table, or a provider: the keys whose number is greater than the argument."""


class Screens(Protocol):
    """Reference look-ups that keep values out of the candidates. ``flow`` fills it from ``seawall.reference``."""

    def is_own(self, observable: Observable, /) -> bool:
        """True for our own addresses and names."""

    def listed(self, observable: Observable, /) -> str | None:
        """The name of the warninglist that holds the value."""

    def registered_domain(self, name: str, /) -> str | None:
        """The registrable part of a name by the public suffix list; None for a public suffix or an address."""
