"""``extract_path``: what a report mentions, shown and not stored, for ``seawall intel extract``."""

from __future__ import annotations

from pathlib import Path

from seawall.codec.ioc_flags import Screen
from seawall.codec.ioc_text import Mention, extract
from seawall.intel.files import Opened
from seawall.model import Fault

MAX_VALUES = 1_000_000  # distinct values of one file; a longer list is imported, not looked at


def extract_path(path: Path, screen: Screen | None = None) -> list[dict[str, object]]:
    """Each distinct value once, by its first line: value, type, line, count, defanged, flagged.

    A value is flagged only when every mention of it is. Raises Fault E-INTEL-001 for a missing file, E-INTEL-009 for a
    folder, E-INTEL-006 for a binary file, E-INTEL-010 for what cannot be read, E-INTEL-012 beyond MAX_VALUES.
    """
    found: dict[tuple[str, str], list[Mention]] = {}
    if path.is_dir():
        raise Fault("E-INTEL-009", "{path} is a folder; name one file to check.", path=path)
    try:
        with Opened(path) as opened:
            if b"\0" in opened.head and not opened.head.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise Fault("E-INTEL-006", "{path} is a binary file, not indicators.", path=path)
            for mention in extract(opened.lines(), screen):
                found.setdefault((mention.type, mention.value), []).append(mention)
                if len(found) > MAX_VALUES:
                    raise Fault("E-INTEL-012", "{path} mentions more than {most} values.", path=path, most=MAX_VALUES)
    except FileNotFoundError:
        raise Fault("E-INTEL-001", "There is no file or folder {path}.", path=path) from None
    except OSError as error:
        raise Fault("E-INTEL-010", "{path} cannot be read: {reason}.", path=path,
                    reason=error.strerror or error) from None  # fmt: skip
    return [_row(mentions) for mentions in found.values()]


def _row(mentions: list[Mention]) -> dict[str, object]:
    best = next((mention for mention in mentions if mention.flagged is None), mentions[0])
    return {
        "value": best.value,
        "type": best.type.value,
        "line": mentions[0].line,
        "count": len(mentions),
        "defanged": any(mention.defanged for mention in mentions),
        "flagged": str(best.flagged) if best.flagged is not None else None,
    }
