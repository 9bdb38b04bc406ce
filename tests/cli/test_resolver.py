"""protect resolver: configurations out of the command line, without a node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.cli import run

NOWHERE = ["--node", "/nowhere"]


def test_it_prints_the_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """As text to be redirected into a file; as JSON with the zones' names; the key's name is given."""
    assert run(["protect", "resolver", "bind", "--address", "192.0.2.53", "--key", "k1", *NOWHERE]) == 0
    text = capsys.readouterr().out
    assert 'primaries { 192.0.2.53 port 8753 key "k1"; };' in text
    assert run(["protect", "resolver", "bind", "--address", "192.0.2.53", "--key", "k1", "--json", *NOWHERE]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"tool": "bind", "zones": ["block.rpz.seawall", "watch.rpz.seawall"], "text": text}
    assert run(["protect", "resolver", "unbound", "--parts", "--zone", "rpz.x", "--json", *NOWHERE]) == 0
    zones = json.loads(capsys.readouterr().out)["zones"]
    assert zones == [*(f"block-{part:x}.rpz.x" for part in range(16)), "watch.rpz.x"]


def test_what_cannot_be_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown resolver, a port that is none, parts with PowerDNS, what would break out of its quotes."""
    for code, words in (
        ("E-PROTECT-112", ["dnsmasq"]),
        ("E-PROTECT-113", ["powerdns", "--parts"]),
        ("E-PROTECT-114", ["bind", "--key", 'a"; evil']),
        ("", ["bind", "--port", "0"]),
    ):
        assert run(["protect", "resolver", *words, "--node", str(tmp_path)]) == 2
        told = capsys.readouterr()
        assert (told.out, code in told.err, "Traceback" in told.err) == ("", True, False)
