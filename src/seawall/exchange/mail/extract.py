"""From the content of a believed mail to a draft: values, objects and markings; everything in it is data.

What a person quoted (lines that begin with ``>``, or stand below the answer) and signatures (behind ``-- ``) are left
out: they are somebody else's words. Attachments are read in memory by their content; names serve people only, and
nothing is unpacked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from email.message import MIMEPart

from seawall.codec.csv_indicators import read_csv
from seawall.codec.html_text import without_tags
from seawall.codec.indicators import IndicatorRow, Rejected
from seawall.codec.ioc_text import read_text
from seawall.codec.losses import LossCounter
from seawall.codec.misp import parse_misp
from seawall.codec.sharing import encode
from seawall.codec.stix import parse_bundle
from seawall.exchange.mail.bounds import ATTACHMENTS, EXCERPT, NAME, OBJECTS, PROBLEMS, TEXT_BYTES, VALUES
from seawall.exchange.mail.opening import Opened, leaves, parse, payload
from seawall.exchange.mail.subject import SaidInSubject, read_subject
from seawall.model import Fault, Observable, Pap, Tlp
from seawall.model.mail import Draft, DraftAttachment, DraftValue

Flags = Callable[[Observable], tuple[str, ...]]
"""Reasons to look at a value twice."""
_QUOTE_BELOW = re.compile(
    r"-{3,}\s?(?:Original Message|原始郵件|원본 메시지|Original Appointment)\s?-{3,}|_{20,}\s*$", re.I
)
"""What programs put above the mail that they answer, without a mark on each of its lines."""
MARKING_LINES = 40  # of the text in which a line may mark the whole mail


class _Gathered:
    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self.values: dict[Observable, DraftValue] = {}
        self.objects: dict[bytes, str] = {}
        self.attachments: list[DraftAttachment] = []
        self.problems: list[str] = []
        self.tlp: list[Tlp] = []

    def rows(self, rows: Iterable[IndicatorRow | Rejected], found_in: str) -> None:
        for row in rows:
            if isinstance(row, Rejected):
                self.problem(f"{found_in}, {row.index}: {row.reason}")
                continue
            if len(self.values) >= VALUES:
                self.problem(f"{found_in}: only the first {VALUES} values of the mail were taken")
                return
            if row.tlp is not None:
                self.tlp.append(row.tlp)
            observable = Observable(row.type, row.value)
            if observable not in self.values:
                self.values[observable] = DraftValue(
                    type=row.type,
                    value=row.value,
                    found_in=found_in,
                    description=row.description,
                    confidence=row.confidence,
                    valid_from=row.valid_from,
                    valid_until=row.valid_until,
                    flags=self._flags(observable),
                )

    def problem(self, sentence: str) -> None:
        if len(self.problems) < PROBLEMS:
            self.problems.append(sentence)


def extract(opened: Opened, floor: Tlp, unmarked: Pap, flags: Flags) -> Draft:
    """What the mail holds, marked at least as strictly as ``floor`` and as its own subjects and text say; ``unmarked``
    is the PAP where they say none.

    Raises NotBelieved (malformed) for content beyond the bounds.
    """
    found = _Gathered(flags)
    text = _of_text(opened, found)
    said = [read_subject(subject) for subject in opened.subjects]
    said += [_marking(line) for line in text.splitlines()[:MARKING_LINES]]
    found.rows(read_text(_own_words(text, found)), "text")
    return Draft(
        tlp=max([floor, *found.tlp, *(one.tlp for one in said if one.tlp is not None)]),
        pap=max((one.pap for one in said if one.pap is not None), default=unmarked),
        values=tuple(found.values.values()),
        objects=tuple(found.objects.values()),
        attachments=tuple(found.attachments),
        problems=tuple(found.problems),
        text=text.replace("\r\n", "\n")[:EXCERPT],
    )


def _marking(line: str) -> SaidInSubject:
    """A line that begins with a marking marks the mail; one that speaks of TLP in passing does not."""
    return read_subject(line[:80]) if re.match(r"\W*(?:TLP|PAP)\s*:", line[:20], re.IGNORECASE) else SaidInSubject()


def _of_text(opened: Opened, found: _Gathered) -> str:
    if opened.inline:
        return opened.content[:TEXT_BYTES].decode("utf-8", "replace")
    plain: list[str] = []
    marked_up: list[str] = []
    for part in leaves(parse(opened.content)):
        kind, name = part.get_content_type(), _bare_name(part)
        if kind == "text/plain" and name is None:
            plain.append(_decoded(part))
        elif kind == "text/html" and name is None:
            marked_up.append("".join(without_tags(_decoded(part).splitlines())))
        elif kind != "application/pgp-signature":
            _attachment(part, name or kind, found)
    return "\n".join(plain if any(text.strip() for text in plain) else marked_up)


def _attachment(part: MIMEPart, name: str, found: _Gathered) -> None:
    if len(found.attachments) >= ATTACHMENTS:
        found.problem(f"only the first {ATTACHMENTS} attachments were looked at")
        return
    data = payload(part)
    try:
        read_as = _take(data, name, part.get_content_type(), found)
    except Fault as fault:
        found.attachments.append(DraftAttachment(name, len(data), None, str(fault)))
    else:
        found.attachments.append(
            DraftAttachment(name, len(data), read_as, None if read_as else "this kind of file is not opened")
        )


def _take(data: bytes, name: str, kind: str, found: _Gathered) -> str | None:
    suffix = name.rpartition(".")[2].lower()
    if suffix in ("json", "stix", "stix2") or kind in ("application/json", "application/stix+json"):
        return _take_json(data, name, found)
    if suffix in ("csv", "tsv") or kind == "text/csv":
        found.rows(read_csv(_text_lines(data), LossCounter()), name)
        return "csv"
    if suffix in ("txt", "ioc", "md", "log", "list") or kind == "text/plain":
        found.rows(read_text(_text_lines(data)), name)
        return "text"
    return None


def _take_json(data: bytes, name: str, found: _Gathered) -> str:
    try:
        bundle = parse_bundle(data)
    except Fault as fault:
        if fault.code != "E-STIX-002":
            raise
        events = parse_misp(data)
        _keep_objects([encode(made) for made in events.objects], events.rejected, name, found)
        return "misp"
    _keep_objects(bundle.bodies, bundle.rejected, name, found)
    for sentence in bundle.problems:
        found.problem(f"{name}: {sentence}")
    return "stix"


def _keep_objects(bodies: list[bytes], rejected: list[Rejected], name: str, found: _Gathered) -> None:
    for body in bodies:
        if len(found.objects) >= OBJECTS:
            found.problem(f"{name}: only the first {OBJECTS} objects of the mail were taken")
            break
        found.objects.setdefault(body, body.decode("utf-8", "replace"))
    for one in rejected:
        found.problem(f"{name}, {one.index}: {one.reason}")


def _text_lines(data: bytes) -> list[str]:
    return data.decode("utf-8-sig", "replace").splitlines(keepends=True)


def _own_words(text: str, found: _Gathered) -> list[str]:
    kept: list[str] = []
    quoted = 0
    for line in text.splitlines():
        if line.rstrip("\r\n") in ("-- ", "--") or _QUOTE_BELOW.match(line):
            break
        if line.lstrip().startswith(">"):
            quoted += 1
        else:
            kept.append(line)
    if quoted:
        found.problem(f"{quoted} quoted lines were left out")
    return kept


def _bare_name(part: MIMEPart) -> str | None:
    """The name without folders and without what would not print; None for the text itself."""
    name = part.get_filename()
    if not name and part.get_content_disposition() != "attachment":
        return None
    bare = re.split(r"[/\\]", str(name or "unnamed"))[-1]
    bare = "".join(letter for letter in bare if letter.isprintable()).strip(" .")[:NAME]
    return bare or "unnamed"


def _decoded(part: MIMEPart) -> str:
    data = payload(part)[:TEXT_BYTES]
    try:
        return data.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
