"""``check_path``: verdicts on files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import realdata
from seawall.intel import check_path
from seawall.model import Fault

GOOD = {"type": "domain-name", "id": "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7", "value": "example.com"}


def test_objects_are_judged_in_order(tmp_path: Path) -> None:
    """Compressed or not."""
    path = tmp_path / "objects.json.gz"
    path.write_bytes(gzip.compress(json.dumps([GOOD, {**GOOD, "value": "a b"}]).encode()))
    assert [(verdict.id, verdict.valid) for verdict in check_path(path)] == [(GOOD["id"], True), (GOOD["id"], False)]


def test_a_real_bundle_has_one_verdict_for_each_object() -> None:
    """A long threat report, all of it valid."""
    verdicts = check_path(realdata.folder("stix-examples") / "apt1.json")
    assert len(verdicts) > 50
    assert all(verdict.valid and verdict.id for verdict in verdicts)


def test_what_cannot_be_judged_is_a_fault(tmp_path: Path) -> None:
    """A missing file, a folder, a binary, no JSON."""
    (tmp_path / "a.bin").write_bytes(b"\0\1")
    (tmp_path / "a.txt").write_bytes(b"hello")
    for path, code in [
        (tmp_path / "nowhere", "E-INTEL-001"),
        (tmp_path, "E-INTEL-009"),
        (tmp_path / "a.bin", "E-INTEL-006"),
        (tmp_path / "a.txt", "E-STIX-001"),
    ]:
        with pytest.raises(Fault) as caught:
            check_path(path)
        assert caught.value.code == code
