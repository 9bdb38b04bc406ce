"""``seawall protect radius`` and ``protect canaries`` at the command line."""

from __future__ import annotations

import json
import time
from pathlib import Path

from journey.command_line import SeawallNode


def test_not_enough_data_is_said(tmp_path: Path) -> None:
    """Before the table is built, and with an empty lake, no number is shown, and what is missing is named."""
    node = SeawallNode(tmp_path / "node", "TW")
    first = node.here("protect", "radius", "203.0.113.7")
    assert first["items"][0]["known"] is False
    assert first["items"][0]["sessions"] is None
    assert "seawall run radius" in first["table"]["missing"]
    assert node.here("run", "radius")["sessions"] == 0
    second = node.here("protect", "radius", "203.0.113.7", "evil.example.org")
    assert second["table"]["enough"] is False
    assert [item["known"] for item in second["items"]] == [False, False]
    assert node.here("protect", "canaries") == {"items": [], "next": None}


def test_what_our_hosts_use_is_counted(tmp_path: Path) -> None:
    """After flows of five hosts with one address are ingested, a block of it would cut five sessions, and why shows."""
    node = SeawallNode(tmp_path / "node", "TW")
    log = tmp_path / "conn.log"
    now = time.time() - 3_600
    rows = [
        {"ts": now + host, "uid": f"C{host}", "id.orig_h": f"10.1.0.{host}", "id.orig_p": 40_000 + host,
         "id.resp_h": "203.0.113.7", "id.resp_p": 443, "proto": "tcp", "conn_state": "SF"}
        for host in range(1, 6)
    ]  # fmt: skip
    log.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert node.here("ingest", log, "--format", "zeek-json")["stored"] == 5
    node.here("run", "radius")
    (item,) = node.here("protect", "radius", "203.0.113.7")["items"]
    assert (item["known"], item["sessions"], item["hosts"]) == (True, 5, 5)
    (value,) = node.here("protect", "preview", "203.0.113.0/24", "--type", "cidr")["items"]
    assert value["radius"]["sessions"] == 5
