"""A CSV file (RFC 4180) for people and for tools that we have no feed for; safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io

from seawall.model import ObservableType
from seawall.model.directive import Directive
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text, one_line, spreadsheet_cell

NAME = "csv"
TYPES = frozenset(ObservableType) - {ObservableType.PATTERN}  # which no tool can block
FILES = ("seawall.csv",)
COLUMNS = ("type", "value", "action", "expires_at", "reason", "source", "indicator", "release", "undo", "flags")


class CsvWriter:
    """One CSV file, UTF-8, CRLF line ends."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._text = io.TextIOWrapper(sink(FILES[0]), "utf-8", errors="replace", newline="", write_through=False)
        self._rows = csv.writer(self._text, lineterminator="\r\n")
        self._rows.writerow(COLUMNS)

    def add(self, directive: Directive) -> Objection | None:
        """One row; every type of value fits."""
        self._rows.writerow(
            (
                directive.observable.type.value,
                spreadsheet_cell(directive.observable.value),
                directive.action.value,
                moment_text(directive.expires_at),
                spreadsheet_cell(directive.reason),
                spreadsheet_cell(directive.source),
                one_line(directive.indicator_id),
                directive.release,
                directive.undo_id,
                " ".join(directive.flags),
            )
        )
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last row; the stream stays open for its owner."""
        self._text.flush()
        self._text.detach()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=False, open=CsvWriter)
