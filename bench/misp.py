#!/usr/bin/env python3
"""MISP <-> STIX beside misp-stix in one run: attributes per CPU-second, and what each carries there and back.

    python bench/misp.py [--data FOLDER] [--attributes N] [--sample N] [--table]

FOLDER holds ``misp-events`` (real events) and ``misp-stix`` (an example of each attribute type). A real event is
repeated under new UUIDs until it has N attributes; misp-stix, which takes milliseconds for each, gets a sample of the
same. Then every attribute type that MISP knows goes to STIX and back, for detection and for the record: "same" is an
attribute whose type, value, category, to_ids and UUID are what they were. ``--table`` prints type by type, and the
objects of the real events.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import random
import sys
import time
import uuid
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from seawall.codec.misp import event_to_stix, events_in, parse_misp, to_events
from seawall.codec.misp.feed import attributes_in
from seawall.codec.misp.types import HASHES, KNOWN_TYPES
from seawall.model import Fault

HERE = Path(__file__).resolve().parent
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "sha512/224": 56,
          "sha512/256": 64, "sha3-224": 56, "sha3-256": 64, "sha3-384": 96, "sha3-512": 128}  # fmt: skip
SAME = ("uuid", "type", "value", "category", "to_ids")
Json = dict[str, Any]


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--attributes", type=int, default=20_000)
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # what the peer's libraries have to say is theirs
    sys.path[:] = [place for place in sys.path if Path(place).resolve() != HERE]  # stix.py here is not theirs
    rates(asked.data, asked.attributes, asked.sample)
    types(asked.data, table=asked.table)
    if asked.table:
        objects(asked.data)
    return 0


def rates(data: Path, attributes: int, sample: int) -> None:
    """Attributes per CPU-second both ways."""
    source = data / "misp-events" / "long_event.json.gz"
    event = json.loads(gzip.decompress(source.read_bytes()))["Event"] if source.exists() else typed_event(data, True)
    whole = msgspec.json.encode({"Event": repeated(event, attributes)})
    there, bodies = clocked(lambda: [msgspec.json.encode(obj) for obj in parse_misp(whole).objects])
    back, _ = clocked(lambda: msgspec.json.encode(to_events(bodies).events))
    print(f"{'':24}{'MISP to STIX':>16}{'STIX to MISP':>16}   attributes per CPU-second")
    print(f"{'Seawall':24}{attributes / there:>16,.0f}{attributes / back:>16,.0f}   {attributes:,} attributes, checked")
    small = repeated(event, sample)
    try:
        there, bundle = clocked(lambda: peer_to_stix(small))
        back, _ = clocked(lambda: peer_to_misp(bundle))
    except ImportError:
        print("misp-stix is not installed; its figures are left out")
        return
    print(f"{'misp-stix':24}{sample / there:>16,.0f}{sample / back:>16,.0f}   {sample:,} of the same")


def types(data: Path, *, table: bool) -> None:
    """Each attribute type there and back, by both."""
    print(f"\n{'attribute type':28}{'for':12}{'as STIX':18}{'Seawall':>10}{'misp-stix':>12}" if table else "")
    sums: dict[str, list[int]] = {"for detection": [0, 0, 0], "for the record": [0, 0, 0]}
    for detect, what in ((True, "for detection"), (False, "for the record")):
        event = typed_event(data, detect)
        mine, theirs = ours_back(event), peer_back(event)
        for attribute in event["Attribute"]:
            stix = event_to_stix({**event, "Attribute": [attribute]}).objects
            kinds = {obj["type"] for obj in stix if obj["id"].endswith(attribute["uuid"])}
            made = next((kind for kind in ("indicator", "observed-data", "note", *sorted(kinds)) if kind in kinds), "-")
            carried = [same(attribute, found) for found in (mine, theirs)]
            sums[what] = [one + more for one, more in zip(sums[what], (1, *carried), strict=True)]
            if table:
                words = ["same" if one else "lost" for one in carried]
                print(f"{attribute['type']:28}{what[4:]:12}{made:18}{words[0]:>10}{words[1]:>12}")
    print(f"\n{'types that come back the same':36}{'of':>6}{'Seawall':>10}{'misp-stix':>12}")
    for what, (all_, ours, peer) in sums.items():
        print(f"{what:36}{all_:>6}{ours:>10}{peer:>12}")


def objects(data: Path) -> None:
    """MISP objects of the real events there and back, by both: by name, how many attributes."""
    found: dict[str, list[int]] = {}
    for path in sorted((data / "misp-events").glob("*.json*")):
        raw = path.read_bytes()
        try:
            events = events_in(gzip.decompress(raw) if path.suffix == ".gz" else raw)
        except Fault:
            continue
        for event in events:
            mine, theirs = ours_back(event), peer_back(event)
            for part in event.get("Object", ()):
                counts = found.setdefault(part["name"], [0, 0, 0])
                for attribute in part.get("Attribute", ()):
                    if "uuid" in attribute:
                        counts[0] += 1
                        counts[1] += same(attribute, mine)
                        counts[2] += same(attribute, theirs)
    print(f"\n{'attributes in objects':36}{'of':>6}{'Seawall':>10}{'misp-stix':>12}")
    for name, (all_, ours, peer) in sorted(found.items()):
        print(f"{name:36}{all_:>6}{ours:>10}{peer:>12}")


def typed_event(data: Path, detect: bool) -> Json:
    """One event with an attribute of every type: the example that misp-stix gives, else a made-up value."""
    path = data / "misp-stix" / "mapping" / "misp_attributes_to_stix21.json.gz"
    examples = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}
    attributes = []
    for kind, (category, _) in KNOWN_TYPES.items():
        example = examples.get(kind, {}).get("MISP", {}) if isinstance(examples.get(kind), dict) else {}
        attributes.append({
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {detect}")), "type": kind, "category": category,
            "value": example.get("value") or made_up(kind), "to_ids": detect, "timestamp": "1603642920",
            "comment": f"{kind} example", "distribution": "5",
        })  # fmt: skip
        if "data" in example:
            attributes[-1]["data"] = example["data"]
    return {
        "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"types {detect}")), "info": "Every type", "date": "2020-10-25",
        "timestamp": "1603642920", "threat_level_id": "2", "analysis": "2", "distribution": "3", "published": False,
        "Orgc": {"uuid": "a0c22599-9e58-4da4-96ac-7051603fa951", "name": "Example"}, "Attribute": attributes,
    }  # fmt: skip


def made_up(kind: str) -> str:
    """A value that is of its type."""
    name, _, digest = kind.partition("|") if kind.startswith("filename|") else ("", "", kind)
    if digest in HASHES:
        return f"{'a.exe|' if name else ''}{'a1' * (DIGITS.get(digest, 64) // 2)}"
    fixed = {
        "onion-address": "expyuzz4wqqyqhjn.onion", "hassh-md5": "a1" * 16, "hasshserver-md5": "a1" * 16,
        "ja3-fingerprint-md5": "a1" * 16, "datetime": "2020-10-25T16:22:00.000000+00:00", "boolean": "1",
        "btc": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "dash": "XdAUmwtig27HBG6WfYyHAzP8n6XC9jESEw",
        "xmr": "44AFFq5kSiGBoZ4NMDwYtN18obc8AemS33DsGyoQGdZ7", "float": "1.5", "integer": "7", "counter": "7",
        "stix2-pattern": "[domain-name:value = 'evil.example']", "target-email": "victim@example.com",
        "email-attachment": "a.doc", "x509-fingerprint-md5": "a1" * 16,
    }  # fmt: skip
    return fixed.get(kind, f"{kind} example")


def repeated(event: Json, attributes: int) -> Json:
    """The event with so many attributes, each under a UUID of its own."""
    numbers = random.Random(1)
    listed = event["Attribute"]
    fresh = [
        {**listed[place % len(listed)], "uuid": str(uuid.UUID(int=numbers.getrandbits(128), version=4))}
        for place in range(attributes)
    ]
    return {**event, "Attribute": fresh}


def same(attribute: Json, found: dict[str, Json]) -> bool:
    """Whether an attribute came back as it was."""
    held = found.get(attribute["uuid"], {})
    return all(str(held.get(name)) == str(attribute.get(name)) for name in SAME)


def ours_back(event: Json) -> dict[str, Json]:
    """The attributes after both of our conversions, by UUID."""
    made = to_events(msgspec.json.encode(obj) for obj in event_to_stix(event).objects)
    return by_uuid(attribute for one in made.events for attribute in attributes_in(one))


def peer_back(event: Json) -> dict[str, Json]:
    """The attributes after both of misp-stix's conversions; none when it stops."""
    try:
        found = peer_to_misp(peer_to_stix(event))
    except Exception as error:  # whatever stops the peer is its result
        print(f"misp-stix stopped at {event.get('info')!r}: {error}", file=sys.stderr)
        return {}
    listed = [*found.attributes, *(attribute for part in found.objects for attribute in part.attributes)]
    return by_uuid(attribute.to_dict() for attribute in listed)


def by_uuid(attributes: Iterable[Json]) -> dict[str, Json]:
    """Attributes by UUID."""
    return {attribute["uuid"]: attribute for attribute in attributes if "uuid" in attribute}


def peer_to_stix(event: Json) -> Any:
    """The bundle that misp-stix makes."""
    from misp_stix_converter import MISPtoSTIX21Parser

    parser = MISPtoSTIX21Parser()
    parser.parse_misp_event({"Event": copy.deepcopy(event)})
    return parser.bundle


def peer_to_misp(bundle: Any) -> Any:
    """The event that misp-stix makes of its own bundle."""
    from misp_stix_converter import InternalSTIX2toMISPParser

    parser = InternalSTIX2toMISPParser()
    parser.load_stix_bundle(bundle)
    parser.parse_stix_bundle()
    return parser.misp_event


def clocked(work: Any) -> tuple[float, Any]:
    """(CPU-seconds, result)."""
    start = time.process_time()
    done = work()
    return time.process_time() - start, done


if __name__ == "__main__":
    sys.exit(main())
