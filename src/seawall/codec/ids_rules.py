"""Snort and Suricata rules as indicators carried whole, one for each rule that is switched on.

Which of the two engines a rule is for is told by its keywords; what both would take counts as Suricata's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seawall.codec.converted import Converted, cve, day, references
from seawall.codec.rule_indicator import MAX_RULE, RuleSaid, rule_indicator

MAX_RULES = 200_000  # of one file: the large public rule sets hold 60,000
MAX_LINE = 64 * 1024  # characters of one rule, continuation lines included: Snort's own bound
_ACTIONS = frozenset(
    {
        "alert", "block", "drop", "log", "pass", "react", "reject", "rejectboth", "rejectdst", "rejectsrc", "rewrite",
        "sdrop",
    }
)  # fmt: skip
_ARROWS = ("->", "<>", "=>", "<-")
_SWITCHED_OFF = re.compile(r"#+\s*(?:alert|drop|reject|pass|log|block)\s+\w+\s+\S+\s+\S+\s+(?:->|<>|=>)")
_SURICATA = re.compile(
    r"(?:^|;\s*)(?:[a-z0-9]+\.[a-z_.]+|app-layer-protocol|app-layer-event|xbits|dataset|datarep|lua|filemd5|filesha1|filesha256"
    r"|tls_[a-z_]+|dns_query|bsize|dotprefix|endswith|startswith|noalert|target|http_user_agent|requires)\s*[:;]"
)
_SURICATA_HEAD = re.compile(
    r"\w+\s+(?:http2?|tls|dns|ssh|smb|ftp-data|dcerpc|mqtt|rdp|sip|krb5|nfs|tftp|snmp|quic|pkthdr|tcp-pkt|tcp-stream)\s"
)
_SNORT = re.compile(
    r"(?:^|;\s*)(?:metadata\s*:[^;]*\b(?:service|policy)\s|http_uri\s*[:;]\s*content|bufferlen|rem\s*:|service\s*:|gid\s*:\s*(?!1\b)\d|ssl_state|sd_pattern|file_type)"
)
_OPTION = re.compile(r'\s*([A-Za-z0-9_.\-]+)\s*(?::((?:"(?:[^"\\]|\\.)*"|[^;"\\]|\\.|"(?=;))*))?;', re.DOTALL)
MAX_OPTIONS = 1_000  # of one rule that are looked at


def is_rules(text: str) -> bool:
    """Whether a text reads like rules: at least one line with an action, addresses, a direction and options."""
    lines = (line.strip() for line in text.splitlines()[:2_000] if len(line) < MAX_LINE)
    return any(("sid:" in line or "msg:" in line) and _form(line) == "full" for line in lines)


def _form(line: str) -> str | None:
    """``full``: action, protocol, addresses, direction, options; ``short``: as Snort 3 allows, without addresses."""
    head, opening, _ = line.partition("(")
    words = head.split(None, 2)
    if not opening or not line.endswith(")") or not words or words[0] not in _ACTIONS:
        return None
    if len(words) < 3:
        return "short"
    arrow = next((mark for mark in _ARROWS if mark in words[2]), None)
    if arrow is None:
        return None
    source, _, target = words[2].partition(arrow)
    return "full" if source.strip() and target.strip() else None


def read_rules(data: bytes, source: str) -> Converted:
    """The rules of one file. ``source`` tells local rule numbers of different authors apart.

    Never raises for what the file holds. Lines that are switched off are counted as losses, comments are not.
    """
    found = Converted()
    text = data.decode("utf-8", "replace")
    for count, (number, raw) in enumerate(_logical_lines(text)):
        line = raw.strip()
        joined = line.replace("\\\n", " ")
        if count >= MAX_RULES * 2 or len(found.objects) >= MAX_RULES:
            found.reject(number, None, f"one file may hold {MAX_RULES} rules")
            break
        if not line or line.startswith("#"):
            if _SWITCHED_OFF.match(line):
                found.losses.add("rules:switched-off", line[:120])
            continue
        if len(line) > MAX_LINE or len(line.encode()) > MAX_RULE:
            found.reject(number, line[:60], f"a rule may have {MAX_LINE} characters")
        elif "\0" in line:
            found.reject(number, line[:60], "it holds NUL characters")
        elif _form(joined) is None:
            found.reject(number, line[:60], "it is no rule: action, addresses or options are missing")
        else:
            _keep(number, line, joined, source, found)
    return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of the first line, text) with lines that end in a backslash joined to the next."""
    held: list[str] = []
    first, size = 1, 0
    for number, line in enumerate(text.split("\n"), 1):
        if not held:
            first, size = number, 0
        held.append(line.removesuffix("\r"))
        size += len(line)
        if not held[-1].endswith("\\") or size > MAX_LINE:
            yield first, "\n".join(held)
            held = []
    if held:
        yield first, "\n".join(held)


def _keep(number: int, line: str, joined: str, source: str, found: Converted) -> None:
    options = _options(joined)
    sid = next((value for name, value in options if name == "sid"), None)
    if sid is None or not sid.isascii() or not sid.isdigit():
        found.reject(number, line[:60], "it has no rule number (sid)")
        return
    gid = next((value for name, value in options if name == "gid"), "1")
    rev = next((value for name, value in options if name == "rev"), None)
    kind = _engine(joined)
    message = next((value for name, value in options if name == "msg"), f"rule {sid}")
    metadata = dict(reversed(list(_metadata(options))))
    labels = [f"rule:{kind}:{gid}:{sid}", *([f"rule:rev:{rev}"] if rev else [])]
    labels += [f"classtype:{value}" for name, value in options if name == "classtype"]
    labels += [f"severity:{metadata['signature_severity']}"] if "signature_severity" in metadata else []
    tags = [
        f"attack.{value}" for name, value in _metadata(options) if name in ("mitre_technique_id", "mitre_tactic_id")
    ]
    found.objects.append(
        rule_indicator(
            RuleSaid(
                kind=kind,
                key=(gid, sid, source),
                name=message[:1_000] or f"rule {sid}",
                text=line,
                created=day(_dashed(metadata.get("created_at"))),
                modified=day(_dashed(metadata.get("updated_at"))),
                references=references(_linked(options)),
                tags=tags,
                labels=labels,
                harmless=metadata.get("signature_severity", "").lower() == "informational",
            )
        )
    )


def _engine(line: str) -> str:
    head, _, body = line.partition("(")
    if _form(line) == "short":
        return "snort"
    if _SURICATA.search(body) or _SURICATA_HEAD.match(head):
        return "suricata"
    return "snort" if _SNORT.search(body) else "suricata"


def _options(line: str) -> list[tuple[str, str]]:
    body = line[line.index("(") + 1 : line.rindex(")")]
    found: list[tuple[str, str]] = []
    place = 0
    while len(found) < MAX_OPTIONS and (match := _OPTION.match(body, place)) is not None:
        value = (match[2] or "").strip()
        if len(value) > 1 and value[0] == value[-1] == '"':
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.append((match[1].lower(), value))
        place = match.end()
    return found


def _metadata(options: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for name, value in options:
        if name == "metadata":
            for part in value.split(","):
                key, _, said = part.strip().partition(" ")
                yield key.lower(), said.strip()


def _dashed(text: str | None) -> str | None:
    return text.replace("_", "-") if text else None


def _linked(options: list[tuple[str, str]]) -> Iterator[str]:
    for name, value in options:
        if name == "reference":
            system, _, id = value.partition(",")
            system, id = system.strip().lower(), id.strip()
            if system == "url" and id:
                yield id if "://" in id else f"https://{id}"
            elif system == "cve" and id:
                yield cve(id if id.upper().startswith("CVE") else f"CVE-{id}") or f"cve {id}"
            elif id:
                yield f"{system} {id}"
