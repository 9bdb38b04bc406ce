"""The one key that stops everything, turned beside a running server while a client reads and new objects pour in."""

from __future__ import annotations

from pathlib import Path

import httpx

from journey.command_line import SeawallNode, free_port
from seawall.exchange import collection_id

CIRCLE, CLIENT = "tw-kr", "siem"


def test_the_key_holds_in_a_running_server_from_the_next_request_on(tmp_path: Path) -> None:
    """What was released and not yet fetched waits too; two people go on, and the client misses nothing."""
    node = SeawallNode(tmp_path / "node", "TW")
    second, port = node.second_person(), free_port()
    token = node.here("users", "add", CLIENT, "--role", "taxii")["token"]
    rule = ("--members", CLIENT, "--tlp-ceiling", "amber", "--auto", "indicator", "--approver-token", second)
    node.here("circles", "create", CIRCLE, *rule)
    url = f"http://127.0.0.1:{port}/taxii2/circles/collections/{collection_id(node.node_id, CIRCLE)}/objects/"

    def know(name: str, count: int) -> None:
        file = tmp_path / f"{name}.csv"
        file.write_text("type,value\n" + "".join(f"domain,{name}{n}.example\n" for n in range(count)))
        node.here("intel", "import", file, "--tlp", "amber", "--source", "ours")

    def read() -> set[str]:
        answer = httpx.get(url, auth=(CLIENT, token), headers={"Accept": "application/taxii+json;version=2.1"},
                           trust_env=False, timeout=30)  # fmt: skip
        assert answer.status_code == 200, answer.text
        return {item["id"] for item in answer.json().get("objects", [])}

    know("first", 40)
    with node.serving(port, free_port()):
        assert len(read()) == 40
        know("flood", 500)
        node.run("run", "release")  # they stand in the outbox, and nobody has fetched them
        node.run("standing", "stop")
        assert read() == set()
        know("later", 40)
        assert read() == set()
        node.run("standing", "resume", "--approver-token", str(second))
        assert len(read()) == 580
