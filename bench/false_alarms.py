"""False warnings a day on real traffic that no campaign of two sides stands behind.

    python -m bench false_alarms --data FOLDER

FOLDER holds real logs by folder (EVE, Zeek, Cowrie). Each folder's lines are dealt to two sides by the own machine
that they are about (the first private address in the line; lines without one by their digest), as if two
organisations had been watched. Whatever is warned about as hitting both is counted as false. That is on the strict
side: one real attacker may have met machines of both halves, above all in the traffic of a contest.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench.score import seawall

SIDES = ("TW", "KR")
DEFAULT = ("zeek-wrccdc", "suricata-verify", "cowrie-live")
ENDINGS = (".json", ".log", ".json.gz", ".log.gz", ".ndjson")
PRIVATE = re.compile(rb"\b(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}\b")


def main(arguments: list[str] | None = None) -> None:
    """Print one row a folder."""
    parser = argparse.ArgumentParser(prog="python -m bench false_alarms", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of folders with real logs")
    parser.add_argument("--folders", default=",".join(DEFAULT), help="which of them, with commas between")
    options = parser.parse_args(arguments)
    print("| Traffic | Events | Days | Warnings of both sides | A day | Groups raised a day | Of types |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name in options.folders.split(","):
        print(_row(options.data / name), flush=True)


def _row(folder: Path) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        parts = Path(scratch) / "parts"
        _deal(folder, parts)
        node = Path(scratch) / "node"
        seawall(node, "init", "--name", "false-alarms", "--economy", "TW", "--lang", "en")
        events = 0
        for side in SIDES:
            report = seawall(node, "ingest", parts / side, "--side", side)
            events += int(str(report["stored"]))
        seawall(node, "match")
        items = list(_warnings(node))
        both = [item for item in items if item["other_first_seen"]]
        raised = [item for item in both if item.get("state", "open") == "open"]
        groups = {str(item.get("group") or item["value"]) for item in raised}
        days = _days(node)
        kinds = ", ".join(sorted({str(item["type"]) for item in both})) or "none"
    each = len(both) / days
    return f"| {folder.name} | {events:,} | {days} | {len(both)} | {each:.2f} | {len(groups) / days:.2f} | {kinds} |"


def _warnings(node: Path) -> Iterator[dict[str, object]]:
    after = "0"
    while True:
        page = seawall(node, "warnings", "--limit", "1000", "--after", after)
        items = page["items"]
        yield from items if isinstance(items, list) else []
        if not page["next"]:
            return
        after = str(page["next"])


def _days(node: Path) -> int:
    """Distinct UTC days with events."""
    return max(1, len({path.name for path in (node / "lake" / "observations").glob("day=*")}))


def _deal(folder: Path, parts: Path) -> None:
    """Every line of every log to one of the two sides' copies of its file; headers (``#``) to both."""
    for path in sorted(folder.rglob("*")):
        if not path.name.endswith(ENDINGS) or path.name.startswith("expected"):
            continue
        opened = gzip.open if path.suffix == ".gz" else open
        inside = str(path.relative_to(folder)).replace("/", "-").removesuffix(".gz")
        files = {}
        for side in SIDES:
            (parts / side).mkdir(parents=True, exist_ok=True)
            files[side] = (parts / side / inside).open("wb")
        with opened(path, "rb") as lines:
            for line in lines:
                for side in SIDES if line.startswith(b"#") else (_side(line),):
                    files[side].write(line)
        for file in files.values():
            file.close()
            if not Path(file.name).stat().st_size:
                Path(file.name).unlink()


def _side(line: bytes) -> str:
    own = PRIVATE.search(line)
    return SIDES[hashlib.sha256(own[0] if own else line).digest()[0] % 2]


if __name__ == "__main__":
    main()
