"""From a partner's log line to a dropped packet at our gateway, and back again; real packets decide.

Called by ``bench/enforce.py``. Two nodes and one gateway at a time in network namespaces (``tests/enforce/lab.py``).
For each tool:

- *standing*: Taipei's sensor writes a line; standing rules on both sides do the rest. Seconds to the first dropped
  probe from the line, and from the moment of Taipei's release on its ledger.
- *person*: no standing rules. One person in Taipei releases, one in Seoul applies; each command is given as soon as
  its screen can show the value, so this is what the machines take. From the start of the first command.
- *canary*: Seoul knows too little of its own traffic: the value is watched for a (shortened) window first.
- *unblock*: seconds until packets pass again after undo, recall and the end of the relation (from the start of the
  command), and after the order's end (from that moment).

A probe goes out each ten milliseconds; a change counts from the first of three in a row. Moments are of one clock.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from enforce.gateways import GATEWAYS, Scene
from enforce.lab import Lab, lab
from journey.command_line import SeawallNode
from seawall.model import to_microseconds
from seawall.model.moments import parse_moment

WAIT = 60.0  # seconds after which a run counts as failed
UNBLOCKS = 5  # runs of each way back, at most
CANARY_MINUTES = 0.05
EXPIRY_HOURS = 6 / 3_600


def measured(runs: int, tools: list[str] | None, ways: list[str] | None = None) -> tuple[dict[str, Any], bool]:
    """The figures of every tool, and whether each run came out as it must; ``ways``: some of the three ways."""
    SeawallNode.fresh = True
    figures: dict[str, Any] = {"cores": os.cpu_count(), "runs": runs, "load_before": os.getloadavg()[0]}
    wanted = [name for name in GATEWAYS if not tools or name in tools]
    parts: tuple[tuple[str, dict[str, Any], Callable[[Lab, Scene, int], dict[str, Any]]], ...] = (
        ("standing", {}, _standing),
        ("person", {"auto": False}, _person),
        ("canary", {"known_radius": False, "canary_minutes": CANARY_MINUTES}, _canary),
    )
    for part, how, work in (one for one in parts if not ways or one[0] in ways):
        for name in wanted:
            with _up(name, **how) as (found, scene):
                told = work(found, scene, runs)
            figures.setdefault(name, {})[part] = told
            print(name, part, json.dumps(told), file=sys.stderr)
    figures["load_after"] = os.getloadavg()[0]
    return figures, all(_right(figures[name]) for name in wanted)


@contextmanager
def _up(name: str, **how: Any) -> Iterator[tuple[Lab, Scene]]:
    with tempfile.TemporaryDirectory(prefix="seawall-lab-") as made:
        Path(made).chmod(0o755)
        with lab(Path(made), **how) as found, GATEWAYS[name](found) as scene:
            yield found, scene


def _values(scene: Scene, count: int) -> list[tuple[str, str]]:
    """Each value, and the address that its line is about."""
    addresses = [f"203.0.113.{number}" for number in range(10, 10 + count)]
    return [(f"c2-{at}.example.net" if scene.named else address, address) for at, address in enumerate(addresses)]


def _line(found: Lab, scene: Scene, value: str, address: str) -> float:
    return found.attack_by_name(value, address) if scene.named else found.attack(address)


def _standing(found: Lab, scene: Scene, runs: int) -> dict[str, Any]:
    moments, failed = [], 0
    values = _values(scene, runs)
    for value, address in values:
        probe = scene.probe(value)
        before = probe.passes()
        line = _line(found, scene, value, address)
        drop = probe.until(False, WAIT)
        probe.close()
        failed += not before or drop is None
        if drop is not None:
            moments.append((line, drop))
    released = sorted(_released(found))
    from_release = [
        drop - first
        for line, drop in moments
        if (first := next((at for at in released if line <= at <= drop), None)) is not None
    ]
    return {
        "failed": failed,
        "from_log_line": _spread([drop - line for line, drop in moments]),
        "from_release": _spread(from_release),
        "unblock": _unblocks(found, scene, [value for value, _ in values]),
    }


def _released(found: Lab) -> Iterator[float]:
    """The moments of Taipei's releases by its standing rule."""
    for item in found.taipei.listing("ledger", "show"):
        if item["kind"] == "release" and item["rule"].startswith("standing"):
            yield to_microseconds(parse_moment(item["at"])) / 1e6


def _person(found: Lab, scene: Scene, runs: int) -> dict[str, Any]:
    seconds, commands, failed = [], [], 0
    for value, address in _values(scene, runs):
        probe = scene.probe(value)
        _line(found, scene, value, address)
        indicator = _eventually(partial(_indicator, found, value))
        began = time.time()
        found.taipei.run("release", indicator, "--circle", "shore")
        released = time.time()
        _eventually(partial(_shown, found, value))
        shown = time.time()
        passed = probe.passes()
        applying = threading.Thread(target=found.seoul.run, args=("protect", "apply", value))
        applying.start()
        drop = probe.until(False, WAIT)
        applied = time.time()
        applying.join()
        probe.close()
        failed += not passed or drop is None
        if drop is not None:
            seconds.append(drop - began)
            commands.append((released - began) + (applied - shown))
    return {"failed": failed, "from_first_command": _spread(seconds), "of_it_in_commands": _spread(commands)}


def _shown(found: Lab, value: str) -> bool:
    return bool(found.seoul.here("protect", "status", value)["items"])


def _canary(found: Lab, scene: Scene, runs: int) -> dict[str, Any]:
    """All at once, each with a probe of its own: the window passes for all of them together.

    The job that judges runs every 30 seconds, so that most of this time is a wait for it.
    """
    drops: dict[str, float | None] = {}
    lines: dict[str, float] = {}
    values = _values(scene, runs)
    probes = {value: scene.probe(value) for value, _ in values}

    def watch(value: str) -> None:
        drops[value] = probes[value].until(False, WAIT * 2, every=0.2)

    threads = [threading.Thread(target=watch, args=(value,)) for value, _ in values]
    for value, address in values:
        lines[value] = _line(found, scene, value, address)
    for thread in threads:
        thread.start()
    time.sleep(1)  # the lines below are of the time in which the values are watched
    found.other_traffic_in_seoul()
    for thread in threads:
        thread.join()
    for probe in probes.values():
        probe.close()
    seconds = [drop - lines[value] for value, drop in drops.items() if drop is not None]
    return {
        "failed": sum(drop is None for drop in drops.values()),
        "window_seconds": CANARY_MINUTES * 60,
        "from_log_line": _spread(seconds),
    }


def _unblocks(found: Lab, scene: Scene, blocked: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    rest = list(blocked)
    for way in ("undo", "recall"):
        seconds = []
        for value in [rest.pop() for _ in range(min(UNBLOCKS, len(rest) // 3))]:
            name = value if way == "undo" else _indicator(found, value)
            node = found.seoul if way == "undo" else found.taipei
            seconds.append(_back(scene, value, partial(node.run, *_words(way, name))))
        told[way] = _spread(seconds)
    told["expiry"] = _spread([_expired(found, scene, f"{value}") for value in _fresh(scene)])
    held = rest[:1]
    told["sever"] = _spread(
        [_back(scene, value, lambda: found.seoul.run("peers", "sever", "taipei")) for value in held]
    )
    return told


def _words(way: str, name: str) -> tuple[str, ...]:
    return ("protect", "undo", name) if way == "undo" else ("recall", name)


def _fresh(scene: Scene) -> list[str]:
    return [f"short-{n}.example.net" if scene.named else f"203.0.113.{240 + n}" for n in range(UNBLOCKS)]


def _expired(found: Lab, scene: Scene, value: str) -> float | None:
    """Seconds from the end of an order of some seconds until packets pass; negative: the tool counts whole seconds."""
    probe = scene.probe(value)
    answer = found.seoul.run("protect", "apply", value, "--ours", "--hours", str(EXPIRY_HOURS))
    ends = to_microseconds(parse_moment(answer["expires_at"])) / 1e6
    if probe.until(False, WAIT) is None:
        return None
    back = probe.until(True, WAIT)
    probe.close()
    return None if back is None else back - ends


def _back(scene: Scene, value: str, act: Callable[[], Any]) -> float | None:
    """Seconds from the start of a command until packets of a blocked value pass again."""
    probe = scene.probe(value)
    if probe.passes():
        return None
    acting = threading.Thread(target=act)
    began = time.time()
    acting.start()
    back = probe.until(True, WAIT)
    acting.join()
    probe.close()
    return None if back is None else back - began


def _indicator(found: Lab, value: str) -> str:
    """The id under which Taipei holds a value; empty: not yet."""
    file = found.folder / "held.json"
    found.taipei.here("intel", "export", "--to", "stix", "-o", file)
    for item in json.loads(file.read_text()).get("objects", ()):
        if item["type"] == "indicator" and f"'{value}'" in item["pattern"]:
            return str(item["id"])
    return ""


def _eventually(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + WAIT
    while not (found := what()):
        if time.monotonic() > end:
            raise TimeoutError("it never came")
        time.sleep(0.05)
    return found


def _spread(given: list[float] | list[float | None]) -> dict[str, Any]:
    seconds = [one for one in given if one is not None]
    if not seconds:
        return {"n": 0, "failed": len(given)}
    found = {"n": len(seconds), "median": round(statistics.median(seconds), 3), "worst": round(max(seconds), 3)}
    return found | ({"failed": len(given) - len(seconds)} if len(given) > len(seconds) else {})


def _right(told: Any) -> bool:
    """Whether nothing failed anywhere below."""
    if isinstance(told, dict):
        return not told.get("failed") and all(_right(one) for one in told.values())
    return True
