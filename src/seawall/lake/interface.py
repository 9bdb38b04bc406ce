"""What a lake engine must provide. ``engines/`` holds one implementation per file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol

from seawall.lake.manifest import Part

if TYPE_CHECKING:
    import pyarrow as pa

OnWait = Callable[[str], None]
"""Called when a writer must wait; receives the name of who holds the lake, such as "process 12", for a screen."""


class EngineRefusal(Exception):
    """The engine refuses a query or its input, such as a line that is no JSON. For the caller, not for a person."""


class LakeSession(Protocol):
    """A consistent snapshot: what is committed later does not show here."""

    @property
    def generation(self) -> int:
        """The number of commits this snapshot holds; rises by one with each commit."""

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable in SQL under ``name`` until the session ends."""

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Run one statement; its rows (none for a statement without a result). ``?`` places take ``parameters``.

        Raises Unavailable E-LAKE-005 when memory, disk or a file fails, EngineRefusal when the query or its input
        is wrong.
        """

    def observations(self, after: int = 0, days: Collection[int] | None = None) -> str:
        """Relation text for FROM, with the columns of OBSERVATION_SCHEMA: rows committed in generations > ``after``.

        ``days`` (since 1970-01-01 UTC): only rows of these. Compaction changes neither the rows nor their generations.
        """

    def rollup(self, after: int = 0) -> str:
        """Relation text with the columns of ROLLUP_SCHEMA; one key may have rows from several batches: GROUP BY.

        Raises Fault E-LAKE-007 when rows of generations on both sides of ``after`` have become one by compaction.
        """

    def rollup_about(self, keys: Sequence[tuple[str, str]], columns: Sequence[str]) -> str:
        """Relation text with at least ``columns`` of ROLLUP_SCHEMA, until it is asked again: at least every row whose
        value is equal to one of the keys (type, canonical value), in its range, or a name below its domain.
        """

    def days(self) -> frozenset[int]:
        """The UTC days (since 1970-01-01) of which there are observations."""

    def rolled_days(self) -> frozenset[int]:
        """The UTC days that have a roll-up file of their own; compaction and retention see to it that all have."""

    def derived(self, name: str) -> str | None:
        """Relation text of the derived data set ``name``; None when it was never written."""

    def note(self, key: str) -> str | None:
        """A small value kept with the snapshot; None when absent."""

    def parts(self) -> tuple[Part, ...]:
        """The observation files of this snapshot, oldest first."""

    def read_part(self, part: Part, columns: Sequence[str]) -> pa.Table:
        """Some columns of one file, in row order. Raises Unavailable E-LAKE-003 when it cannot be read."""


class LakeWriter(LakeSession, Protocol):
    """A session that may write. All of it becomes visible in one step at the end, or none of it."""

    def append_observations(self, relation: str | pa.Table) -> tuple[Part, ...]:
        """Add rows with the columns of OBSERVATION_SCHEMA except ``event``, which is given here; the files made.

        String columns may be dictionary-encoded. Raises Fault E-LAKE-006 when a column is missing, of another type
        or NULL where it must not be.
        """

    def rewrite_observations(self, part: Part, rows: pa.Table) -> tuple[Part, ...]:
        """Put ``rows``, the same events with the columns of OBSERVATION_SCHEMA, in place of a file; the files made.

        Event numbers stay. Raises as ``append_observations``.
        """

    def append_rollup(self, relation: str | pa.Table) -> None:
        """Add roll-up rows with the columns of ROLLUP_SCHEMA."""

    def remove_rollup(self, days: Collection[int]) -> None:
        """Take out the roll-up rows of some days (since 1970-01-01 UTC)."""

    def append_derived(self, name: str, relation: str | pa.Table) -> int:
        """Add rows to a derived data set; the number of rows added."""

    def replace_derived(self, name: str, relation: str | pa.Table) -> int:
        """Replace a derived data set; the number of rows it has now."""

    def remove_derived(self, name: str) -> None:
        """Forget a derived data set; forgetting what is not there changes nothing."""

    def set_note(self, key: str, value: str) -> None:
        """Keep a small value with the snapshot."""

    def remove_note(self, key: str) -> None:
        """Forget a small value; forgetting what is not there changes nothing."""
