"""The peer of ``bench/taxii.py``: medallion, the reference server, with its objects in memory."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from bench.taxii_ours import MEDIA, Envelope, indicator, wait_for

USER, PASSWORD = "bench", "bench"
COLLECTION = "365fed99-08fa-fdcd-a1b3-fb247eb41d01"
ADDED = "2026-03-14T00:{:02}:{:02}.{:06}Z"


class MedallionConnection:
    """One kept connection with Basic credentials."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self._headers = {"Accept": MEDIA, "Content-Type": MEDIA, "Authorization": f"Basic {basic}"}
        self._url = f"/root/collections/{COLLECTION}/objects/"

    def page(self, query: str) -> tuple[int, str | None, str | None]:
        """One page: how many objects, the ``next`` behind it, the last date added."""
        self._connection.request("GET", f"{self._url}?{query}", None, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status == 404:  # how it says that nothing is new
            return 0, None, None
        envelope = msgspec.json.decode(content, type=Envelope)
        following = envelope.next if envelope.more else None
        return len(envelope.objects), following, answer.getheader("X-TAXII-Date-Added-Last")

    def post(self, bodies: list[bytes]) -> int:
        """POST objects; returns how many were accepted."""
        self._connection.request("POST", self._url, b'{"objects":[' + b",".join(bodies) + b"]}", self._headers)
        answer = self._connection.getresponse()
        done: int = json.loads(answer.read())["success_count"]
        return done


@contextlib.contextmanager
def medallion(folder: Path, size: int) -> Iterator[tuple[subprocess.Popen[bytes], MedallionConnection]]:
    """The reference server with ``size`` objects in memory. Raises FileNotFoundError when it is not installed."""
    program = shutil.which("medallion", path=str(Path(sys.executable).parent))
    if program is None:
        raise FileNotFoundError("medallion is not installed")
    (folder / "data.json").write_bytes(msgspec.json.encode(_data(size)))
    settings = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(folder / "data.json"),
        },
        "users": {USER: PASSWORD},
        "taxii": {"max_page_size": 1_000},
    }
    (folder / "medallion.json").write_text(json.dumps(settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [program, "--host", "127.0.0.1", "--port", str(port), str(folder / "medallion.json")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, 300)
        yield process, MedallionConnection(port)
    finally:
        process.terminate()
        process.wait(30)


def _data(size: int) -> dict[str, object]:
    objects = [json.loads(indicator(number)) for number in range(size)]
    manifest = [
        {
            "id": item["id"],
            "date_added": ADDED.format(number // 60_000_000, number // 1_000_000 % 60, number % 1_000_000),
            "version": item["modified"],
            "media_type": "application/stix+json;version=2.1",
        }
        for number, item in enumerate(objects)
    ]
    information = {"title": "bench", "versions": [MEDIA], "max_content_length": 104_857_600}
    collection = {
        "id": COLLECTION,
        "title": "bench",
        "can_read": True,
        "can_write": True,
        "media_types": ["application/stix+json;version=2.1"],
        "objects": objects,
        "manifest": manifest,
    }
    return {
        "/discovery": {"title": "bench", "default": "http://127.0.0.1/root/", "api_roots": ["http://127.0.0.1/root/"]},
        "root": {"information": information, "status": [], "collections": [collection]},
    }
