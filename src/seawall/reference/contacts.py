"""The contact directory's files: CSV or JSON with the fields of RFC 2350 that people need in an incident.

CSV: a header with ``name`` and any of the other fields; lists (fingerprints, members, languages) are separated by
semicolons. JSON: a list of such objects. Nothing is guessed: a telephone number is written as E.164 or refused.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from seawall.messages import is_spoken
from seawall.model import Fault
from seawall.model.contact import Contact
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_BYTES = 10 << 20  # the directory of all FIRST and TF-CSIRT teams is below 2 MB
MAX_CONTACTS = 10_000
MAX_TEXT = 500  # characters of a field
LISTS = frozenset({"fingerprints", "members", "languages"})
PHONES = frozenset({"phone", "phone_24x7", "deputy_phone"})
_E164 = re.compile(r"\+[1-9]\d{6,14}")  # ITU-T E.164: a country code, 15 digits at most
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_MAIL = re.compile(r"[^\s@<>\"(),:;\[\]]{1,64}@[^\s@<>\"(),:;\[\]]{1,253}")


def read_contacts(data: bytes) -> list[Contact]:
    """The entries of one file, in order.

    Raises Fault E-CONTACT-001 when it is neither CSV nor JSON, E-CONTACT-002 naming the first wrong field.
    """
    if len(data) > MAX_BYTES:
        raise _unreadable(f"it is larger than {MAX_BYTES} bytes")
    rows = _json(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{") else _csv(data)
    if not rows or len(rows) > MAX_CONTACTS:
        raise _unreadable(f"it holds {len(rows)} entries; 1 to {MAX_CONTACTS} are read")
    return [_contact(row, number) for number, row in enumerate(rows, 1)]


def readable_phone(number: str) -> str:
    """An E.164 number in groups of two or three digits, as it is dictated: ``+886 2 123 456 78``."""
    digits = number.removeprefix("+")
    groups = [digits[place : place + 3] for place in range(0, len(digits), 3)]
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2][:2], groups[-2][2:] + groups[-1]]
    return "+" + " ".join(groups)


def _json(data: bytes) -> list[dict[str, Any]]:
    try:
        document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except UNREADABLE as error:
        raise _unreadable(why(error)) from None
    rows = document.get("items", [document]) if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unreadable("it is no list of contacts")
    return rows


def _csv(data: bytes) -> list[dict[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows: list[dict[str, Any]] = []
        for row in reader:
            if None in row:
                raise _unreadable(f"line {reader.line_num} has more cells than the header")
            rows.append({str(name).strip(): value for name, value in row.items() if value})
            if len(rows) > MAX_CONTACTS:
                break
    except (UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(str(error)[:200]) from None
    if "name" not in (reader.fieldnames or ()):
        raise _unreadable("its header has no column 'name'")
    return rows


def _unreadable(reason: str) -> Fault:
    return Fault("E-CONTACT-001", "The contacts cannot be read: {reason}.", reason=reason)


def _contact(row: dict[str, Any], number: int) -> Contact:
    fields = {field.name for field in msgspec.structs.fields(Contact)}
    made: dict[str, Any] = {}
    for name, value in row.items():
        if name not in fields:
            raise _wrong(number, name, "there is no such field")
        made[name] = _list(value) if name in LISTS else _text(value)
    try:
        contact = msgspec.convert(made, Contact)
    except msgspec.ValidationError as error:
        raise _wrong(number, "name", str(error)) from None
    return _checked(contact, number)


def _checked(contact: Contact, number: int) -> Contact:
    for name in PHONES:
        if getattr(contact, name) and not _E164.fullmatch(_dialled(getattr(contact, name))):
            raise _wrong(number, name, "write it as E.164: + and the country code, then digits, e.g. +886223456789")
    if not contact.name or len(contact.name) > 64:
        raise _wrong(number, "name", "1 to 64 characters are needed")
    fingerprints = tuple("".join(one.split()).upper().removeprefix("0X") for one in contact.fingerprints)
    if not all(_FINGERPRINT.fullmatch(one) for one in fingerprints):
        raise _wrong(number, "fingerprints", "give the whole fingerprint, 40 or 64 hexadecimal digits")
    if contact.email and not _MAIL.fullmatch(contact.email):
        raise _wrong(number, "email", "it is no mail address")
    if not all(_LANGUAGE.fullmatch(one) for one in contact.languages):
        raise _wrong(number, "languages", "use language tags such as ko, zh-Hant or en")
    try:
        ZoneInfo(contact.timezone)
    except (OSError, ValueError, KeyError):
        raise _wrong(number, "timezone", "use a name like Asia/Seoul") from None
    phones = {name: _dialled(getattr(contact, name)) for name in PHONES}
    return msgspec.structs.replace(contact, fingerprints=fingerprints, **phones)


def spoken_language(contact: Contact) -> str | None:
    """The first of their languages that we write; None when there is none."""
    return next((language for language in contact.languages if is_spoken(language)), None)


def _dialled(text: str) -> str:
    """Without the spaces, dashes, dots and brackets that people write."""
    return re.sub(r"\(0\)|[\s().-]", "", text)


def _text(value: object) -> object:
    if value is None:
        return ""
    text = " ".join(value.split()) if isinstance(value, str) else value
    return text[:MAX_TEXT] if isinstance(text, str) else text


def _list(value: object) -> object:
    if isinstance(value, str):
        value = value.split(";")
    if isinstance(value, list):
        return [_text(part) for part in value if not isinstance(part, str) or part.strip()]
    return value


def _wrong(number: int, field: str, reason: str) -> Fault:
    return Fault(
        "E-CONTACT-002",
        "Contact number {number}: the field {field} cannot be used: {reason}.",
        number=number,
        field=ascii(field[:40]),
        reason=reason,
    )
