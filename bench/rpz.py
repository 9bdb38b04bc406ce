#!/usr/bin/env python3
"""Policy zones: our primary against dnspython, and what real resolvers make of them.

    python -m bench rpz [--names 300000] [--tools bind,unbound,pdns,knot] [--layouts whole,parts] [--rounds 20]
                        [--compare 20000]

First the zone is packed: CPU-seconds of a whole transfer of ours, and of one that dnspython renders (of ``--compare``
names, for it is slow), per 1,000 names. Then for each tool that is here: seconds from its start until a listed name
does not exist; its memory; and, ``--rounds`` times each, seconds from the call of ``apply`` (disk included) until a
name that was just asked for does not exist (and the tool's own CPU-seconds for it), and from its removal until it
does again; 10,000 names in and out; one expiry. BIND and Unbound do it twice: with all names in one zone, and in the
sixteen parts (docs/how-to/rpz.md).
Knot DNS is no resolver: its zone file is looked at instead. The upstream answers with a TTL of 300 s.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.renderer
import dns.zone

from enforce.resolver_files import KEY
from enforce.resolvers import Resolver, Upstream, free_port, resolver, wait_for
from protect.rpz.scenes import BLOCK, key_file, order, put, remove
from seawall.model.clock import system_clock
from seawall.model.order import Change
from seawall.protect.rpz import RpzPrimary, RpzSettings, Secondary, TsigKey

PROGRAMS = {"bind": "named", "unbound": "unbound", "pdns": "pdns_recursor", "knot": "knotd"}
PARTED = ("bind", "unbound")
SIGNING = ("bind", "pdns", "knot")
LONGEST = 120.0  # seconds after which a tool has failed


def main() -> int:
    """Pack, then follow with each tool."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--names", type=int, default=300_000)
    parser.add_argument("--tools", default=",".join(PROGRAMS))
    parser.add_argument("--layouts", default="whole,parts")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--compare", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rpz-") as work:
        packing(Path(work), given.names, given.compare)
        print(
            "tool\tlayout\tload_s\tmemory_mb\tput_median_s\tput_worst_s\tput_cpu_s\tfree_median_s\tfree_worst_s"
            "\tfree_cpu_s\t10000_in_s\t10000_out_s\texpiry_s"
        )
        for tool in given.tools.split(","):
            if shutil.which(PROGRAMS[tool], path="/usr/sbin:/usr/bin") is None:
                print(f"{tool}: not installed", file=sys.stderr)
                continue
            for layout in given.layouts.split(",") if tool in PARTED else ("whole",):
                following(Path(work) / f"{tool}-{layout}", tool, layout, given.names, given.rounds)
    return 0


def changes(count: int) -> list[Change]:
    """So many names under a thousand domains."""
    return put(*map(order, map(name_of, range(count))))


def name_of(number: int) -> str:
    """One of them."""
    return f"host{number}.bad{number % 977}.example"


def packing(folder: Path, names: int, compare: int) -> None:
    """A whole transfer out of our own process, and one rendered by dnspython."""
    ours = RpzPrimary(RpzSettings(folder=str(folder / "pack"), port=0, secondaries=(Secondary("127.0.0.1", 0),)))
    ours.start()
    given = changes(names)
    began = time.perf_counter()
    ours.apply(given, system_clock())
    applied = time.perf_counter() - began
    began, cpu = time.perf_counter(), time.process_time()
    records, size = transferred(ours.port)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    began = time.perf_counter()
    ours.apply(put(order("one.example")), system_clock())
    one = time.perf_counter() - began
    again = [change.order for change in given]
    began = time.perf_counter()
    ours.reconcile(again, system_clock())
    compared = time.perf_counter() - began
    ours.close()
    print(f"{names} names into the book: {applied:.2f} s; one more: {one * 1000:.1f} ms; comparing: {compared:.2f} s")
    print(
        f"whole transfer: {records} records, {size / 1e6:.1f} MB in {seconds:.2f} s, CPU {cpu:.2f} s (with its reader)"
    )
    theirs = rendered(compare)
    mine, others = cpu / names * 1e6, theirs / compare * 1e6
    print(f"CPU-ms per 1,000 names: ours {mine:.2f}, dnspython {others:.2f} ({others / mine:.0f} times as much)")


def transferred(port: int) -> tuple[int, int]:
    """Records and bytes of a whole transfer, read as cheaply as can be."""
    query = dns.message.make_query(BLOCK, "AXFR").to_wire()
    records = size = 0
    with socket.create_connection(("127.0.0.1", port)) as line, line.makefile("rb") as answers:
        line.sendall(struct.pack("!H", len(query)) + query)
        line.shutdown(socket.SHUT_WR)
        while len(head := answers.read(2)) == 2:
            message = answers.read(struct.unpack("!H", head)[0])
            records, size = records + struct.unpack_from("!H", message, 6)[0], size + len(message)
    return records, size


def rendered(names: int) -> float:
    """CPU-seconds in which dnspython renders a zone of its own into messages of a transfer."""
    rows = [f"host{number}.bad{number % 977}.example" for number in range(names)]
    text = "\n".join(f"{name} 30 IN CNAME .\n*.{name} 30 IN CNAME ." for name in rows)
    soa = "@ 30 IN SOA localhost. hostmaster.localhost. 1 30 10 21600 10\n@ 30 IN NS localhost.\n"
    zone = dns.zone.from_text(soa + text, BLOCK, relativize=False)
    began = time.process_time()
    make: Callable[[], Any] = dns.renderer.Renderer  # it says nothing of its types
    renderer, held = make(), 0
    for name, rdataset in zone.iterate_rdatasets():
        if held == 1_500:
            renderer.write_header()
            renderer, held = make(), 0
        renderer.add_rdataset(dns.renderer.ANSWER, name, rdataset)
        held += 1
    return time.process_time() - began


def following(folder: Path, tool: str, layout: str, names: int, rounds: int) -> None:
    """One line of figures of one tool, which follows the whole zone or its parts."""
    folder.mkdir()
    signs, port, upstream = tool in SIGNING, free_port(), Upstream()
    keys = (TsigKey(KEY, str(key_file(folder))),) if signs else ()
    secondary = Secondary("127.0.0.1", 0 if tool == "pdns" else port, KEY if signs else "", parts=layout == "parts")
    ours = RpzPrimary(RpzSettings(folder=str(folder / "rpz"), port=0, keys=keys, secondaries=(secondary,)))
    ours.start()
    ours.apply(changes(names), system_clock())
    began = time.perf_counter()
    key_of_it = folder / "rpz.key" if signs else None
    with resolver(tool, folder / tool, ours.port, upstream, key_of_it, port, parts=layout == "parts") as it:
        sees = file_of(folder / tool / "block.zone") if tool == "knot" else answers_of(it)
        loaded = [
            f"host{number}.bad{number % 977}.example" for number in (*range(1, names, max(1, names // 64)), names - 1)
        ]
        wait_for(lambda: all(map(sees, loaded)), LONGEST, it.said)
        load, memory = time.perf_counter() - began, it.memory_bytes() / 1e6
        blocked, freed = [], []
        spent = it.cpu_seconds()
        for number in range(rounds):
            blocked.append(timed(ours, put(order(f"new{number}.example")), sees, [f"new{number}.example"], True, it))
        spent = (it.cpu_seconds() - spent) / rounds
        used = it.cpu_seconds()
        for number in range(rounds):
            freed.append(timed(ours, remove(order(f"new{number}.example")), sees, [f"new{number}.example"], False, it))
        used = (it.cpu_seconds() - used) / rounds
        many = [order(f"many{number}.example") for number in range(10_000)]
        some = [one.value for one in many[::97]]  # in each part
        many_s = [
            timed(ours, change, sees, some, want, it) for change, want in ((put(*many), True), (remove(*many), False))
        ]
        ends = system_clock() + int((5 + 4 * max(blocked)) * 1e6)  # so that it is blocked before it runs out
        timed(ours, put(order("short.example", expires_at=ends)), sees, ["short.example"], True, it)
        wait_for(lambda: not sees("short.example"), LONGEST, it.said)
        expiry = (system_clock() - ends) / 1e6
        figures = [load, memory, *middle_and_worst(blocked), spent, *middle_and_worst(freed), used, *many_s, expiry]
        print(tool, layout, *(f"{figure:.2f}" for figure in figures), sep="\t", flush=True)
    ours.close()
    upstream.close()


def middle_and_worst(seconds: list[float]) -> tuple[float, float]:
    """Median and worst."""
    return statistics.median(seconds), max(seconds)


def timed(
    ours: RpzPrimary, change: list[Change], sees: Callable[[str], bool], names: list[str], want: bool, it: Resolver
) -> float:
    """Seconds from the call of ``apply`` until the tool does as it says; the names were asked for just before."""
    if want in list(map(sees, names)):  # all are asked for, so that they stand in its cache
        raise RuntimeError(f"{names[0]} is as it shall be before anything was done")
    time.sleep(0.3)  # as changes come: not while the tool still digests the last
    began = time.perf_counter()
    ours.apply(change, system_clock())
    wait_for(lambda: all(sees(name) is want for name in names), LONGEST, it.said)
    return time.perf_counter() - began


def answers_of(it: Resolver) -> Callable[[str], bool]:
    """Whether a name does not exist there; a busy resolver is asked again until it answers."""

    def blocks(name: str) -> bool:
        for _ in range(60):
            if (found := it.ask(name)) is not None:
                return found.blocked
        raise RuntimeError(f"{it.name} does not answer")

    return blocks


def file_of(path: Path) -> Callable[[str], bool]:
    """Whether a name stands in a zone file."""
    return lambda name: path.exists() and f"\n{name}.{BLOCK}.".encode() in path.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
