"""IDEA0 alerts (Intrusion Detection Extensible Alert), one JSON object a line, a file, or in an array.

An alert names any number of sources and targets, each with any number of addresses: one record for each pair, so that
every attacker stands beside every victim. Beyond PAIRS records, each source stands once beside the first target and
each target once beside the first source: no end is lost. Ranges are no addresses and leave the end empty.

Sources attack, targets suffer. Basis ``honeypot`` when a node that detected it is one, ``alert`` otherwise, and
``none`` for categories that accuse nobody (CALM). The sensor is the first node, which detected the event.

Reference: idea.cesnet.cz, "IDEA format definition" (version IDEA0), and its classifications (category, node type).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import array_lines, first_objects
from seawall.ingest.records import LineRefused, Record, RecordReader
from seawall.model.unreadable import UNREADABLE

NOT_IDEA = "not-idea0"
NOT_JSON = "not-json"
WRONG_TYPE = "wrong-type"
TOO_MANY = "too-many-ends"
PAIRS = 256  # records of one alert; a scan of a /24 seen from one source
ENDS = 4096  # addresses of one alert; a report of more is a list
TRAPS = ("Honeypot", "Tarpit")
CALM = ("Vulnerable", "Anomaly", "Other", "Test")  # first parts of categories
RSIT = {  # category -> class; the longest beginning that fits
    "Abusive": "abusive-content:harmful-speech",
    "Abusive.Spam": "abusive-content:spam",
    "Abusive.Violence": "abusive-content:violence",
    "Malware": "malicious-code:malware-distribution",
    "Recon": "information-gathering:scanner",
    "Recon.Sniffing": "information-gathering:sniffing",
    "Recon.SocialEngineering": "information-gathering:social-engineering",
    "Attempt": "intrusion-attempts:ids-alert",
    "Attempt.Exploit": "intrusion-attempts:exploit",
    "Attempt.Login": "intrusion-attempts:brute-force",
    "Intrusion": "intrusions:system-compromise",
    "Intrusion.AdminCompromise": "intrusions:privileged-account-compromise",
    "Intrusion.UserCompromise": "intrusions:unprivileged-account-compromise",
    "Intrusion.AppCompromise": "intrusions:application-compromise",
    "Intrusion.Botnet": "malicious-code:infected-system",
    "Availability": "availability:outage",
    "Availability.DoS": "availability:dos",
    "Availability.DDoS": "availability:ddos",
    "Availability.Sabotage": "availability:sabotage",
    "Information": "information-content-security:unauthorised-information-access",
    "Information.UnauthorizedModification": "information-content-security:unauthorised-information-modification",
    "Fraud": "fraud:masquerade",
    "Fraud.UnauthorizedUsage": "fraud:unauthorised-use-of-resources",
    "Fraud.Copyright": "fraud:copyright",
    "Fraud.Phishing": "fraud:phishing",
    "Vulnerable": "vulnerable:vulnerable-system",
}


class Idea0:
    """IDEA0; see ``interface.Format`` for what each method promises."""

    name = "idea0"

    def recognises(self, head: bytes) -> bool:
        """True when an early line, or the whole as far as it is seen, is an object of format IDEA0."""
        if any(event.get("Format") == "IDEA0" for event in first_objects(head, (b'"IDEA0"',))):
            return True
        return _one_object(head) is not None

    def plausible(self, head: bytes) -> bool:
        """True when the text says that it is IDEA0."""
        return b'"IDEA0"' in head

    def unfold(self, whole: bytes) -> bytes | None:
        """An array of alerts, or one alert over many lines, as lines."""
        lines = array_lines(whole)
        return lines if lines is not None else _one_object(whole)

    def reader(self, engine: Engine) -> Reader:
        """Alerts need no memory of earlier lines."""
        return RecordReader(_Decoder(), engine)


class _Decoder:
    def decode(self, line: bytes) -> Sequence[Record]:
        """The records of an alert. Raises LineRefused."""
        try:
            alert = msgspec.json.decode(line)
        except UNREADABLE as error:
            raise LineRefused(NOT_JSON, str(error).removeprefix("JSON is malformed: ")) from error
        if not isinstance(alert, dict) or alert.get("Format") != "IDEA0":
            raise LineRefused(NOT_IDEA, "it is no object whose Format is 'IDEA0'")
        common = _common(alert)
        sources, targets = _ends(alert, "Source"), _ends(alert, "Target")
        if len(sources) + len(targets) > ENDS:
            raise LineRefused(TOO_MANY, f"it names more than {ENDS} addresses")
        return [common | _pair(source, target) for source, target in _pairs(sources, targets)]


def _one_object(whole: bytes) -> bytes | None:
    """One alert over several lines as one line; None for anything else."""
    if not whole.lstrip().startswith(b"{") or b'"IDEA0"' not in whole or b"\n" not in whole.strip():
        return None
    try:
        alert = msgspec.json.decode(whole)
    except UNREADABLE:
        return None
    return whole.replace(b"\n", b" ").replace(b"\r", b" ") if alert.get("Format") == "IDEA0" else None


def _common(alert: dict[str, Any]) -> Record:
    """What all records of an alert share."""
    categories = _texts(alert, "Category")
    nodes = _objects(alert, "Node")
    accusing = [category for category in categories if category.split(".")[0] not in CALM]
    trap = any(kind in TRAPS for node in nodes for kind in _texts(node, "Type"))
    attached = _objects(alert, "Attach")
    hashes = (text.partition(":") for one in attached for text in _texts(one, "Hash"))
    found = {kind.lower(): value for kind, _, value in hashes}
    return {
        "kind": "idea0",
        "sensor": _text(nodes[0], "Name") if nodes else None,
        "time_raw": _text(alert, "EventTime") or _text(alert, "DetectTime"),
        "md5": found.get("md5"),
        "sha1": found.get("sha1"),
        "sha256": found.get("sha256"),
        "file_name": next((name for one in attached for name in _texts(one, "FileName")), None),
        "signature": _text(alert, "Description"),
        "category": categories[0] if categories else None,
        "cve_text": " ".join(text for text in _texts(alert, "Ref") if text.lower().startswith("cve:")) or None,
        "basis": "none" if not accusing else "honeypot" if trap else "alert",
        "rsit": _class(accusing or categories),
    }


def _class(categories: list[str]) -> str | None:
    """The class of the first category that has one."""
    for category in categories:
        for beginning in (category, category.split(".")[0]):
            if beginning in RSIT:
                return RSIT[beginning]
    return None


def _ends(alert: dict[str, Any], side: str) -> list[Record]:
    """Every address of one side with its port, protocol, name and URL; one empty end when there is none."""
    found: list[Record] = []
    for end in _objects(alert, side):
        ports, names, urls = (_texts(end, key) for key in ("Port", "Hostname", "URL"))
        kinds = [kind for kind in _texts(end, "Proto") if kind.lower() in ("tcp", "udp", "icmp", "icmp6", "sctp")]
        shared: Record = {
            "port": ports[0] if len(ports) == 1 else None,  # of several ports none is the one
            "name": names[0] if names else None,
            "url": urls[0] if urls else None,
            "protocol": kinds[0] if kinds else None,
        }
        addresses = [address for key in ("IP4", "IP6") for address in _texts(end, key)]
        for address in addresses or [""]:
            named = shared | {"address": _single(address)}
            if named not in found[-1:]:  # ranges of one source are all alike
                found.append(named)
    return found or [{}]


def _single(address: str) -> str | None:
    """An address, None for a range: ``a-b``, or a network wider than one address."""
    alone = address.removesuffix("/32") if "." in address else address.removesuffix("/128")
    return alone if alone and "/" not in alone and "-" not in alone else None


def _pairs(sources: list[Record], targets: list[Record]) -> Iterable[tuple[Record, Record]]:
    if len(sources) * len(targets) <= PAIRS:
        return [(source, target) for source in sources for target in targets]
    return [(source, targets[0]) for source in sources] + [(sources[0], target) for target in targets[1:]]


def _pair(source: Record, target: Record) -> Record:
    """Name and URL are the target's, or else the source's, which then is the end that is asked."""
    named = target if target.get("name") or target.get("url") else source
    name = named.get("name")
    return {
        "src_raw": source.get("address"),
        "src_port_raw": source.get("port"),
        "dst_raw": target.get("address"),
        "dst_port_raw": target.get("port"),
        "protocol": target.get("protocol") or source.get("protocol"),
        "host": str(name).lower().rstrip(".") if name else None,
        "path": named.get("url"),
        "client_is_source": False if named is source and (name or named.get("url")) else None,
    }


def _objects(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects of a list. Raises LineRefused for anything else."""
    found = value.get(key) or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise LineRefused(WRONG_TYPE, f"{key} is no list of objects")
    return found


def _texts(value: dict[str, Any], key: str) -> list[str]:
    """The texts and numbers of a list, or of one text. Raises LineRefused for anything else."""
    found = value.get(key)
    items = found if isinstance(found, list) else [] if found is None else [found]
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in items):
        raise LineRefused(WRONG_TYPE, f"{key} is no list of texts")
    return [str(item) for item in items]


def _text(value: dict[str, Any], key: str) -> str | None:
    return next(iter(_texts(value, key)), None)
