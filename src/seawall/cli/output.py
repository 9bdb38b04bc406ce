"""How results, progress and errors are shown: results on stdout, everything else on stderr."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from seawall.messages import translate

if TYPE_CHECKING:
    from rich.progress import Progress

CONTROL_CHARACTERS = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))}
TURNING_CHARACTERS = {
    code: f"\\u{code:04x}" for code in (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
"""Line separators and marks that change the direction of writing: they make a line read otherwise than it is."""
_ESCAPES = CONTROL_CHARACTERS | TURNING_CHARACTERS
MOMENTS = frozenset(
    {
        "at", "time", "first_seen", "last_seen", "other_first_seen", "told_at", "created_at", "last_run", "last_sync",
        "made_at", "first_expiry", "first_event", "last_event",
    }
)  # fmt: skip
"""Keys whose texts are moments of ours, RFC 3339 in UTC; in text they are shown in the node's zone."""


def printable(value: object) -> str:
    """Text that cannot drive the terminal: control and direction characters are shown as escapes (rule 7)."""
    return str(value).translate(_ESCAPES)


class Cost:
    """Seconds, CPU-seconds (with finished children) and peak memory since construction."""

    def __init__(self) -> None:
        self._wall = time.monotonic()
        self._cpu = self._cpu_now()

    @staticmethod
    def _cpu_now() -> float:
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    def as_dict(self) -> dict[str, float | int]:
        """The three keys that long commands add to their JSON."""
        return {
            "seconds": round(time.monotonic() - self._wall, 3),
            "cpu_seconds": round(self._cpu_now() - self._cpu, 3),
            "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


class Bar:
    """What a long command says of its way; without a person watching it says nothing."""

    def __init__(self, shown: Progress | None = None) -> None:
        self._shown = shown
        self._begun = time.monotonic()
        self._task = shown.add_task("", total=None, rate="") if shown is not None else None

    @property
    def seconds(self) -> float:
        """Since it began; never 0, so that a rate can be taken."""
        return max(time.monotonic() - self._begun, 0.001)

    def show(self, done: int, total: int | None = None, rate: str = "") -> None:
        """Now ``done`` of ``total`` (None: nobody knows), at ``rate`` in words."""
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=done, total=total, rate=rate)


class Output:
    """One command's way of speaking: JSON or text, in the reader's language."""

    def __init__(self, *, json: bool, lang: str, timezone: str = "UTC") -> None:
        self.json = json
        self.lang = lang
        self._timezone = timezone
        self._zone: tzinfo | None = None

    def tr(self, text: str, **values: object) -> str:
        """The sentence in the reader's language."""
        return translate(text, self.lang, **values)

    def result(self, document: object, lines: Iterable[str] = ()) -> None:
        """One JSON document under ``--json``, else the lines."""
        if self.json:
            sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
        else:
            for line in lines:
                sys.stdout.write(printable(line) + "\n")

    def pairs(self, document: dict[str, object]) -> None:
        """A flat result as aligned ``name value`` lines, or as JSON."""
        width = max((len(key) for key in document), default=0)
        self.result(document, (f"{key:<{width}}  {self._shown(key, value)}" for key, value in document.items()))

    def table(
        self,
        items: Sequence[dict[str, object]],
        columns: Sequence[str],
        *,
        empty: str,
        following: object = None,
        extra: dict[str, object] | None = None,
    ) -> None:
        """A list: ``{"items": [...], "next": ...}`` under ``--json``, else a table, or one sentence when empty."""
        if self.json:
            self.result({"items": list(items), "next": following, **(extra or {})})
            return
        if not items:
            sys.stdout.write(self.tr(empty) + "\n")
        else:
            self._draw(items, columns)
        if following is not None:
            self.note("There is more; go on with --after {next}.", next=following)

    def _draw(self, items: Sequence[dict[str, object]], columns: Sequence[str]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold")
        for item in items:
            table.add_row(*(Text(printable(self._shown(column, item.get(column)))) for column in columns))
        Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200, soft_wrap=False).print(table)

    def _shown(self, key: str, value: object) -> str:
        if value is None:
            return "-"
        if isinstance(value, bool):
            return self.tr("yes") if value else self.tr("no")
        if isinstance(value, dict):
            return ", ".join(f"{name} {self._shown(str(name), part)}" for name, part in value.items()) or "-"
        if isinstance(value, list | tuple | set | frozenset):
            between = "; " if any(isinstance(part, dict) for part in value) else ", "
            return between.join(self._shown("", part) for part in value) or "-"
        return self.moment(value) if key in MOMENTS and isinstance(value, str) else str(value)

    def moment(self, text: str) -> str:
        """A moment of ours (RFC 3339) in the node's zone, to the second."""
        if self._zone is None:
            try:
                self._zone = ZoneInfo(self._timezone)
            except (OSError, ValueError, KeyError):
                self._zone = UTC
        try:
            return datetime.fromisoformat(text).astimezone(self._zone).isoformat(sep=" ", timespec="seconds")
        except ValueError:
            return text

    def note(self, text: str, **values: object) -> None:
        """A remark for the person, on stderr."""
        sys.stderr.write(printable(self.tr(text, **values)) + "\n")

    def waiting(self, holder: str) -> None:
        """Tell whom a writer of the lake waits for."""
        self.note("The lake is being written by {holder}; waiting for it to end.", holder=holder)

    @contextmanager
    def progress(self, description: str, *, rows: bool = False) -> Iterator[Bar]:
        """A progress bar on stderr when a person is watching. It counts bytes, or ``rows``."""
        if not sys.stderr.isatty():
            yield Bar()
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        with Progress(
            TextColumn(self.tr(description)),
            BarColumn(),
            MofNCompleteColumn() if rows else DownloadColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as shown:
            yield Bar(shown)
