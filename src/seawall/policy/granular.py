"""Granular markings at release (STIX 2.1 section 7.2.3): what is marked above a circle's ceiling is left out.

An object whose own marking may enter a circle goes there without the parts that are marked more strictly: optional
properties, items of lists, keys of dictionaries. It stays a valid object of the same id and version. Where the marked
part is required, contributes to the id, or cannot be found, or where the stricter marking is not the part's alone, the
object is decided about as a whole.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from seawall.model import Tlp
from seawall.model.bounds import MAX_NESTING
from seawall.model.circle import CircleTerms, Track
from seawall.model.stix import OBJECT_TYPES
from seawall.model.stix.objects import ObservableObject
from seawall.model.stix.tlp import TLP2_IDS, TLP_BY_ID
from seawall.model.unreadable import UNREADABLE
from seawall.policy.markings import Definitions, Markings, read_markings
from seawall.policy.request import ReleaseRequest

Path = tuple[str | int, ...]
Tree = dict[str | int, Any]
"""Steps to what goes, step by step; ``_ALL`` stands below the last one."""
_ALL: Tree = {}
_INDEX = re.compile(r"\[(\d{1,9})\]")
_COMMON = frozenset(
    {"type", "id", "spec_version", "created", "modified", "object_marking_refs", "granular_markings"}
    | {"revoked", "defanged"}  # without them the object would say the opposite
)
MAX_SELECTORS = 10_000  # of one object; real ones have a handful


class Cut(msgspec.Struct, frozen=True):
    """An object without some of its parts: which, by their selectors; or why it must stay whole."""

    body: dict[str, Any]
    tlp: Tlp
    left_out: tuple[str, ...] = ()
    whole_because: str = ""


def lowered(request: ReleaseRequest, terms: CircleTerms, definitions: Definitions | None = None) -> ReleaseRequest:
    """The request as it stands for this circle: with the parts left out that are marked above its ceiling, if any."""
    ceiling = min(terms.tlp_ceiling, Tlp.GREEN) if terms.track is Track.TWO else terms.tlp_ceiling
    stored, markings = request.object, request.markings
    level = markings.tlp_at_floor(terms.tlp_floor)
    if level <= ceiling or stored.inputs or stored.whole or b'"granular_markings"' not in stored.body:
        return request
    try:
        body = msgspec.json.decode(stored.body, type=dict[str, Any])
    except UNREADABLE:
        return request
    said = _said_as_a_whole(body, definitions)
    own = said.tlp
    if said.unclear or own is None or own > ceiling or level != max([own, *(found for found, _ in _marked(body))]):
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
    if sum(1 for _ in _selectors(body)) > MAX_SELECTORS:
        return Cut(body, own, whole_because=f"it has more than {MAX_SELECTORS} selectors")
    needed = _needed(body)
    gone: dict[Path, str] = {}
    for level, text in _marked(body):
        if level <= ceiling:
            continue
        path = _path(text)
        if len(path) > MAX_NESTING or not _holds(body, path):
            return Cut(body, own, whole_because=f"{text[:80]!a} ({level.label}) selects nothing")
        if path[0] in needed:
            return Cut(body, own, whole_because=f"{text[:80]!a} ({level.label}) cannot be left out")
        gone[path] = f"{text[:80]} ({level.label})"
    removed: set[Path] = set()
    fresh: dict[str, Any] = _without(body, _tree(gone), (), removed)
    missing = needed - fresh.keys()
    if missing:
        return Cut(body, own, whole_because=f"nothing of {min(missing)!a} would be left")
    _rewrite_markings(fresh, removed)
    from seawall.codec.stix import check  # all of STIX, for an object whose parts are marked: few commands meet one

    verdict = check(fresh)
    if not verdict.valid:
        return Cut(body, own, whole_because=f"without {min(gone.values())} it is no valid object")
    left = max([own, *(level for level, _ in _marked(fresh))])
    return Cut(fresh, left, left_out=tuple(sorted(gone.values())))


def said_as_a_whole(body: bytes, level: Tlp) -> bytes:
    """``body`` with at least ``level`` written into the marking of the whole, where parts are marked on their own.

    For what reached us under a stricter marking than it bears, as in a mail: else the strictness would be taken for
    that of its parts, and the rest would go on more freely than it came.
    """
    if b'"granular_markings"' not in body:
        return body
    opened = msgspec.json.decode(body, type=dict[str, Any])
    own = _said_as_a_whole(opened).tlp
    if own is not None and own >= level:
        return body
    refs = opened.get("object_marking_refs")
    kept = [ref for ref in refs if ref not in TLP_BY_ID] if isinstance(refs, list) else []
    return msgspec.json.encode({**opened, "object_marking_refs": [*kept, TLP2_IDS[level]]})


def _said_as_a_whole(body: dict[str, Any], definitions: Definitions | None = None) -> Markings:
    """What the object says of itself as a whole."""
    return read_markings({name: value for name, value in body.items() if name != "granular_markings"}, definitions)


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


def _holds(value: Any, path: Path) -> bool:
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return False
        elif not isinstance(value, dict) or step not in value:
            return False
        value = value[step]
    return True


def _tree(paths: Iterable[Path]) -> Tree:
    """The paths by their steps; a part that goes takes everything below it with it."""
    tree: Tree = {}
    for path in sorted(paths, key=len):
        below = tree
        for step in path[:-1]:
            below = below.setdefault(step, {})
            if below is _ALL:
                break
        else:
            below[path[-1]] = _ALL
    return tree


def _without(value: Any, tree: Tree, place: Path, removed: set[Path]) -> Any:
    """A copy of ``value`` without what ``tree`` names, and without what is empty then.

    ``removed`` gets the path of each part that went, as it was in the whole object.
    """
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    kept: list[tuple[str | int, Any]] = []
    for step, part in steps:
        below = tree.get(step)
        if below is None:
            kept.append((step, part))
        elif below is not _ALL and (rest := _without(part, below, (*place, step), removed)):
            kept.append((step, rest))
        else:
            removed.add((*place, step))
    return dict(kept) if isinstance(value, dict) else [part for _, part in kept]


def _rewrite_markings(fresh: dict[str, Any], removed: set[Path]) -> None:
    """Selectors of what is gone go; those of later items of a list count anew."""
    indexes: dict[Path, list[int]] = {}
    for path in removed:
        if isinstance(last := path[-1], int):
            indexes.setdefault(path[:-1], []).append(last)
    for found in indexes.values():
        found.sort()
    kept: list[dict[str, Any]] = []
    for marking in _markings(fresh):
        moved = (_moved(_path(text), removed, indexes) for text in _texts(marking.get("selectors")))
        selectors = [_text(path) for path in moved if path is not None and _holds(fresh, path)]
        if selectors:
            kept.append({**marking, "selectors": selectors})
    if kept:
        fresh["granular_markings"] = kept
    else:
        fresh.pop("granular_markings", None)


def _moved(path: Path, removed: set[Path], indexes: Mapping[Path, list[int]]) -> Path | None:
    """Where ``path`` leads once ``removed`` is out; None when it went too. ``indexes``: of removed items, by list."""
    steps: list[str | int] = []
    for place, step in enumerate(path[:MAX_NESTING]):
        if path[: place + 1] in removed:
            return None
        steps.append(step - bisect_left(indexes.get(path[:place], ()), step) if isinstance(step, int) else step)
    return (*steps, *path[MAX_NESTING:])


def _text(path: Path) -> str:
    return ".".join(f"[{step}]" if isinstance(step, int) else step for step in path)
