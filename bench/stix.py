#!/usr/bin/env python3
"""What STIX costs: objects per CPU-second, checked and imported, beside stix2; patterns beside stix2-patterns.

    python bench/stix.py [--data FOLDER] [--objects N] [--patterns N]

FOLDER holds real bundles (``unit42-stix``, ``mitre-attack``); what is absent is left out with a word. Real objects are
repeated under new identifiers until there are N; generated indicators differ in every value. All in one process, the
peers on a sample of the same objects. ``parse + check`` is JSON to verdict, ``import`` is a whole bundle to structs and
bodies. The last line says whether every object and pattern was judged as it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import itertools
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from seawall.codec.pattern import problem_of, simple_keys
from seawall.codec.stix import check, parse_bundle

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SAMPLE = 1_000  # objects given to the peers, which take milliseconds for each
IDENTITY = "identity--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
GREEN = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
COMPLEX = (
    "[file:hashes.'SHA-256' = '{digest}' AND file:size > {n}] FOLLOWEDBY [domain-name:value LIKE '%{n}.example'] "
    "WITHIN {n} SECONDS"
)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--objects", type=int, default=50_000)
    parser.add_argument("--patterns", type=int, default=50_000)
    asked = parser.parse_args()
    right = True
    rows: list[tuple[str, str, float | None, str, float | None]] = []
    for name, objects in _sets(asked.data, asked.objects):
        raws = [msgspec.json.encode(obj) for obj in objects]
        valid = sum(check(msgspec.json.decode(raw)).valid for raw in raws)
        right &= valid == len(raws)
        ours = _rate(lambda raw: check(msgspec.json.decode(raw)), raws)
        taken = _import_rate(raws)
        theirs = _rate(_stix2_parse(), raws[:: max(1, len(raws) // SAMPLE)])
        rows.append((name, "parse + check", ours, "stix2 parse", theirs))
        rows.append((name, "import (structs, bodies)", taken, "", None))
    for name, patterns, wanted in _patterns(asked.patterns):
        rows.append(
            (name, "pattern check", _rate(problem_of, patterns), "stix2-patterns", _rate(_oasis(), patterns[:SAMPLE]))
        )
        if wanted:
            rows.append((name, "pattern to match keys", _rate(simple_keys, patterns), "", None))
        right &= all((problem_of(pattern) is None) == wanted for pattern in patterns[:SAMPLE])
    print("| data | ours | per CPU-s | peer | per CPU-s | ratio |\n| --- | --- | ---: | --- | ---: | ---: |")
    for name, work, ours_rate, peer, peer_rate in rows:
        ratio = f"{ours_rate / peer_rate:,.0f} x" if ours_rate and peer_rate else ""
        print(f"| {name} | {work} | {ours_rate:,.0f} | {peer} | {f'{peer_rate:,.0f}' if peer_rate else ''} | {ratio} |")
    print("every verdict is right" if right else "WRONG: an object or a pattern was misjudged")
    return 0 if right else 1


def _rate(work: Callable[[Any], object], things: list[Any]) -> float:
    """Things per CPU-second; a tenth of them first, so that nobody pays for loading."""
    for thing in things[: len(things) // 10]:
        work(thing)
    started = time.process_time()
    for thing in things:
        work(thing)
    return len(things) / (time.process_time() - started)


def _import_rate(raws: list[bytes]) -> float:
    bundle = b'{"type":"bundle","id":"bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","objects":[%s]}' % b",".join(raws)
    started = time.process_time()
    found = parse_bundle(bundle)
    taken = time.process_time() - started
    return (len(found.objects) + found.repeated) / taken


def _stix2_parse() -> Callable[[bytes], object]:
    import stix2

    return lambda raw: stix2.parse(raw.decode(), allow_custom=True, version="2.1")


def _oasis() -> Callable[[str], object]:
    from stix2patterns.v21.pattern import Pattern

    def judge(pattern: str) -> None:
        with contextlib.suppress(Exception):  # a broken one: its verdict
            Pattern(pattern)

    return judge


def _sets(data: Path, count: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "generated indicators", [_indicator(n) for n in range(count)]
    for name in ("unit42-stix", "mitre-attack"):
        if not (data / name).is_dir():
            print(f"{name}: left out, {data} does not hold it", file=sys.stderr)
            continue
        yield name, list(_repeated(list(_real(data / name)), count))


def _real(folder: Path) -> Iterator[dict[str, Any]]:
    """The valid objects of all bundles, lifted to 2.1 where they are older."""
    for path in sorted(folder.rglob("*.json*")):
        raw = path.read_bytes()
        data = gzip.decompress(raw) if path.suffix == ".gz" else raw
        if b'"bundle"' in data[:2000] or b'"objects"' in data:
            yield from (json.loads(body) for body in parse_bundle(data).bodies)


def _repeated(objects: list[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    """``count`` objects, each with an identifier of its own; marking definitions keep theirs."""
    for n, obj in enumerate(itertools.islice(itertools.cycle(objects), count)):
        kind, _, text = str(obj["id"]).partition("--")
        fresh = uuid.UUID(int=uuid.UUID(text).int ^ (n << 8 if n >= len(objects) else 0))
        yield obj if kind == "marking-definition" else {**obj, "id": f"{kind}--{fresh}"}


def _indicator(n: int) -> dict[str, Any]:
    moment = f"2026-{n % 12 + 1:02d}-{n % 28 + 1:02d}T{n % 24:02d}:{n % 60:02d}:{n % 59:02d}.{n % 1000:03d}Z"
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.UUID(int=n << 64 | n, version=4)}",
        "created_by_ref": IDENTITY,
        "created": moment,
        "modified": moment,
        "name": f"address {n}",
        "description": "seen on a honeypot",
        "indicator_types": ["malicious-activity"],
        "confidence": n % 101,
        "pattern": f"[ipv4-addr:value = '198.{n // 65536 % 256}.{n // 256 % 256}.{n % 256}']",
        "pattern_type": "stix",
        "valid_from": moment,
        "object_marking_refs": [GREEN],
    }


def _patterns(count: int) -> Iterable[tuple[str, list[str], bool]]:
    simple = [
        (f"[ipv4-addr:value = '198.51.{n // 256 % 256}.{n % 256}']", f"[domain-name:value = 'host{n}.example']",
         f"[file:hashes.'SHA-256' = '{n:064x}']", f"[url:value = 'http://host{n}.example/a']")[n % 4]
        for n in range(count)
    ]  # fmt: skip
    yield "simple patterns", simple, True
    yield "complex patterns", [COMPLEX.format(digest=f"{n:064x}", n=n + 1) for n in range(count // 10)], True
    yield "broken patterns", [pattern[:-2] for pattern in simple[: count // 10]], False


if __name__ == "__main__":
    sys.exit(main())
