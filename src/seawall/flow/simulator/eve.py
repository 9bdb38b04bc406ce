"""Rows -> lines of Suricata 7 EVE JSON, as a live sensor with ``sensor-name`` set writes them.

The texts are in ``shapes``; here each ``<column>`` place is filled, a column at a time for all rows of a kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seawall.flow.simulator.own import Ground
from seawall.flow.simulator.rows import Kind, Rows
from seawall.flow.simulator.shapes import SHAPES
from seawall.flow.simulator.signatures import rendered
from seawall.flow.simulator.timestamps import Timestamps
from seawall.flow.simulator.words import hexadecimal
from seawall.flow.simulator.world import World

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/133.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:136.0) Gecko/20100101 Firefox/136.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Safari/605.1.15",
    "curl/8.5.0",
    "python-requests/2.32.3",
)
SSH_CLIENTS = ("OpenSSH_9.6", "libssh2_1.11.0", "Go", "PuTTY_Release_0.81")
ANOMALIES = (
    '"app_proto":"http","type":"applayer","event":"REQUEST_FIELD_MISSING_COLON","layer":"proto_parser"',
    '"app_proto":"tls","type":"applayer","event":"APPLAYER_DETECT_PROTOCOL_ONLY_ONE_DIRECTION","layer":"proto_detect"',
    '"type":"stream","event":"stream.pkt_invalid_ack"',
)


@dataclass(frozen=True)
class Template:
    """A shape made ready: ``text % values``, the values being those of ``columns`` in order."""

    text: str
    columns: tuple[str, ...]

    @staticmethod
    def of(shape: str) -> Template:
        columns = tuple(re.findall(r"<([a-z0-9_]+)>", shape))
        text = re.sub(
            r"<([a-z0-9_]+)>", lambda place: "%06d" if place[1] == "micro" else "%s", shape.replace("%", "%%")
        )
        return Template(text, columns)


TEMPLATES = {kind: Template.of(shape) for kind, shape in SHAPES.items()}


class Writer:
    """Writes rows of one world as lines. Keeps the rendered tables; holds no state between calls."""

    def __init__(self, ground: Ground, world: World) -> None:
        tables = world.tables
        digest = hexadecimal(np.random.default_rng([len(tables.names), 5]), len(tables.names), 20)
        self.fingerprints = [":".join(text[place : place + 2] for place in range(0, 40, 2)) for text in digest]
        self._skew = np.array([sensor.skew_seconds * 1_000_000 for sensor in ground.sensors], dtype=np.int64)
        self._texts: dict[str, tuple[str, list[str]]] = {
            "client": ("client", tables.addresses),
            "server": ("server", tables.addresses),
            "answer": ("answer", tables.addresses),
            "rrtype": ("answer", [*("AAAA" if ":" in text else "A" for text in tables.addresses), "A"]),  # -1: A
            "site": ("site", tables.names),
            "path": ("path", tables.paths),
            "file": ("file", tables.files),
            "ja3": ("ja3", tables.ja3),
            "alert": ("signature", rendered()),
            "sensor": ("sensor", [sensor.name for sensor in ground.sensors]),
            "fingerprint": ("site", self.fingerprints),
            "serial": ("site", [text[:32].upper() for text in digest]),
            "mail_from": ("site", [f"office@{name}" for name in tables.names]),
            "mail_to": ("sensor", [f"desk@{sensor.domain}" for sensor in ground.sensors]),
        }

    def lines(self, rows: Rows) -> list[str]:
        """One line a row, each with its newline, in the rows' order. Sensors' wrong clocks are applied here."""
        lines = np.empty(len(rows), dtype=object)
        for number in np.unique(rows.kind).tolist():
            place = np.flatnonzero(rows.kind == number)
            lines[place] = self._lines_of(TEMPLATES[Kind(number)], rows.take(place))
        texts: list[str] = lines.tolist()
        return texts

    def _lines_of(self, template: Template, rows: Rows) -> list[str]:
        stamps = Timestamps(rows.time + self._skew[rows.sensor], rows.flow % 90)
        columns = [self._column(name, rows, stamps) for name in template.columns]
        text = template.text
        return [text % values for values in zip(*columns, strict=True)]

    def _column(self, name: str, rows: Rows, stamps: Timestamps) -> list[str] | list[int]:
        if name in self._texts:
            column, table = self._texts[name]
            return [table[number] for number in getattr(rows, column).tolist()]
        if name in ("second", "started", "micro"):
            stamp: list[str] | list[int] = getattr(stamps, name)()
            return stamp
        made: list[str] | list[int] = MADE[name](rows)
        return made


def _number(low: int, count: int, shift: int) -> Callable[[Rows], list[int]]:
    """Cosmetic numbers from the flow id: no need for more chance."""
    return lambda rows: (low + (rows.flow >> shift) % count).tolist()


def _of(texts: tuple[str, ...], shift: int) -> Callable[[Rows], list[str]]:
    return lambda rows: [texts[pick] for pick in ((rows.flow >> shift) % len(texts)).tolist()]


def _applications(rows: Rows) -> list[str]:
    known = {80: "http", 443: "tls", 53: "dns", 22: "ssh", 25: "smtp", 445: "smb"}
    return [known.get(port, "failed") for port in rows.port.tolist()]


def _ports(rows: Rows) -> list[int]:
    ports: list[int] = rows.port.tolist()
    return ports


def _flows(rows: Rows) -> list[int]:
    flows: list[int] = rows.flow.tolist()
    return flows


def _file_names(rows: Rows) -> list[str]:
    return [f"part-{number:x}.bin" for number in rows.path.tolist()]


MADE: dict[str, Callable[[Rows], list[int] | list[str]]] = {
    "flow": _flows,
    "port": _ports,
    "port_client": _number(1_024, 64_000, 5),
    "pkts": _number(1, 60, 3),
    "pkts_back": _number(1, 90, 4),
    "bytes": _number(60, 60_000, 2),
    "bytes_back": _number(120, 900_000, 1),
    "small": _number(1, 60_000, 6),
    "age": _number(0, 90, 0),
    "status": lambda rows: np.where((rows.flow >> 3) % 12 == 0, 404, 200).tolist(),
    "method": _of(("GET", "GET", "GET", "POST"), 4),
    "content": _of(("text/html", "application/json", "application/octet-stream"), 7),
    "agent": _of(AGENTS, 8),
    "ssh_client": _of(SSH_CLIENTS, 9),
    "anomaly": _of(ANOMALIES, 9),
    "application": _applications,
    "file_name": _file_names,
    "attachment": _of(("minutes.docx", "invoice.zip", "plan.pdf", "budget.xlsx"), 10),
}
"""Columns without a table, by name."""
