"""Granular markings at release (STIX 2.1 section 7.2.3): what is marked above a circle's ceiling is left out.

An object whose own marking may enter a circle goes there without the parts that are marked more strictly: optional
properties, items of lists, keys of dictionaries. It stays a valid object of the same id and version. Where the marked
part is required, contributes to the id, or cannot be found, or where the stricter marking is not the part's alone, the
object is decided about as a whole.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.codec.stix import check
from seawall.model import Tlp
from seawall.model.circle import CircleTerms, Track
from seawall.model.stix import OBJECT_TYPES
from seawall.model.stix.objects import ObservableObject
from seawall.model.stix.tlp import TLP_BY_ID, tlp_of_label
from seawall.policy.request import ReleaseRequest

Path = tuple[str | int, ...]
_INDEX = re.compile(r"\[(\d{1,9})\]")
_COMMON = frozenset({"type", "id", "spec_version", "created", "modified", "object_marking_refs", "granular_markings"})
MAX_SELECTORS = 10_000  # of one object; real ones have a handful


class Cut(msgspec.Struct, frozen=True):
    """An object without some of its parts: which, by their selectors; or why it must stay whole."""

    body: dict[str, Any]
    tlp: Tlp
    left_out: tuple[str, ...] = ()
    whole_because: str = ""


def lowered(request: ReleaseRequest, terms: CircleTerms) -> ReleaseRequest:
    """The request as it stands for this circle: with the parts left out that are marked above its ceiling, if any."""
    ceiling = min(terms.tlp_ceiling, Tlp.GREEN) if terms.track is Track.TWO else terms.tlp_ceiling
    stored, markings = request.object, request.markings
    level = markings.tlp_at_floor(terms.tlp_floor)
    if level <= ceiling or stored.inputs or stored.whole or b'"granular_markings"' not in stored.body:
        return request
    try:
        body = msgspec.json.decode(stored.body, type=dict[str, Any])
    except msgspec.DecodeError:
        return request
    own = _own_level(body)
    if own is None or own > ceiling or level != max([own, *(found for found, _ in _marked(body))]):
        return request  # something beside its granular markings governs it
    cut = cut_above(body, ceiling, own)
    if cut.whole_because:
        return msgspec.structs.replace(request, whole_because=cut.whole_because)
    return msgspec.structs.replace(
        request,
        object=msgspec.structs.replace(stored, body=msgspec.json.encode(cut.body), tlp=cut.tlp),
        markings=msgspec.structs.replace(markings, tlp=cut.tlp),
        left_out=cut.left_out,
    )


def cut_above(body: dict[str, Any], ceiling: Tlp, own: Tlp) -> Cut:
    """``body`` without the parts whose granular marking lies above ``ceiling``. ``own``: the level of the whole."""
    strict = [(level, text) for level, text in _marked(body) if level > ceiling]
    if sum(1 for _ in _selectors(body)) > MAX_SELECTORS:
        return Cut(body, own, whole_because=f"it has more than {MAX_SELECTORS} selectors")
    gone: dict[Path, str] = {}
    for level, text in strict:
        path = _path(text)
        if not _holds(body, path):
            return Cut(body, own, whole_because=f"{text[:80]!a} ({level.label}) selects nothing")
        if path[0] in _needed(body):
            return Cut(body, own, whole_because=f"{text[:80]!a} ({level.label}) cannot be left out")
        gone[path] = f"{text[:80]} ({level.label})"
    fresh = copy.deepcopy(body)
    removed = {path for one in sorted(gone, key=_order, reverse=True) for path in _remove(fresh, one)}
    missing = _needed(body) - fresh.keys()
    if missing:
        return Cut(body, own, whole_because=f"nothing of {min(missing)!a} would be left")
    _rewrite_markings(fresh, frozenset(removed))
    verdict = check(fresh)
    if not verdict.valid:
        return Cut(body, own, whole_because=f"without {min(gone.values())} it is no valid object")
    left = max([own, *(level for level, _ in _marked(fresh))])
    return Cut(fresh, left, left_out=tuple(sorted(gone.values())))


def _own_level(body: dict[str, Any]) -> Tlp | None:
    """The TLP of the object as a whole, by its references and labels; None when it says nothing."""
    refs, labels = body.get("object_marking_refs"), body.get("labels")
    levels = [TLP_BY_ID[ref] for ref in refs if ref in TLP_BY_ID] if isinstance(refs, list) else []
    if isinstance(labels, list):
        levels += [level for text in labels if isinstance(text, str) and (level := tlp_of_label(text)) is not None]
    return max(levels, default=None)


def _marked(body: dict[str, Any]) -> Iterator[tuple[Tlp, str]]:
    """(level, selector) of every granular TLP marking."""
    for marking in _markings(body):
        if (level := TLP_BY_ID.get(str(marking.get("marking_ref")))) is not None:
            yield from ((level, text) for text in _texts(marking.get("selectors")))


def _selectors(body: dict[str, Any]) -> Iterator[str]:
    for marking in _markings(body):
        yield from _texts(marking.get("selectors"))


def _markings(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = body.get("granular_markings")
    yield from (marking for marking in found if isinstance(marking, dict)) if isinstance(found, list) else ()


def _texts(value: object) -> Iterator[str]:
    yield from (text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _needed(body: dict[str, Any]) -> frozenset[str]:
    """Properties that the object cannot be without: required ones, and those that its id was made from."""
    known = OBJECT_TYPES.get(str(body.get("type")))
    if known is None:
        return _COMMON & body.keys()
    required = {field.name for field in msgspec.structs.fields(known) if field.required}
    contributing = set(known.id_from) if issubclass(known, ObservableObject) else set()
    return frozenset((required | contributing | _COMMON) & body.keys())


def _path(selector: str) -> Path:
    steps = selector.split(".")
    return tuple(int(found[1]) if (found := _INDEX.fullmatch(step)) is not None else step for step in steps)


def _order(path: Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _holds(value: Any, path: Path) -> bool:
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return False
        elif not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _remove(body: dict[str, Any], path: Path) -> Iterator[Path]:
    """Take out what stands at ``path``, and what is empty without it; gives each path that went.

    Parts are taken out from the last to the first, so that a path still means what it meant in the whole object.
    """
    yield path
    if not _holds(body, path):
        return  # it went with its surroundings
    holder: Any = body
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    if not holder and len(path) > 1:
        yield from _remove(body, path[:-1])


def _rewrite_markings(fresh: dict[str, Any], gone: frozenset[Path]) -> None:
    """Selectors of what is gone go; those of later items of a list count anew."""
    kept: list[dict[str, Any]] = []
    for marking in _markings(fresh):
        moved = (_moved(_path(text), gone) for text in _texts(marking.get("selectors")))
        selectors = [_text(path) for path in moved if path is not None and _holds(fresh, path)]
        if selectors:
            kept.append({**marking, "selectors": selectors})
    if kept:
        fresh["granular_markings"] = kept
    else:
        fresh.pop("granular_markings", None)


def _moved(path: Path, gone: frozenset[Path]) -> Path | None:
    """Where ``path`` leads once ``gone`` is out; None when it went too."""
    steps: list[str | int] = []
    for place, step in enumerate(path):
        if path[: place + 1] in gone:
            return None
        before = path[:place]
        if isinstance(step, int):
            earlier = (other[-1] for other in gone if len(other) == place + 1 and other[:place] == before)
            step -= sum(1 for last in earlier if isinstance(last, int) and last < step)
        steps.append(step)
    return tuple(steps)


def _text(path: Path) -> str:
    return ".".join(f"[{step}]" if isinstance(step, int) else step for step in path)
