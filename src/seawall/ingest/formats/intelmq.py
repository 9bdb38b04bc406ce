"""IntelMQ events, one JSON object a line with flat dotted keys, as its file output writes them.

An event is what somebody else reports about ``source``, and not what a sensor of ours saw. So basis ``analyst`` is
given only when the event also names the address of the other end: then the own-asset ranges tell which end is ours, and
the candidate rule (a hostile basis at the remote end of one of our own) decides. An entry of a list, such as a
blocklist or the domains of a botnet, names one end; it stays context and can never become a candidate of our own
sensors. So do the classes that accuse nobody: what is vulnerable, tests, and what is not classed.

The feed is the sensor: name it in the sensor table to give it a side, a sector and a time zone.

Reference: IntelMQ 3.x, "Event" (harmonization); its classification types are those of RSIT.
"""

from __future__ import annotations

from typing import Any

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import JsonLines, array_lines, first_objects, looks_like_objects
from seawall.ingest.salvage import JsonReader

RSIT = {  # class -> types, machine tags version 1003; IntelMQ names the same types, the class is often left out
    "abusive-content": ("spam", "harmful-speech", "violence"),
    "malicious-code": ("infected-system", "c2-server", "malware-distribution", "malware-configuration"),
    "information-gathering": ("scanner", "sniffing", "social-engineering"),
    "intrusion-attempts": ("ids-alert", "brute-force", "exploit"),
    "intrusions": (
        "privileged-account-compromise",
        "unprivileged-account-compromise",
        "application-compromise",
        "system-compromise",
        "burglary",
    ),
    "availability": ("dos", "ddos", "misconfiguration", "sabotage", "outage"),
    "information-content-security": (
        "unauthorised-information-access",
        "unauthorised-information-modification",
        "data-loss",
        "data-leak",
    ),
    "fraud": ("unauthorised-use-of-resources", "copyright", "masquerade", "phishing"),
    "vulnerable": (
        "weak-crypto",
        "ddos-amplifier",
        "potentially-unwanted-accessible",
        "information-disclosure",
        "vulnerable-system",
    ),
    "other": ("other", "undetermined"),
    "test": ("test",),
}
ACCUSING_NOBODY = ("vulnerable", "other", "test")
SHAPE: dict[str, Any] = {
    "classification.type": "",
    "time.source": "",
    "time.observation": "",
    "feed.name": "",
    "source.ip": "",
    "source.port": "",
    "source.fqdn": "",
    "source.url": "",
    "destination.ip": "",
    "destination.port": "",
    "destination.fqdn": "",
    "destination.url": "",
    "protocol.transport": "",
    "malware.name": "",
    "malware.hash.md5": "",
    "malware.hash.sha1": "",
    "malware.hash.sha256": "",
    "event_description.text": "",
}
STRICT_TEXTS = frozenset({"classification.type", "feed.name", "protocol.transport", "malware.name"})
_TYPE = '"classification.type"'
_CLASS = "CASE {} END".format(
    " ".join(f"WHEN {_TYPE} IN {repr(types).replace(',)', ')')} THEN '{group}'" for group, types in RSIT.items())
)
_BOTH = "nullif(\"source.ip\", '') IS NOT NULL AND nullif(\"destination.ip\", '') IS NOT NULL"
_OF_SOURCE = '("source.fqdn" IS NOT NULL OR "source.url" IS NOT NULL)'

COLUMNS = {
    "kind": "'intelmq'",
    "sensor": "nullif(\"feed.name\", '')",
    "time": "epoch_us(TRY_CAST(CASE WHEN ends_with(coalesce({0}, {1}), '+00:00') THEN coalesce({0}, {1}) END "
    "AS TIMESTAMPTZ))".format('"time.source"', '"time.observation"'),
    "time_raw": 'coalesce("time.source", "time.observation")',
    "src_raw": "nullif(\"source.ip\", '')",
    "src_port_raw": '"source.port"',
    "dst_raw": "nullif(\"destination.ip\", '')",
    "dst_port_raw": '"destination.port"',
    "protocol": '"protocol.transport"',
    "client_is_source": f"CASE WHEN {_OF_SOURCE} THEN false END",  # the name belongs to the end that is reported
    "host": f'lower(rtrim(CASE WHEN {_OF_SOURCE} THEN "source.fqdn" ELSE "destination.fqdn" END, \'.\'))',
    "path": f'CASE WHEN {_OF_SOURCE} THEN "source.url" ELSE "destination.url" END',
    "md5": '"malware.hash.md5"',
    "sha1": '"malware.hash.sha1"',
    "sha256": '"malware.hash.sha256"',
    "signature": '"malware.name"',
    "category": _TYPE,
    "cve_text": '"event_description.text"',
    "basis": f"CASE WHEN {_BOTH} AND {_CLASS} NOT IN {ACCUSING_NOBODY} THEN 'analyst' ELSE 'none' END",
    "rsit": f"{_CLASS} || ':' || {_TYPE}",
}
LINES = JsonLines(
    SHAPE,
    COLUMNS,
    telling=("classification.type", "feed.name", "time.observation", "raw"),
    kind="time.observation",
    foreign=("not-intelmq", "it has no time of observation"),
    strict_texts=STRICT_TEXTS,
)


class IntelMq:
    """IntelMQ events; see ``interface.Format`` for what each method promises."""

    name = "intelmq"

    def recognises(self, head: bytes) -> bool:
        """True when an early line is an object with IntelMQ's time of observation, and a class or a feed."""
        events = first_objects(head, (b'"time.observation"',))
        return any(
            "time.observation" in event and event.keys() & {"classification.type", "feed.name"} for event in events
        )

    def plausible(self, head: bytes) -> bool:
        """True when a line that looks like the beginning of an object has one of IntelMQ's keys."""
        return b'"classification.type"' in head and looks_like_objects(head)

    def unfold(self, whole: bytes) -> bytes | None:
        """An array of events, one a line."""
        return array_lines(whole)

    def reader(self, engine: Engine) -> Reader:
        """Events need no memory of earlier lines."""
        return JsonReader(LINES, engine)
