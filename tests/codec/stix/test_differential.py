"""Real objects, whole and damaged: our verdict beside the OASIS validator's; each difference has a name in the docs."""

from __future__ import annotations

import gzip
import json
import random
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

import realdata
from codec.stix.mutations import Json, damaged
from seawall.codec.stix import Verdict, check
from seawall.codec.stix.check import check_closely

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from stix2validator import ValidationOptions, validate_instance

FOLDERS = ("unit42-stix", "stix-examples", "mitre-attack", "misp-stix", "taxii-medallion")
PER_TYPE = 60  # of one folder: enough to meet every habit of its producer

# docs/reference/stix-divergences.md, by its numbers: where we refuse and the OASIS validator does not ...
STRICTER: dict[int, str] = {
    1: r"",  # a line feed at the end of a value: see ``difference``
    2: r"does not start with",
    3: r"is not 2\.1",
    4: r"^'\w+' must be later than",
    5: r"not to an? |must not refer",
    6: r"reserved|property name|as its name says|TLP|null is not|empty lists",  # of marking definitions
    7: r"alternate_data_streams",
}
# ... and where it refuses and we do not
MILDER: dict[int, str] = {
    10: r"'marking_ref' is a required",
    11: r"is not a 'email'",
    12: r"RFC 5646",
    13: r"valid statement, TLP, or custom",
    14: r"\]\.hashes.*does not match",
}


def real_objects() -> dict[str, list[Json]]:
    """STIX objects of the real data by type, at most ``PER_TYPE`` of a folder."""
    found: dict[str, list[Json]] = defaultdict(list)
    for name in FOLDERS:
        taken: Counter[str] = Counter()
        for path in sorted(realdata.folder(name).rglob("*.json*")):
            raw = path.read_bytes()
            for obj in _objects(json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)):
                taken[obj["type"]] += 1
                if taken[obj["type"]] <= PER_TYPE and obj["type"] != "bundle":
                    found[obj["type"]].append(obj)
    for line in (realdata.folder("stix-validity") / "cases.jsonl").read_text("utf-8").splitlines():
        obj = json.loads(line)["object"]
        if isinstance(obj, dict) and isinstance(obj.get("type"), str) and obj["type"] != "bundle" and "id" in obj:
            found[obj["type"]].append(obj)
    return found


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, list):
        for part in value:
            yield from _objects(part)
    elif isinstance(value, dict):
        own = isinstance(value.get("type"), str) and isinstance(value.get("id"), str) and "--" in value["id"]
        if own and value["type"] != "bundle" and not _embeds_without_ids(value):
            yield value
        elif not own or value["type"] == "bundle":
            for part in value.values():
                yield from _objects(part)


def _embeds_without_ids(obj: Json) -> bool:
    """Observed data as STIX 2.0 wrote it, on which the OASIS validator breaks off."""
    inside = obj.get("objects")
    return isinstance(inside, dict) and any("id" not in part for part in inside.values())


def judged(obj: Json) -> list[str] | None:
    """The OASIS validator's errors; None when it breaks off without a verdict, or would think for hours."""
    if any(len(name) > 100 for name in _words(obj)):
        return None  # its patterns of type and extension names double their time with each letter
    try:
        return [str(error) for error in validate_instance(obj, ValidationOptions(version="2.1")).errors]
    except Exception:
        return None


def _words(obj: Json) -> list[str]:
    """The type, and the names of extensions."""
    extensions = obj.get("extensions")
    return [str(obj.get("type")), *(extensions if isinstance(extensions, dict) else ())]


def difference(obj: Json, verdict: Verdict, errors: list[str]) -> int | None:
    """0: both agree; the number of the named divergence; None: neither."""
    if verdict.valid == (not errors):
        return 0
    if (stripped := _without_last_line_feeds(obj)) != obj:
        told = judged(stripped)
        return 1 if told is None or difference(stripped, check(stripped), told) is not None else None
    if errors:
        return next(
            (number for number, words in MILDER.items() if any(re.search(words, said) for said in errors)), None
        )
    named = (number for number, words in STRICTER.items() if any(re.search(words, said) for said in verdict.errors))
    return next(
        (number for number in named if number > 1 and (number != 6 or obj["type"] == "marking-definition")), None
    )


def _without_last_line_feeds(value: Any) -> Any:
    """A copy without the one line feed at the end of each text."""
    if isinstance(value, dict):
        return {name: _without_last_line_feeds(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_last_line_feeds(part) for part in value]
    return value.removesuffix("\n") if isinstance(value, str) else value


def unnamed(count: int, seed: int) -> tuple[list[tuple[Json, Verdict, list[str]]], int]:
    """Differences among ``count`` damaged objects that no divergence explains, and how many were judged."""
    pool, chance = real_objects(), random.Random(seed)
    kinds = sorted(pool)
    found, compared = [], 0
    for _ in range(count):
        obj = damaged(chance.choice(pool[chance.choice(kinds)]), chance)
        errors = judged(obj)
        if errors is None:
            continue
        compared += 1
        verdict = check(obj)
        if difference(obj, verdict, errors) is None:
            found.append((obj, verdict, errors))
    return found, compared


def test_real_objects_are_judged_as_the_oasis_validator_judges_them() -> None:
    """Vendors' bundles, the specification's examples, ATT&CK, MISP's conversions: moments compared as text, no more."""
    found = {
        difference(obj, check(obj), errors)
        for objects in real_objects().values()
        for obj in objects[:20]
        if (errors := judged(obj)) is not None
    }
    assert found <= {0, 4}


def test_damaged_objects_are_judged_as_the_oasis_validator_judges_them() -> None:
    """One to three damages each: every difference is one of the named divergences."""
    found, compared = unnamed(1_500, seed=1)
    assert compared > 900
    assert found == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_damaged_objects_are_judged_as_the_oasis_validator_judges_them(seed: int) -> None:
    """Twenty thousand more for each seed."""
    found, _ = unnamed(20_000, seed)
    assert found == []


def test_the_quick_way_answers_as_the_close_one() -> None:
    """Whole and damaged objects, errors and warnings in the same words and order."""
    pool, chance = real_objects(), random.Random(7)
    everything = [obj for objects in pool.values() for obj in objects]
    for obj in [*everything, *(damaged(chance.choice(everything), chance) for _ in range(5_000))]:
        quick, close = check(obj), check_closely(obj)
        assert (quick.valid, set(quick.errors), set(quick.warnings)) == (
            close.valid,
            set(close.errors),
            set(close.warnings),
        )
