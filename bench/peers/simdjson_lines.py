"""A parse limit of the simdjson class: pysimdjson parses each line and gives five of its fields, and that is all."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from bench.peers.peer import ROOT, Run, Sample, does, measured, own_venv, version_in

FIELDS = ("timestamp", "event_type", "src_ip", "dest_ip", "host")


class SimdjsonLines:
    """How fast Python could be at most with the fastest JSON parser: no types, no rows, nothing kept."""

    name = "simdjson from Python, five fields"
    slow = False
    foreign = True
    does = does("five fields", "no", "no", "no", "no", "no")

    def prepare(self, cache: Path) -> str:
        """From the package index."""
        self._python = own_venv(cache, "simdjson", "pysimdjson")
        return version_in(self._python, "pysimdjson")

    def run(self, sample: Sample, scratch: Path) -> Run:
        """This file again, in that environment."""
        seconds, printed = measured([self._python, "-m", "bench.peers.simdjson_lines", sample.file])
        return Run(seconds, {"events": json.loads(printed)})


def parse(path: Path) -> int:
    """Parse the lines of ``path``; how many had every field."""
    parser = importlib.import_module("simdjson").Parser()
    found = 0
    with path.open("rb") as lines:
        for line in lines:
            event = parser.parse(line)
            found += None not in [event[name] for name in FIELDS]
            del event  # the parser refuses to go on while a document lives
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(parse(Path(sys.argv[1])))
