"""The same Zeek records as TSV and as JSON, converted field by field the way Zeek's two writers differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ingest_scenes import Scene

COLUMNS = (
    "time, sensor, kind, basis, own_end, client_end, rsit, src_high, src_low, src_port, dst_high, dst_low, dst_port, "
    "protocol, domain, url, email, md5, sha1, sha256, file_name, ja3, ja4, hassh, hassh_of, certificate, username, "
    "command, signature_id, signature, severity, category, cve, technique"
)
CONN = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p")


def observations(scene: Scene, name: str, content: bytes, format: str = "auto") -> list[dict[str, Any]]:
    """The rows of a log in the order of its lines, without what the file's name and spelling decide."""
    fresh = Scene(scene.folder / f"{name}-{len(list(scene.folder.iterdir()))}")
    fresh.ingest(fresh.write(name, content), format=format)
    return fresh.rows(COLUMNS)


def unescaped(text: str) -> str:
    """``\\xNN`` and two backslashes as Zeek's ASCII formatter reads them back."""
    octets = re.sub(
        rb"\\(?:x([0-9a-fA-F]{2})|\\)", lambda found: bytes.fromhex((found[1] or b"5c").decode()), text.encode()
    )
    return octets.decode("utf-8", "backslashreplace")


def escaped(text: str, also: str = "") -> str:
    """A text as Zeek's ASCII formatter writes it."""
    if text in ("-", "(empty)"):
        return f"\\x{ord(text[0]):02x}{text[1:]}"
    signs = (
        "\\\\" if sign == "\\" else f"\\x{ord(sign):02x}" if sign in "\t\n\r" + also or ord(sign) < 32 else sign
        for sign in text
    )
    return "".join(signs) if not text.startswith("#") else "\\x23" + escaped(text[1:], also)


def tsv_as_json(tsv: str) -> list[dict[str, Any]]:
    """The records of a TSV log with the types that its header names; unset fields are left out, as in JSON."""
    fields: list[str] = []
    types: list[str] = []
    records = []
    for line in tsv.splitlines():
        name, *values = line.split("\t")
        if name == "#fields":
            fields = values
        elif name == "#types":
            types = values
        elif not line.startswith("#"):
            row = zip(fields, types, [name, *values], strict=True)
            records.append({field: _typed(kind, text) for field, kind, text in row if text != "-"})
    return records


def _typed(kind: str, text: str) -> Any:
    if "[" in kind:
        inner = kind[kind.index("[") + 1 : -1]
        return [] if text == "(empty)" else [_typed(inner, item) for item in text.split(",")]
    if kind in ("time", "interval", "double"):
        return float(text)
    if kind in ("count", "int", "port"):
        return int(text)
    return text == "T" if kind == "bool" else "" if text == "(empty)" else unescaped(text)


def json_as_tsv(path: str, records: Sequence[dict[str, Any]]) -> bytes:
    """A TSV log of records; a field that a record lacks is unset."""
    fields = list(dict.fromkeys(field for record in records for field in record if not field.startswith("_")))
    lines = ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", f"#path\t{path}"]
    lines += ["\t".join(["#open", "2026-03-14-03-12-00"]), "\t".join(["#fields", *fields])]
    lines += ["\t".join(_written(record.get(field)) for field in fields) for record in records]
    return "\n".join([*lines, "#close\t2026-03-14-04-00-00", ""]).encode()


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(escaped(str(item), ",") for item in value) or "(empty)"
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "T" if value else "F"
    return f"{value:.6f}" if isinstance(value, float) else escaped(str(value)) or "(empty)"


def json_lines(records: Iterable[dict[str, Any]]) -> bytes:
    """Records as JSON, one a line."""
    return b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records)


def record(**fields: Any) -> dict[str, Any]:
    """A Zeek record from outside to ours; ``__`` in a name stands for a dot, a field given as ``...`` is left out."""
    base: dict[str, Any] = {
        "ts": 1773457920.25,
        "uid": "CHhAvVGS1DHFjwGM9",
        "id.orig_h": "203.0.113.9",
        "id.orig_p": 40000,
        "id.resp_h": "10.0.0.7",
        "id.resp_p": 443,
    }
    given = {name.replace("__", "."): value for name, value in fields.items()}
    return {name: value for name, value in (base | given).items() if value is not ...}
