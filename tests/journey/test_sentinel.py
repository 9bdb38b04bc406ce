"""A cloud SIEM reads what it may over TAXII with Basic, as docs/how-to/sentinel.md sets it up."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import httpx

from feed_scenes import tell
from journey.command_line import SeawallNode, free_port
from seawall.exchange import collection_id
from seawall.flow.node import Node
from seawall.model import Pap, Tlp

ACCEPT = {"Accept": "application/taxii+json;version=2.1"}
QUIET, STRICT, PLAIN, LATER = "45.9.113.1", "45.9.113.2", "45.9.113.3", "45.9.113.4"


def test_a_siem_in_a_cloud_reads_green_only_and_hears_of_recalls(tmp_path: Path) -> None:
    """API root, collection id, user, token; PAP:AMBER and TLP:AMBER stay; a recall comes as revoked."""
    node = SeawallNode(tmp_path / "node", "TW")
    made = node.here("users", "add", "sentinel", "--role", "taxii", "--expires", "365d")
    node.here(
        "circles", "create", "sentinel", "--members", "sentinel", "--tlp-ceiling", "green", "--pap-ceiling", "green",
        "--types", "indicator", "--auto", "indicator", "--approver-token", node.second_person(),
    )  # fmt: skip
    with Node.open(node.folder) as opened:
        tell(opened, QUIET, pap=Pap.AMBER)
        tell(opened, STRICT, tlp=Tlp.AMBER)
        tell(opened, PLAIN)
    port, peer_port = free_port(), free_port()
    credentials = ("sentinel", made["token"])
    with (
        node.serving(port, peer_port),
        httpx.Client(auth=credentials, headers=ACCEPT, timeout=30, trust_env=False) as client,
    ):
        root = client.get(f"http://127.0.0.1:{port}/taxii2/").json()["api_roots"][0]
        (told,) = client.get(f"{root}collections/").json()["collections"]
        assert (told["title"], told["id"]) == ("sentinel", collection_id(node.node_id, "sentinel"))

        def poll(**asked: str) -> tuple[dict[str, dict[str, Any]], str]:
            answer = client.get(f"{root}collections/{told['id']}/objects/", params={"limit": "1000", **asked})
            found = {item["id"]: item for item in answer.json().get("objects", ()) if item["type"] == "indicator"}
            return found, answer.headers.get("X-TAXII-Date-Added-Last", "")

        first, last = poll()
        (indicator,) = first.values()
        assert PLAIN in indicator["pattern"]
        assert poll(added_after=last)[0] == {}
        node.here("recall", indicator["id"])
        recalled, _ = poll(added_after=last)
        assert recalled[indicator["id"]]["revoked"] is True
        answer = client.get(f"{root}collections/{uuid.uuid4()}/objects/")
        assert answer.status_code == 404
