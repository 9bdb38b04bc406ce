"""Large sets: each tool in a process of its own, loaded by our driver and by the tool's own way, in the same run.

Called by ``bench/enforce.py``; alone: ``python bench/enforce_size.py TOOL COUNT``. Seconds are wall time, ``cpu`` the
processor seconds of the driver's process and of the commands that it ran. ``peer``: the same set by the tool's own
means. Memory is the tool's resident set; of the packet filter, whose sets live in the kernel, what the machine's
available memory fell by, and what the command ``nft`` took at its peak.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:] = [str(ROOT), str(ROOT / "tests"), *sys.path[1:]]

from bench.enforce_tools import TOOLS, Tool  # noqa: E402 - after the path

from enforce.orders import now, put, remove  # noqa: E402
from seawall.model import ObservableType  # noqa: E402
from seawall.model.directive import Action  # noqa: E402
from seawall.model.order import Change, Lane, Order, OrderState  # noqa: E402
from seawall.protect.drivers.interface import Driver, Outcome  # noqa: E402

MANY = 10_000
SECONDS = 3_600
DAY = 86_400_000_000


def measured(addresses: int, names: int, tools: list[str] | None) -> tuple[dict[str, Any], bool]:
    """The figures of every tool, and whether all of them held what they should."""
    figures: dict[str, Any] = {}
    for name, tool in TOOLS.items():
        if tools and name not in tools:
            continue
        count = (names if tool.named else addresses) // tool.part
        space = ["unshare", "--net"] if tool.spaced else []
        command = [*space, sys.executable, str(Path(__file__)), name, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        figures[name] = json.loads(done.stdout) if done.returncode == 0 else {"failed": done.stderr[-1500:]}
        print(name, json.dumps(figures[name]), file=sys.stderr)
    return {"machine": {"cores": os.cpu_count()}, "tools": figures}, all(
        one.get("right") is True for one in figures.values()
    )


def alone(name: str, count: int) -> dict[str, Any]:
    """One tool: loaded, changed and reloaded; the value that decides is asked of the tool itself."""
    tool = TOOLS[name]
    with tempfile.TemporaryDirectory(prefix="seawall-bench-") as made:
        Path(made).chmod(0o777)  # Squid and BIND read it as users of their own
        with tool.started(Path(made)) as running:
            return {"values": count, **_figures(tool, running, orders(count, tool.named, 1))}


def _figures(tool: Tool, running: Any, held: list[Order]) -> dict[str, Any]:
    from bench.enforce_tools import available

    driver, more = running.driver, orders(MANY, tool.named, 2)
    before = available()
    found: dict[str, Any] = {"driver_memory_before_mb": _rss("self")}
    found["load"] = timed(lambda: driver.reconcile(held, now()), running, held[-1], True)
    found["kernel_mb" if tool.spaced and not running.pids else "memory_mb"] = (
        _rss(*running.pids) if running.pids else round((before - available()) / 1e6)
    )
    right = True
    for label, changes, stands in (
        ("one_in", put(more[0]), True),
        ("one_out", remove(more[0]), False),
        ("many_in", put(*more), True),
        ("many_out", remove(*more), False),
    ):
        found[label] = timed(partial(_applied, driver, changes), running, more[0], stands)
        right = right and all(not one.problem for one in found[label].pop("answer"))
    found["compare"] = timed(lambda: driver.reconcile(held, now()), running, held[-1], True)
    drift = found["compare"].pop("answer")
    found["load"].pop("answer")
    if running.pids:
        found["memory_after_mb"] = _rss(*running.pids)
    found["driver_memory_mb"] = _rss("self")
    found["commands_peak_mb"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    if tool.peer is not None:
        found["peer"] = tool.peer(running, held)
    found["right"] = right and (drift.missing, drift.unexpected) == (0, 0)
    return found


def _applied(driver: Driver, changes: list[Change]) -> list[Outcome]:
    return driver.apply(changes, now())


def timed(work: Callable[[], Any], running: Any, decisive: Order, stands: bool) -> dict[str, Any]:
    """Seconds and CPU of a step, and seconds until the tool itself answers so for one value of it."""
    cpu, began = _cpu(), time.monotonic()
    answer = work()
    done, used = time.monotonic() - began, _cpu() - cpu
    while running.holds(decisive.value) is not stands:
        if time.monotonic() - began > 300:
            raise AssertionError(f"{decisive.value} should stand: {stands}")
        time.sleep(0.002)
    seen = time.monotonic() - began
    return {"seconds": round(done, 4), "seen_after": round(seen, 4), "cpu": round(used, 3), "answer": answer}


def orders(count: int, named: bool, seed: int) -> list[Order]:
    """Different values, from public address space or with labels like those of generated names."""
    dice, at = random.Random(seed), now()
    made: list[Order] = []
    seen: set[str] = set()
    while len(seen) < count:
        if named:
            seen.add(f"{dice.randrange(16**10):010x}.{dice.choice('abcdefgh')}{seed}.example")
        else:
            seen.add(f"{dice.randrange(11, 100)}.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(256)}")
    for value in seen:
        kind = ObservableType.DOMAIN if named else ObservableType.IPV4
        ends = at + DAY + dice.randrange(7 * DAY)
        undo = f"{len(made) + (seed << 40):016x}"
        made.append(Order(undo, Action.BLOCK, kind, value, at, ends, OrderState.ACTIVE, Lane.OWN, "", "0:0", "us"))
    return made


def _cpu() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _rss(*pids: int | str) -> int:
    """Resident memory of processes together, in MB."""
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(text.split("VmRSS:")[1].split()[0]) for text in texts) // 1024


def main() -> int:
    """One tool, for the caller above."""
    found = alone(sys.argv[1], int(sys.argv[2]))
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
