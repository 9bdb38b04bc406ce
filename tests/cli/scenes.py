"""A node with telemetry of two sides, indicators of every marking, people of every role and one circle."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from journey.command_line import Answer, SeawallNode, eve, here

ATTACKER = "203.0.113.77"
SECRET = "198.51.100.66"
ROLES = ("reader", "analyst", "releaser", "approver", "admin", "auditor", "taxii")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
BUNDLED = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
FAMILY = "malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b"
CREATED = {"spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"}
BUNDLE = {
    "type": "bundle",
    "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d",
    "objects": [
        {
            "type": "indicator", "id": BUNDLED, **CREATED, "pattern_type": "stix",
            "pattern": "[ipv4-addr:value = '198.51.100.7' OR ipv4-addr:value = '198.51.100.8']",
            "valid_from": "2026-01-01T00:00:00Z",
        },
        {"type": "malware", "id": FAMILY, **CREATED, "is_family": True, "name": "Tide"},
    ],
}  # fmt: skip
LOG = "\n".join(
    [
        eve("2026-03-14T03:12:00.000001+0000", ATTACKER, "10.1.0.5", sensor="tpe-1"),
        eve("2026-03-14T08:14:00.000001+0000", ATTACKER, "10.2.0.9", sensor="sel-1"),
        "no record",
        eve("2026-03-14T05:00:00.000000+0000", "10.1.0.5", "198.51.100.9", sensor="unheard-of", kind="flow"),
        "{}",
    ]
)


class Shop(SeawallNode):
    """The node, where its files are, and who may act."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "node", "TW")
        self.files = folder

    def write(self, name: str, content: str) -> Path:
        """A file beside the node."""
        path = self.files / name
        path.write_text(content)
        return path

    def token_of(self, role: str) -> Path:
        """The token file of the person with this role."""
        return self.files / f"{role}.token"

    def say(self, *arguments: str | Path) -> Answer:
        """Run a command as a person types it."""
        return here("--node", self.folder, *arguments)

    def refused(self, *arguments: str | Path, status: int = 2) -> str:
        """Run a command that must fail; the one sentence it said."""
        answer = self.say(*arguments)
        assert (answer.status, answer.out) == (status, ""), answer
        assert re.fullmatch(r"E-[A-Z]+-\d{3}: [^\n]+\n", answer.err), answer.err
        assert "E-CLI-999" not in answer.err
        return answer.err


def furnished(folder: Path) -> Shop:
    """The node of these tests."""
    shop = Shop(folder)
    for role in ROLES:
        shop.write(f"{role}.token", shop.here("users", "add", f"u-{role}", "--role", role)["token"])
    shop.here("sensors", "import", shop.write("sensors.csv", "sensor,side,sector\ntpe-1,TW,water\nsel-1,KR,health\n"))
    shop.here("ingest", shop.write("eve.json", LOG))
    mixed = f"type,value,tlp,campaign\nipv4,{ATTACKER},amber,c1\ndomain,evil[.]example,green,c1\nipv4,{SECRET},red,\n"
    shop.here("intel", "import", shop.write("mixed.csv", mixed), "--source", "ours")
    shop.here("intel", "import", shop.write("bundle.json", json.dumps(BUNDLE)), "--tlp", "green", "--source", "vendor")
    shop.here("circles", "create", "friends", "--members", "u-taxii", "--tlp-ceiling", "amber")
    shop.here("release", BUNDLED, "--circle", "friends")
    return shop


def moments(document: Any, keys: frozenset[str]) -> list[str]:
    """Every text under one of these keys, however deep."""
    if isinstance(document, dict):
        found = [text for key, text in document.items() if key in keys and isinstance(text, str)]
        return found + [text for part in document.values() for text in moments(part, keys)]
    if isinstance(document, list):
        return [text for part in document for text in moments(part, keys)]
    return []
