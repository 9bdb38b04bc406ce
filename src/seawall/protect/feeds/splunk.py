"""Look-up files of Splunk Enterprise Security's threat intelligence, by the headers that its manual demands.

Splunk ES, "Supported types of threat intelligence": ip_intel ``description,ip,weight``, domain_intel
``description,domain,weight``, file_intel ``description,file_hash,file_name,weight``, http_intel
``description,http_referrer,http_user_agent,url,weight``, email_intel ``description,src_user,subject,weight``. Weight is
1 to 100, by default 60; what may only be watched weighs half. ES knows no end of one value: the description names it.

A value must stand unchanged to be found, so one that a spreadsheet would run, or that holds Splunk's wildcard, is left
out instead of altered.
"""

from __future__ import annotations

import csv
import io

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.forms import line
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text, one_line, spreadsheet_cell

NAME = "splunk"
HEADERS = {
    "ip_intel.csv": ("description", "ip", "weight"),
    "domain_intel.csv": ("description", "domain", "weight"),
    "http_intel.csv": ("description", "http_referrer", "http_user_agent", "url", "weight"),
    "file_intel.csv": ("description", "file_hash", "file_name", "weight"),
    "email_intel.csv": ("description", "src_user", "subject", "weight"),
}
_COLUMNS = {
    ObservableType.IPV4: ("ip_intel.csv", "ip"),
    ObservableType.IPV6: ("ip_intel.csv", "ip"),
    ObservableType.CIDR: ("ip_intel.csv", "ip"),
    ObservableType.DOMAIN: ("domain_intel.csv", "domain"),
    ObservableType.URL: ("http_intel.csv", "url"),
    ObservableType.MD5: ("file_intel.csv", "file_hash"),
    ObservableType.SHA1: ("file_intel.csv", "file_hash"),
    ObservableType.SHA256: ("file_intel.csv", "file_hash"),
    ObservableType.FILE_NAME: ("file_intel.csv", "file_name"),
    ObservableType.EMAIL: ("email_intel.csv", "src_user"),
}
TYPES = frozenset(_COLUMNS)
FILES = tuple(HEADERS)
WEIGHTS = {Action.ALERT: 30, Action.WATCH: 30}
WEIGHT = 60  # Splunk's own default


class SplunkWriter:
    """One CSV for each collection."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        del heading  # a header must be the first line, and nothing else may stand beside rows
        self._texts = {name: io.TextIOWrapper(sink(name), "utf-8", newline="") for name in FILES}
        self._rows = {
            name: csv.DictWriter(text, HEADERS[name], restval="", lineterminator="\n")
            for name, text in self._texts.items()
        }
        for rows in self._rows.values():
            rows.writeheader()

    def add(self, directive: Directive) -> Objection | None:
        """One row in the file of its kind."""
        value = line(directive.observable)
        if value is None or "*" in value:
            return objections.FORMAT
        if spreadsheet_cell(value) != value:
            return objections.FORMULA
        name, column = _COLUMNS[directive.observable.type]
        said = f"Seawall {directive.action} until {moment_text(directive.expires_at)} undo {directive.undo_id}"
        self._rows[name].writerow(
            {
                "description": one_line(f"{said}: {directive.reason}"),
                column: value,
                "weight": WEIGHTS.get(directive.action, WEIGHT),
            }
        )
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Nothing follows the last row; the streams stay open for their owner."""
        for text in self._texts.values():
            text.flush()
            text.detach()
        return []


FEED = Feed(NAME, TYPES, FILES, folder=True, open=SplunkWriter)
