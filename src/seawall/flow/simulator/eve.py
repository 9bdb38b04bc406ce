"""Rows -> lines of Suricata 7 EVE JSON, as a live sensor with ``sensor-name`` set writes them.

Each shape is the text of a real line (OISF's own test outputs) with ``<column>`` places; a column is made once for
all rows of a kind. Field names and their order follow Suricata 7.0's ``output-json*.c``; IPv6 is written in full.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seawall.flow.simulator.own import Ground
from seawall.flow.simulator.rows import Kind, Rows
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

_HEAD = '{"timestamp":"<second>.<micro>+0000","flow_id":<flow>,"in_iface":"eth0","event_type":"%s",'
_OUT = '"src_ip":"<client>","src_port":<port_client>,"dest_ip":"<server>","dest_port":<port>,"proto":"%s",'
_BACK = '"src_ip":"<server>","src_port":<port>,"dest_ip":"<client>","dest_port":<port_client>,"proto":"%s",'
_WIRE = '"pkt_src":"wire/pcap",'
_TAIL = '"host":"<sensor>"}\n'
_HTTP = (
    '"http":{"hostname":"<site>","url":"<path>","http_user_agent":"<agent>","http_content_type":"<content>",'
    '"http_method":"<method>","protocol":"HTTP/1.1","status":<status>,"length":<bytes_back>},'
)
_TLS = (
    '"tls":{"subject":"CN=<site>","issuerdn":"C=ZZ, O=Example Trust, CN=R3","serial":"<serial>",'
    '"fingerprint":"<fingerprint>","sni":"<site>","version":"TLS 1.2","notbefore":"2026-01-02T00:00:00",'
    '"notafter":"2026-04-02T00:00:00",'
    '"ja3":{"hash":"<ja3>","string":"771,4865-4866-49195-49199,0-23-65281-10-11,29-23,0"},'
    '"ja3s":{"hash":"15af977ce25de452b96affa2addb1036","string":"771,4866,43-51"}},'
)
_SSH = (
    '"ssh":{"client":{"proto_version":"2.0","software_version":"<ssh_client>"},'
    '"server":{"proto_version":"2.0","software_version":"OpenSSH_9.2p1"}},'
)
_SMTP = '"smtp":{"helo":"mx.<site>","mail_from":"<mail_from>","rcpt_to":["<mail_to>"]},'
_EMAIL = '"email":{"status":"PARSE_DONE","attachment":["<attachment>"]},'
_SMB = (
    '"smb":{"id":<small>,"dialect":"3.11","command":"SMB2_COMMAND_CREATE","status":"STATUS_SUCCESS","status_code":"0x0",'
    '"session_id":<flow>,"tree_id":1,"filename":"<attachment>","disposition":"FILE_OPEN","access":"normal"},'
)
_FILE = (
    '"filename":"<file_name>","gaps":false,"state":"CLOSED","sha256":"<file>","stored":false,'
    '"size":<bytes_back>,"tx_id":0'
)
_COUNTS = '"pkts_toserver":<pkts>,"pkts_toclient":<pkts_back>,"bytes_toserver":<bytes>,"bytes_toclient":<bytes_back>,'
_QUERY = '"type":"query","id":<small>,"rrname":"<site>","rrtype":"<rrtype>","tx_id":0,"opcode":0'
_ANSWER = (
    '"type":"answer","id":<small>,"flags":"%s","qr":true,"rd":true,"ra":true,"opcode":0,"rrname":"<site>","rrtype":"A",'
)
_SOA = (
    '"authorities":[{"rrname":"test","rrtype":"SOA","ttl":899,"soa":{"mname":"a.nic.test","rname":"noc.nic.test",'
    '"serial":2026031500,"refresh":3600,"retry":1800,"expire":604800,"minimum":3600}}]'
)
_TCP = (
    '"tcp":{"tcp_flags":"1b","tcp_flags_ts":"1b","tcp_flags_tc":"1b","syn":true,"fin":true,"psh":true,"ack":true,'
    '"state":"closed","ts_max_regions":1,"tc_max_regions":1},'
)


def _flow(protocol: str, application: str, tcp: str) -> str:
    return (
        _HEAD % "flow" + _OUT % protocol + f'"app_proto":"{application}",'
        '"flow":{' + _COUNTS + '"start":"<started>.<micro>+0000","end":"<second>.<micro>+0000","age":<age>,'
        '"state":"closed","reason":"timeout","alerted":false},' + tcp + _TAIL
    )


def _alert(shown: str, application: str, direction: str = "to_server", protocol: str = "TCP") -> str:
    ends = (_OUT if direction == "to_server" else _BACK) % protocol
    flow = (
        '"flow":{' + _COUNTS + '"start":"<second>.<micro>+0000",'
        '"src_ip":"<client>","dest_ip":"<server>","src_port":<port_client>,"dest_port":<port>},'
    )
    head = _HEAD % "alert" + ends + _WIRE + '"tx_id":0,"alert":<alert>,'
    return head + shown + f'"app_proto":"{application}","direction":"{direction}",' + flow + _TAIL


SHAPES: dict[Kind, str] = {
    Kind.FLOW: _flow("TCP", "<application>", _TCP),
    Kind.FLOW_UDP: _flow("UDP", "dns", ""),
    Kind.DNS_QUERY: _HEAD % "dns" + _OUT % "UDP" + _WIRE + '"dns":{"version":2,' + _QUERY + "}," + _TAIL,
    Kind.DNS_ANSWER: _HEAD % "dns" + _OUT % "UDP" + _WIRE + '"dns":{"version":2,' + _ANSWER % "8180"
    + '"rcode":"NOERROR","answers":[{"rrname":"<site>","rrtype":"<rrtype>","ttl":<age>,"rdata":"<answer>"}],'
    '"grouped":{"<rrtype>":["<answer>"]}},' + _TAIL,
    Kind.DNS_NXDOMAIN: _HEAD % "dns" + _OUT % "UDP" + _WIRE + '"dns":{"version":2,' + _ANSWER % "8183"
    + '"rcode":"NXDOMAIN",' + _SOA + "}," + _TAIL,
    Kind.HTTP: _HEAD % "http" + _OUT % "TCP" + _WIRE + '"tx_id":0,' + _HTTP + _TAIL,
    Kind.TLS: _HEAD % "tls" + _OUT % "TCP" + _WIRE + _TLS + _TAIL,
    Kind.FILE: _HEAD % "fileinfo" + _BACK % "TCP" + _WIRE + _HTTP
    + '"app_proto":"http","fileinfo":{' + _FILE + "}," + _TAIL,
    Kind.SSH: _HEAD % "ssh" + _OUT % "TCP" + _WIRE + '"tx_id":0,' + _SSH + _TAIL,
    Kind.SMTP: _HEAD % "smtp" + _OUT % "TCP" + _WIRE + '"tx_id":0,' + _SMTP + _EMAIL + _TAIL,
    Kind.SMB: _HEAD % "smb" + _OUT % "TCP" + _WIRE + _SMB + _TAIL,
    Kind.ANOMALY: _HEAD % "anomaly" + _OUT % "TCP" + _WIRE + '"anomaly":{<anomaly>},' + _TAIL,
    Kind.STATS: '{"timestamp":"<second>.<micro>+0000","event_type":"stats","stats":{"uptime":<bytes>,'
    '"decoder":{"pkts":<bytes_back>,"bytes":<flow>,"invalid":0,"ipv4":<bytes_back>,"ipv6":<bytes>,"tcp":<bytes_back>,'
    '"udp":<bytes>,"avg_pkt_size":612,"max_pkt_size":1514},"tcp":{"syn":<pkts>,"synack":<pkts>,"rst":<pkts_back>,'
    '"sessions":<bytes>},"detect":{"engines":[{"id":0,"last_reload":"2026-03-01T00:00:00.000000+0000",'
    '"rules_loaded":22,"rules_failed":0,"rules_skipped":0}],"alert":<pkts>}},' + _TAIL,
    Kind.ALERT: _alert("", "failed"),
    Kind.ALERT_HTTP: _alert(_HTTP, "http"),
    Kind.ALERT_TLS: _alert(_TLS, "tls"),
    Kind.ALERT_FILE: _alert(_HTTP + '"files":[{' + _FILE + "}],", "http", "to_client"),
    Kind.ALERT_SSH: _alert(_SSH, "ssh"),
    Kind.ALERT_SMTP: _alert(_SMTP + _EMAIL, "smtp"),
    Kind.ALERT_SMB: _alert(_SMB, "smb"),
    Kind.ALERT_DNS: _alert('"dns":{"version":2,"answer":{"version":2,' + _ANSWER % "8183" + '"rcode":"NXDOMAIN"}},',
        "dns", "to_client", "UDP"),
}  # fmt: skip


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
