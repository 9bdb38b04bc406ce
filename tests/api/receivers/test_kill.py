"""What was acknowledged survives kill -9 of the serving process, and is stored once."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx

from ingest_scenes import eve
from journey.command_line import SeawallNode, free_port

REQUESTS = 12
LINES = 50


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    """A server killed four times while a client sends: after a last start every acknowledged line is there once."""
    node = SeawallNode(tmp_path / "node", "TW")
    headers = {"Authorization": f"Splunk {node.token}"}
    waiting = [list(range(start * LINES, (start + 1) * LINES)) for start in range(REQUESTS)]
    sent = 0
    for life in range(5):
        port = free_port()
        with (
            node.serving(port, free_port()) as server,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30) as client,
        ):
            for _ in range(REQUESTS // 4):
                if not waiting or life == 4:
                    break
                body = b"\n".join(eve(number) for number in waiting[0])
                assert client.post("/services/collector/raw?sourcetype=suricata", content=body).json()["code"] == 0
                del waiting[0]
                sent += LINES
            if life < 4:
                server.send_signal(signal.SIGKILL)
                server.wait(20)
    assert (waiting, sent) == ([], REQUESTS * LINES)
    result = node.run("run", "receive")
    assert "problem" not in json.dumps(result)
    rows = node.listing("observations", "--limit", "1000")
    assert sorted(int(row["time"][14:16]) * 60 + int(row["time"][17:19]) for row in rows) == list(range(sent))
    assert not list((node.folder / "received").glob("*.log"))
