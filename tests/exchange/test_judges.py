"""Foreign implementations as judges: the OASIS reference client walks our server, our client the reference server."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from requests import HTTPError

from exchange.fakes import MemoryExchange, indicator, released
from realdata import folder
from seawall.exchange import Bounds, TaxiiClient, Wire
from seawall.model import NotFound, Refused, ReleasedObject

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from taxii2client.v21 import ApiRoot, Collection, Server, as_pages

USER, PASSWORD = "siem", "t" * 40
NO_COLLECTION = "00000000-0000-4000-8000-000000000000"


def test_taxii2_client_walks_our_server(local: Callable[[MemoryExchange], str]) -> None:
    """Discovery, API root, collection, 250 objects added, their status, paging by 100, manifest, filters, versions."""
    exchange = MemoryExchange("node-1", {"open": frozenset({USER}), "closed": frozenset()})
    server = Server(f"{local(exchange)}/taxii2/", user=USER, password=PASSWORD)
    root: ApiRoot = server.api_roots[0]
    assert "taxii" in root.versions[0]
    collection: Collection = root.collections[0]
    assert (collection.title, collection.can_read, collection.can_write) == ("open", True, True)
    body = json.dumps({"objects": [json.loads(indicator(number)) for number in range(250)]})
    status = collection.add_objects(body)
    assert (status.status, status.success_count, status.failure_count) == ("complete", 250, 0)
    status.refresh()
    assert status.total_count == 250
    pages = list(as_pages(collection.get_objects, per_request=100))
    assert [len(page["objects"]) for page in pages] == [100, 100, 50]
    ids = [item["id"] for page in pages for item in page["objects"]]
    assert ids == [row.id for row in exchange.rows["open"]]
    assert sum(len(page["objects"]) for page in as_pages(collection.get_manifest, per_request=100)) == 250
    first = exchange.rows["open"][0]
    assert collection.get_object(first.id)["objects"][0]["id"] == first.id
    assert collection.object_versions(first.id)["versions"] == [first.version]
    assert [item["id"] for item in collection.get_objects(id=first.id)["objects"]] == [first.id]
    assert collection.get_objects(type="malware") == {"more": False}
    added = collection.get_manifest(id=exchange.rows["open"][199].id)["objects"][0]["date_added"]
    assert len(collection.get_objects(added_after=added)["objects"]) == 50


def test_taxii2_client_deletes_and_reads_versions(local: Callable[[MemoryExchange], str]) -> None:
    """Versions of one object, partial failure of a POST, a filter of each kind, and deletion, as the client asks."""
    exchange = MemoryExchange("node-1", {"open": frozenset({USER})}, deleters=frozenset({USER}))
    server = Server(f"{local(exchange)}/taxii2/", user=USER, password=PASSWORD)
    collection: Collection = server.api_roots[0].collections[0]
    old, new = "2026-03-14T00:00:00.000Z", "2026-03-15T00:00:00.000Z"
    posted = [json.loads(indicator(1, version=version)) for version in (old, new)]
    status = collection.add_objects(json.dumps({"objects": [*posted, {"type": "nothing"}]}), wait_for_completion=True)
    assert (status.success_count, status.failure_count, status.pending_count) == (2, 1, 0)
    assert [success["version"] for success in status.successes] == [old, new]
    assert status.failures[0]["message"]
    identity = posted[0]["id"]
    assert collection.object_versions(identity)["versions"] == [old, new]
    assert [item["modified"] for item in collection.get_object(identity, version="all")["objects"]] == [old, new]
    assert [item["modified"] for item in collection.get_object(identity, version="first")["objects"]] == [old]
    assert len(collection.get_objects(id=identity, type="indicator", version=old)["objects"]) == 1
    collection.delete_object(identity)
    with pytest.raises(HTTPError) as caught:
        collection.get_object(identity)
    assert caught.value.response.status_code == 404


@pytest.fixture
def medallion(tmp_path: Path, stack: ExitStack) -> Iterator[str]:
    """The reference server with its own data, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    data = (folder("taxii-medallion") / "default_data.json").read_text("utf-8")
    (tmp_path / "data.json").write_text(data.replace("localhost:5000", f"127.0.0.1:{port}"), "utf-8")
    configuration: dict[str, Any] = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(tmp_path / "data.json"),
        },
        "users": {USER: PASSWORD},
        "taxii": {"max_page_size": 100},
    }
    (tmp_path / "medallion.conf").write_text(json.dumps(configuration), "utf-8")
    program = Path(sys.executable).parent / "medallion"
    arguments = ["--host", "127.0.0.1", "--port", str(port), str(tmp_path / "medallion.conf")]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([program, *arguments], stdout=log, stderr=log)
    stack.callback(process.wait, 10)
    stack.callback(process.terminate)
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"


def walker(password: str = PASSWORD, page: int = 100) -> TaxiiClient:
    """Our client, with Basic credentials."""
    bounds = Bounds(page_objects=page)
    return TaxiiClient(Wire("medallion", bounds=bounds, basic=(USER, password)), bounds)


def test_our_client_walks_medallion(medallion: str) -> None:
    """Discovery, roots, collections, small pages, then 250 objects posted, fetched by 100, and nothing new."""
    with walker(page=2) as client:
        roots = client.api_roots(f"{medallion}/taxii2/")
        assert len(roots) == 3
        root = next(root for root in roots if "trustgroup1" in root)
        assert "taxii" in client.information(root).versions[0]
        found = {collection.id: collection for collection in client.collections(root)}
        readable = [collection.id for collection in found.values() if collection.can_read]
        by_two = {identity: [b for p in client.walk(root, identity, None) for b in p.bodies] for identity in readable}
    writable = next(c.id for c in found.values() if c.can_read and c.can_write)
    with walker() as client:
        for identity, bodies in by_two.items():
            at_once = [body for page in client.walk(root, identity, None) for body in page.bodies]
            assert [json.loads(body) for body in bodies] == [json.loads(body) for body in at_once]
        before = len(by_two[writable])
        objects = [ReleasedObject(f"indicator--{n}", "", indicator(n)) for n in range(250)]
        status = client.add_objects(root, writable, released(objects, "medallion", "open"))
        assert (status.success_count, status.failure_count) == (250, 0)
        pages = list(client.walk(root, writable, None))
        assert sum(len(page.bodies) for page in pages) == before + 250
        assert list(client.walk(root, writable, pages[-1].cursor)) == []


def test_refusals_of_medallion_are_understood(medallion: str) -> None:
    """Wrong credentials and unknown collections give one clear Fault each."""
    with walker(password="wrong") as client, pytest.raises(Refused) as caught:
        client.api_roots(f"{medallion}/taxii2/")
    assert caught.value.code == "E-EXCHANGE-108"
    with walker() as client, pytest.raises(NotFound):
        list(client.walk(f"{medallion}/trustgroup1/", NO_COLLECTION, None))


def test_walk_of_medallion_resumes_inside_a_burst(medallion: str) -> None:
    """A walk cut off in the middle of objects of one moment resumes without losing or repeating one."""
    with walker() as client:
        root = f"{medallion}/trustgroup1/"
        writable = next(c.id for c in client.collections(root) if c.can_read and c.can_write)
        objects = [ReleasedObject(f"indicator--{n}", "", indicator(n)) for n in range(250)]
        client.add_objects(root, writable, released(objects, "medallion", "open"))
        whole = [body for page in client.walk(root, writable, None) for body in page.bodies]
        first = next(client.walk(root, writable, None))
    with walker() as client:
        rest = [body for page in client.walk(root, writable, first.cursor) for body in page.bodies]
    assert [*first.bodies, *rest] == whole
