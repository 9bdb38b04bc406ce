"""The event collector, with the payloads that Splunk documents."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from api.receivers.conftest import Receiving
from ingest_scenes import eve
from seawall.api.receivers import intake
from seawall.flow.spool import Spool
from seawall.model import UserRole

EVENT = "/services/collector/event"
ASA = "<164>Mar 14 2026 03:12:00 fw1 : %ASA-4-733102: Threat-detection adds host 203.0.113.9 to shun list"


def post(receiving: Receiving, path: str, body: bytes, **headers: str) -> httpx.Response:
    """A request with the administrator's token."""
    return receiving.client.post(path, content=body, headers={"Authorization": f"Splunk {receiving.token}", **headers})


def envelope(event: Any, **more: Any) -> bytes:
    """One event as a client wraps it."""
    return json.dumps({"time": 1_773_457_920.25, "source": "udp:514", "event": event, **more}).encode()


def test_events_of_several_sourcetypes_and_hosts_are_stored_once(receiving: Receiving) -> None:
    """Objects and texts of several lines, one after the other without separators, and again: no second row."""
    named = json.loads(eve(1))
    unnamed = json.loads(eve(2, host=...))
    body = (
        envelope(named, sourcetype="suricata", host="ignored")
        + envelope(unnamed, sourcetype="_json", host="seoul-7")
        + b"\n\n"
        + envelope(f"{ASA}\n{ASA}9", sourcetype="cisco:asa", host="collector")
    )
    for _ in range(2):
        answer = post(receiving, EVENT, body)
        assert (answer.status_code, answer.json()) == (200, {"text": "Success", "code": 0})
    first = receiving.drain()
    assert (first.deliveries, first.stored, first.duplicates, first.rejected) == (6, 4, 4, 0)
    rows = receiving.rows("sensor, kind")
    assert sorted((str(row["sensor"]), str(row["kind"])) for row in rows) == [
        ("fw1", "alert"), ("fw1", "alert"), ("seoul-7", "flow"), ("tpe-1", "flow"),
    ]  # fmt: skip
    assert receiving.receiver.spool.count() == 0


def test_raw_lines_are_stored_and_may_be_compressed(receiving: Receiving) -> None:
    """The raw endpoint takes lines with any line end, in gzip of several members; blank ones are nothing."""
    body = gzip.compress(eve(1) + b"\r\n\r\n") + gzip.compress(eve(2) + b"\n" + eve(3))
    answer = post(
        receiving, "/services/collector/raw?host=gw&sourcetype=unheard:of", body, **{"Content-Encoding": "gzip"}
    )
    assert answer.json()["code"] == 0
    assert receiving.drain().stored == 3


def test_rejected_lines_lie_in_quarantine(receiving: Receiving) -> None:
    """What was acknowledged and cannot be read is in quarantine, not lost, and does not stop what follows."""
    body = eve(1, src_ip="nowhere") + b"\n"
    assert post(receiving, "/services/collector/raw?format=suricata-eve", body).json()["code"] == 0
    assert post(receiving, "/services/collector/raw", eve(2)).json()["code"] == 0
    drained = receiving.drain()
    assert (drained.stored, drained.rejected, drained.problem) == (1, 1, None)
    assert receiving.receiver.spool.count() == 0
    assert list((receiving.node.folder / "quarantine").iterdir())


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, 5),
        (b" \n ", 400, 5),
        (b"no json", 400, 6),
        (b'{"event": "x"', 400, 6),
        (b"[" * 50_000, 400, 6),
        (b"\xff\xfe", 400, 6),
        (b'{"time": 1}', 400, 12),
        (b'{"event": ""}', 400, 13),
        (b'{"event": {}}', 400, 13),
        (b"[]", 400, 5),
        (b'{"event": "what is this"}', 400, 6),
    ],
)
def test_what_cannot_be_taken_is_told_as_splunk_tells_it(
    receiving: Receiving, body: bytes, status: int, code: int
) -> None:
    """Each wrong body has Splunk's own code, and nothing of it is kept."""
    answer = post(receiving, EVENT, body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert receiving.receiver.spool.count() == 0


def test_the_number_of_the_bad_event_is_told(receiving: Receiving) -> None:
    """A bad event in the middle refuses the request and names itself."""
    body = envelope(json.loads(eve(1))) + b'{"event": null}' + envelope(json.loads(eve(2)))
    assert post(receiving, EVENT, body).json()["invalid-event-number"] == 1


def test_only_who_may_ingest_may_send(receiving: Receiving) -> None:
    """No token, another scheme, a wrong token and a reader's token are refused with Splunk's codes; Basic works."""
    client, body = receiving.client, envelope(json.loads(eve(1)))

    def code(header: str | None) -> tuple[int, int]:
        answer = client.post(EVENT, content=body, headers={"Authorization": header} if header else {})
        return answer.status_code, answer.json()["code"]

    assert code(None) == (401, 2)
    assert code("Digest x") == (401, 3)
    assert code("Splunk " + "x" * 43) == (403, 4)
    assert code(f"Splunk {receiving.token_of(UserRole.READER)}") == (403, 1)
    assert code(f"Splunk {receiving.token_of(UserRole.TAXII)}") == (403, 1)
    assert code(f"Splunk {receiving.token_of(UserRole.ANALYST)}") == (200, 0)
    answer = client.post(EVENT, content=body, auth=("x", receiving.token))
    assert answer.json()["code"] == 0


def test_sizes_are_bounded(receiving: Receiving, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large body, a small body that unpacks to a large one, and a full spool are refused; nothing is kept."""
    assert post(receiving, EVENT, b" " * (intake.MAX_BODY + 1)).status_code == 413
    monkeypatch.setattr(intake, "MAX_UNPACKED", 10_000)
    packed = gzip.compress(b"x" * 1_000_000)
    assert post(receiving, EVENT, packed, **{"Content-Encoding": "gzip"}).status_code == 413
    assert post(receiving, EVENT, gzip.compress(b"x")[:9], **{"Content-Encoding": "gzip"}).json()["code"] == 6
    assert post(receiving, EVENT, packed, **{"Content-Encoding": "br"}).json()["code"] == 6
    receiving.receiver.spool = Spool(receiving.receiver.spool.folder, bound=10)
    answer = post(receiving, EVENT, envelope(json.loads(eve(1))))
    assert (answer.status_code, answer.json()["code"]) == (503, 9)
    assert receiving.receiver.spool.count() == 0


def test_health_and_ack(receiving: Receiving) -> None:
    """Health answers without a token; acknowledgement by channel is said not to be there."""
    assert receiving.client.get("/services/collector/health").json() == {"text": "HEC is healthy", "code": 17}
    assert receiving.client.post("/services/collector/ack", json={"acks": [0]}).json()["code"] == 14


def test_a_node_without_a_lake_refuses(receiving: Receiving, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer names the setting."""
    import msgspec

    settings = receiving.node.settings
    lake = msgspec.structs.replace(settings.lake, store_telemetry=False)
    monkeypatch.setattr(receiving.node, "settings", msgspec.structs.replace(settings, lake=lake))
    answer = post(receiving, EVENT, envelope(json.loads(eve(1))))
    assert answer.status_code == 403
    assert "lake.store_telemetry" in answer.json()["text"]
