"""Answers in the shapes of MISP's REST API, errors included."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import msgspec
from litestar import Response

from seawall.api.faults import Unauthenticated
from seawall.exchange.misp import Doc
from seawall.messages import translate
from seawall.model import Actor, Fault, NotFound, Refused, Unavailable, UserRole

MISP_VERSION = "2.5.34"  # whose API this is; PyMISP 2.5.34 asks for it
JSON = "application/json"
CSV_COLUMNS = ("uuid", "event_id", "category", "type", "value", "comment", "to_ids", "date", "object_relation",
               "attribute_tag", "object_uuid")  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell beginning so is a formula to a spreadsheet (rule 7)

Answer = Response[bytes]


def answer(content: object, status: int = 200, *, count: int | None = None) -> Answer:
    """JSON of a value, or of bytes that are JSON already."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    headers = {"X-Result-Count": str(count)} if count is not None else {}
    return Response(content=body, status_code=status, media_type=JSON, headers=headers)


def plain(text: str, media_type: str, count: int) -> Answer:
    """A text form of a search."""
    headers = {"X-Result-Count": str(count)}
    return Response(content=text.encode(), media_type=f"{media_type}; charset=utf-8", headers=headers)


def listed(parts: Sequence[bytes]) -> bytes:
    """A JSON list of parts that are JSON."""
    return b"[" + b",".join(parts) + b"]"


def problem(fault: Fault, path: str, language: str = "en") -> Answer:
    """MISP's error document: name, message and url; ours adds the stable code."""
    match fault:
        case Unauthenticated():
            status = 401
        case NotFound():
            status = 404
        case Refused():
            status = 403
        case Unavailable():
            status = 503
        case _:
            status = 403 if fault.code.startswith(("E-FLOW-16", "E-EXCHANGE-30")) else 400
    sentence = translate(fault.text, language, **fault.values)
    return answer({"name": sentence, "message": sentence, "url": path, "code": fault.code}, status)


def not_saved(what: str, errors: object, path: str) -> Answer:
    """MISP's answer to a part that it does not take (HTTP 403)."""
    name = f"Could not add {what}"
    return answer({"saved": False, "name": name, "message": name, "url": path, "errors": errors}, 403)


def done(message: str, path: str, **more: object) -> Answer:
    """MISP's answer to a change without a document."""
    return answer({"saved": True, "success": True, "name": message, "message": message, "url": path, **more})


def user_document(actor: Actor, organisation: tuple[str, str]) -> Doc:
    """``users/view/me``: PyMISP reads the user, the role and the settings."""
    role = actor.role or UserRole.READER
    may_add = role in (UserRole.ANALYST, UserRole.RELEASER, UserRole.ADMIN)
    name, uuid = organisation
    permissions = {"perm_add": may_add, "perm_modify": may_add, "perm_modify_org": may_add, "perm_tagger": may_add,
                   "perm_sighting": may_add, "perm_auth": True, "perm_publish": may_add}  # fmt: skip
    denied = ("perm_sync", "perm_admin", "perm_site_admin", "perm_audit", "perm_regexp_access", "perm_template",
              "perm_sharing_group", "perm_tag_editor", "perm_delegate", "perm_object_template", "perm_publish_zmq",
              "perm_publish_kafka", "perm_decaying", "perm_galaxy_editor", "perm_warninglist")  # fmt: skip
    return {
        "User": {
            "id": "1",
            "org_id": "1",
            "email": f"{actor.name}@localhost",
            "role_id": "1",
            "autoalert": False,
            "disabled": False,
            "nids_sid": "0",
        },
        "Organisation": {"id": "1", "name": name, "uuid": uuid},
        "Role": {"id": "1", "name": role.value, **permissions, **dict.fromkeys(denied, False)},
        "UserSetting": [],
    }


def as_csv(attributes: Iterable[bytes], *, headerless: bool) -> str:
    """MISP's CSV of attributes."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    if not headerless:
        writer.writerow(CSV_COLUMNS)
    for raw in attributes:
        one = msgspec.json.decode(raw)
        tags = ",".join(tag["name"] for tag in one.get("Tag", ()))
        row = {**one, "date": one.get("timestamp"), "attribute_tag": tags, "to_ids": int(one["to_ids"])}
        writer.writerow([_cell(row.get(name)) for name in CSV_COLUMNS])
    return out.getvalue()


def as_text(attributes: Iterable[bytes]) -> str:
    """One value a line, each once."""
    values = (str(msgspec.json.decode(raw)["value"]) for raw in attributes)
    return "".join(f"{line}\n" for line in dict.fromkeys(" ".join(value.split("\n")) for value in values))


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
