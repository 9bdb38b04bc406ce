"""The bulk interface, with the payloads that Elasticsearch documents and with a shipper that speaks it."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.receivers.conftest import Receiving
from ingest_scenes import eve
from seawall.model import UserRole


def bulk(*pairs: tuple[dict[str, Any], bytes | None]) -> bytes:
    """Action lines with their sources."""
    lines = []
    for action, source in pairs:
        lines.append(json.dumps(action).encode())
        lines += [source] if source is not None else []
    return b"\n".join(lines) + b"\n"


def send(receiving: Receiving, body: bytes, path: str = "/_bulk", **headers: str) -> httpx.Response:
    """A request with Basic credentials, as Beats send it."""
    headers = {"Content-Type": "application/x-ndjson", **headers}
    return receiving.client.post(path, content=body, headers=headers, auth=("seawall", receiving.token))


def test_documents_are_stored_once_and_each_is_answered(receiving: Receiving) -> None:
    """Index and create are taken, update and delete are not; sending it again stores nothing new."""
    body = bulk(
        ({"index": {"_index": "logs", "_id": "7"}}, eve(1)),
        ({"create": {"_index": "logs"}}, eve(2)),
        ({"update": {"_index": "logs", "_id": "7"}}, b'{"doc": {}}'),
        ({"delete": {"_index": "logs", "_id": "7"}}, None),
        ({"create": {}}, b"[]"),
    )
    for _ in range(2):
        answer = send(receiving, body).json()
        assert answer["errors"] is True
        assert [(next(iter(item)), next(iter(item.values()))["status"]) for item in answer["items"]] == [
            ("index", 201), ("create", 201), ("update", 400), ("delete", 400), ("create", 400),
        ]  # fmt: skip
        assert answer["items"][0]["index"]["_id"] == "7"
    drained = receiving.drain()
    assert (drained.stored, drained.duplicates) == (2, 2)


def test_format_sensor_and_field_stand_in_the_address(receiving: Receiving) -> None:
    """A shipper's document may hold the line in a field; the index may be called like a format; gzip is unpacked."""
    wrapped = json.dumps({"@timestamp": "2026-03-14T03:12:00Z", "message": eve(1, host=...).decode()}).encode()
    path = "/elastic/filebeat-8/_bulk?field=message&sensor=tpe-9"
    body = gzip.compress(bulk(({"create": {}}, wrapped), ({"create": {}}, b'{"other": 1}')))
    answer = send(receiving, body, path, **{"Content-Encoding": "gzip"}).json()
    assert [item["create"]["status"] for item in answer["items"]] == [201, 400]
    assert send(receiving, bulk(({"create": {}}, eve(2))), "/suricata-eve/_bulk").json()["errors"] is False
    assert send(receiving, bulk(({"create": {}}, eve(3))), "/_bulk?format=suricata-eve").json()["errors"] is False
    assert receiving.drain().stored == 3
    assert {row["sensor"] for row in receiving.rows("sensor")} == {"tpe-9", "tpe-1"}


def test_ecs_documents_of_beats_are_recognised(receiving: Receiving) -> None:
    """A document in the common schema needs no format."""
    document = {
        "@timestamp": "2026-03-14T03:12:00.000Z",
        "ecs": {"version": "8.0.0"},
        "agent": {"name": "beat-1"},
        "event": {"kind": "alert", "category": ["network"]},
        "source": {"ip": "203.0.113.9"},
    }
    assert send(receiving, bulk(({"create": {"_index": "x"}}, json.dumps(document).encode()))).json()["errors"] is False
    receiving.drain()
    assert [(row["kind"], row["basis"], row["sensor"]) for row in receiving.rows()] == [("alert", "alert", "beat-1")]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"x\n", 400), (b'{"index": {}}\n', 400), (b'{"index": {}, "create": {}}\n{}\n', 400), (b"[]\n", 400)],
)
def test_what_is_no_bulk_is_refused(receiving: Receiving, body: bytes, status: int) -> None:
    """Lines that are no pairs refuse the whole request."""
    answer = send(receiving, body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_unknown_documents_fail_one_by_one(receiving: Receiving) -> None:
    """When no format knows the documents each one says so, and nothing is kept; a format that is none is refused."""
    body = bulk(({"create": {"_index": "a"}}, b'{"what": 1}'))
    answer = send(receiving, body).json()
    assert answer["items"][0]["create"]["error"]["type"] == "document_parsing_exception"
    assert send(receiving, body, "/_bulk?format=nonesuch").status_code == 400
    assert receiving.receiver.spool.count() == 0


def test_credentials(receiving: Receiving) -> None:
    """Bearer and ApiKey are taken beside Basic; a wrong token is 401, a reader's 403."""
    body = bulk(({"create": {}}, eve(1)))

    def status(header: str) -> int:
        return receiving.client.post("/_bulk", content=body, headers={"Authorization": header}).status_code

    assert status(f"Bearer {receiving.token}") == 200
    assert status("ApiKey " + base64.b64encode(f"id:{receiving.token}".encode()).decode()) == 200
    assert status("ApiKey !") == 401
    assert status("Bearer " + "x" * 43) == 401
    assert status(f"Bearer {receiving.token_of(UserRole.AUDITOR)}") == 403
    assert receiving.client.post("/_bulk", content=body).status_code == 401


def test_clients_may_ask_who_answers(receiving: Receiving) -> None:
    """The root under /elastic and the licence answer as clients expect, with the product's header."""
    for path in ("/elastic", "/elastic/", "/elastic/_license"):
        answer = receiving.client.get(path, auth=("x", receiving.token))
        assert answer.status_code == 200
        assert answer.headers["x-elastic-product"] == "Elasticsearch"
    assert receiving.client.head("/elastic", auth=("x", receiving.token)).status_code == 200
    assert receiving.client.get("/elastic").status_code == 401


@pytest.mark.tool("rsyslogd")
def test_a_real_shipper_delivers(receiving: Receiving, tmp_path: Path) -> None:
    """rsyslog with its Elasticsearch output follows a log and every line of it reaches the lake."""
    program = shutil.which("rsyslogd", path="/usr/sbin:/sbin:/usr/bin")
    assert program is not None
    log, configuration = tmp_path / "eve.json", tmp_path / "rsyslog.conf"
    log.write_bytes(b"".join(eve(number) + b"\n" for number in range(1000)))
    configuration.write_text(
        f"""
global(workDirectory="{tmp_path}")
module(load="imfile")
module(load="omelasticsearch")
template(name="line" type="string" string="%msg%")
input(type="imfile" File="{log}" Tag="eve:")
action(type="omelasticsearch" server="127.0.0.1" serverport="{receiving.client.base_url.port}" template="line"
       searchIndex="suricata-eve" searchType="" bulkmode="on" uid="seawall" pwd="{receiving.token}"
       errorFile="{tmp_path}/errors")
"""
    )
    with subprocess.Popen(
        [program, "-n", "-f", str(configuration), "-i", str(tmp_path / "pid")], stdout=subprocess.DEVNULL
    ) as shipper:
        try:
            deadline = time.monotonic() + 40
            stored = 0
            while stored < 1000 and time.monotonic() < deadline:
                time.sleep(0.3)
                stored += receiving.drain().stored
        finally:
            shipper.terminate()
    assert stored == 1000
    assert not (tmp_path / "errors").exists()
