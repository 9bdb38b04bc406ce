"""What a primary is told, checked before the first packet."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from protect.rpz.scenes import (
    KEY,
    SECRET,
    key_file,
)
from seawall.model import Fault
from seawall.protect.rpz import RpzSettings, Secondary, TsigKey
from seawall.protect.rpz.settings import checked


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("E-PROTECT-100", {"zone": "not a name"}),
        ("E-PROTECT-100", {"zone": "z" * 63 + ".example"}),
        ("E-PROTECT-101", {"keys": (TsigKey(KEY, "/nowhere"),)}),
        ("E-PROTECT-103", {"secondaries": (Secondary("192.0.2.1", 53, "unknown"),)}),
        ("E-PROTECT-104", {"secondaries": (Secondary("192.0.2.1"),)}),
        ("E-PROTECT-105", {"sinkhole": ("192.0.2.1", "garden.example")}),
        ("E-PROTECT-106", {"secondaries": (Secondary("ns.example"),)}),
        ("E-PROTECT-107", {"secondaries": (Secondary("127.0.0.1"),) * 65}),
        ("E-PROTECT-109", {"sinkhole": ("192.0.2.1",) * 17}),
    ],
)
def test_what_cannot_be_is_said_before_the_first_packet(tmp_path: Path, code: str, given: dict[str, object]) -> None:
    """Each wrong setting has its sentence."""
    with pytest.raises(Fault, match=code):
        checked(RpzSettings(folder=str(tmp_path), **given))  # type: ignore[arg-type]


def test_a_key_file_is_base64_or_what_bind_prints(tmp_path: Path) -> None:
    """Both hold the same secret; a short one is refused."""
    plain = tmp_path / "plain"
    for text, good in ((base64.b64encode(SECRET).decode() + "\n", True), ("c2hvcnQ=", False), ("!!", False)):
        plain.write_text(text)
        settings = RpzSettings(folder=str(tmp_path), keys=(TsigKey(KEY, str(plain)),))
        if good:
            assert checked(settings) == {KEY: SECRET}
        else:
            with pytest.raises(Fault, match="E-PROTECT-102"):
                checked(settings)
    assert checked(RpzSettings(folder="", keys=(TsigKey(KEY, str(key_file(tmp_path))),))) == {KEY: SECRET}
