"""``check_path``: the verdict on each object of a file, for ``seawall intel check``."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.codec.stix import Verdict
from seawall.codec.stix.judge import judge
from seawall.intel.files import Opened
from seawall.model import Fault
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why


def check_path(path: Path) -> list[Verdict]:
    """Verdicts (id, valid, errors, warnings) in input order.

    Raises Fault E-INTEL-001 for a missing file, E-INTEL-009 for a folder, E-INTEL-006 for a binary file, E-STIX-001
    when it is no JSON.
    """
    return judge(_whole(path))


def read_document(path: Path) -> object:
    """The JSON document in a file, as plain values. Raises as ``check_path``, Fault E-INTEL-011 when it is no JSON."""
    try:
        return msgspec.json.decode(_whole(path))
    except UNREADABLE as error:
        raise Fault("E-INTEL-011", "{path} holds no JSON: {reason}.", path=path, reason=why(error)) from None


def _whole(path: Path) -> bytes:
    if path.is_dir():
        raise Fault("E-INTEL-009", "{path} is a folder; name one file to check.", path=path)
    try:
        with Opened(path) as opened:
            data = opened.everything()
    except FileNotFoundError:
        raise Fault("E-INTEL-001", "There is no file or folder {path}.", path=path) from None
    except OSError as error:
        raise Fault("E-INTEL-010", "{path} cannot be read: {reason}.", path=path,
                    reason=error.strerror or error) from None  # fmt: skip
    if b"\0" in data[:4096]:
        raise Fault("E-INTEL-006", "{path} is a binary file, not indicators.", path=path)
    return data
