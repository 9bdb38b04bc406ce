"""Others' knowledge in, ours out, each wired to store, policy and ledger."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from seawall.codec.export import FOLDER_WRITERS, WRITERS
from seawall.codec.frameworks import FRAMEWORK
from seawall.codec.ioc_flags import Flag
from seawall.codec.misp.feed import MANIFEST, listed_files
from seawall.codec.misp_warninglist import Warninglist
from seawall.codec.sharing import version_of
from seawall.codec.taxonomy import Taxonomy
from seawall.flow.faults import summary_needs_file
from seawall.flow.node import SETTINGS_FILE, Node
from seawall.flow.outgoing import no_entries
from seawall.intel import ImportOptions, ImportReport, extract_path, read_document
from seawall.intel import check_path as judge_file
from seawall.intel import import_paths as take_in
from seawall.model import Fault, Observable, ReleasedObject, Tlp
from seawall.model.circle import CircleTerms
from seawall.policy import OwnUseItem, own_use, visibility

PAGE = 1_000  # objects of one recorded release
TAXONOMIES = "taxonomies"  # folder below the reference folder

Progress = Callable[[int, int | None, int], None]


def import_paths(
    node: Node, paths: Sequence[Path], *, tlp: str | None, source: str | None, progress: Progress | None = None
) -> ImportReport:
    """Files and folders into the store; warninglists and taxonomies into the reference folder."""
    node.require("import")
    if source is not None and source.startswith(FRAMEWORK):
        raise Fault(
            "E-FLOW-127",
            "Sources whose names begin with {start} are published frameworks; choose another name.",
            start=FRAMEWORK,
        )
    marking = Tlp.parse(tlp) if tlp is not None else Tlp.AMBER_STRICT
    known = Tlp.CLEAR if tlp is None else marking
    options = ImportOptions(at=node.clock(), tlp=marking, reference_tlp=known, source=source)
    return take_in(
        paths,
        node.store,
        options,
        progress=progress,
        warninglist_sink=lambda found: _keep_list(node, found),
        taxonomy_sink=lambda found: _keep_taxonomy(node.folder / "reference", found),
        screen=lambda found: _doubt(node, found),
        advisory_sink=lambda name, data: _keep_advisory(node, name, data),
    )


def _keep_advisory(node: Node, name: str, data: bytes) -> None:
    from seawall.flow.exposed_import import keep_advisory

    keep_advisory(node, name, data)


def extract(folder: Path, path: Path, *, token: Path | None = None) -> list[dict[str, object]]:
    """The values of a report or list with their flags; nothing is stored. A node's own knowledge counts if it is there.

    Raises what ``intel.extract_path`` raises, and Refused for a token that may not read.
    """
    if not (folder / SETTINGS_FILE).exists():
        return extract_path(path)
    with Node.open(folder, token=token) as node:
        node.require("read")
        return extract_path(path, lambda found: _doubt(node, found))


def _doubt(node: Node, found: Observable) -> str | None:
    """Why this node takes a value for no indicator."""
    if node.own_assets.is_own(found):
        return Flag.OWN
    listed = node.warninglists.hit(found)
    return f"{Flag.LISTED}: {listed}" if listed is not None else None


def _keep_taxonomy(folder: Path, found: Taxonomy) -> None:
    (folder / TAXONOMIES).mkdir(parents=True, exist_ok=True)
    _write_file(folder / TAXONOMIES / f"{found.namespace}.json", lambda target: target.write(found.raw))


def _keep_list(node: Node, found: Warninglist) -> None:
    from seawall.reference import Warninglists  # loads Arrow, which importing and exporting do without

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(found.raw)
        file.flush()
        Warninglists.import_list(Path(file.name), node.folder / "reference")
    node.forget_lists()


def check_path(path: Path) -> list[dict[str, object]]:
    """A verdict for each object of a file, in input order. Raises what ``intel.check_path`` raises."""
    return [
        {
            "id": verdict.id,
            "valid": verdict.valid,
            "errors": list(verdict.errors),
            "warnings": list(verdict.warnings),
        }
        for verdict in judge_file(path)
    ]


def published_extensions(*, schemas: bool) -> dict[str, object]:
    """Our extension-definitions as a bundle, or the JSON schemas of all extensions whose content we judge, by name."""
    from seawall.codec.stix import schemas as published

    return {**published.schemas()} if schemas else published.extension_bundle()


def match_observed(pattern: str, path: Path) -> dict[str, object]:
    """Whether a STIX pattern matches the observed data in a file, and which of it. Raises what ``match`` raises."""
    from seawall.match import match_pattern, read_observed

    found = match_pattern(pattern, read_observed(read_document(path)))
    return {"matches": found.matches, "observed": list(found.observed)}


def export_to(
    node: Node, to: str, *, circle: str | None, output: Path | None, loss: Path | None, json: bool
) -> dict[str, object]:
    """Write what the acting person may see, or what stands in a circle's outbox, as a recorded own-use release.

    Raises Fault E-FLOW-082 for an unknown form, E-FLOW-083 for ``--json`` without a file, E-FLOW-084 for a file that
    cannot be written, E-FLOW-085 for a form of several files without a folder, NotFound E-STORE-061 for an unknown
    circle.
    """
    if to not in WRITERS and to not in FOLDER_WRITERS:
        raise Fault(
            "E-FLOW-082",
            "Knowledge is not exported as {given}; use one of {known}.",
            given=repr(to[:40]),
            known=", ".join([*WRITERS, *FOLDER_WRITERS]),
        )
    if json and output is None:
        raise summary_needs_file()
    if to in FOLDER_WRITERS and output is None:
        raise Fault("E-FLOW-085", "{form} is a folder of several files; name it with -o.", form=to)
    node.require("read")
    terms = node.store.circles.get(circle) if circle is not None else None
    bodies = _recorded(node, _circle_items(node, terms) if terms is not None else _own_items(node))
    if output is None:
        done = WRITERS[to](bodies, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    elif to in FOLDER_WRITERS:
        done = _write_folder(output, lambda put: FOLDER_WRITERS[to](bodies, put))
    else:
        done = _write_file(output, lambda target: WRITERS[to](bodies, target))
    if loss is not None:
        report = [{"id": object_id, "reason": reason} for object_id, reason in done.losses]
        text = msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"
        _write_file(loss, lambda target: target.write(text))
    return {
        "to": to,
        "circle": circle,
        "objects": done.objects,
        "not_carried": len(done.losses),
        "output": str(output) if output is not None else "-",
    }


_Done = TypeVar("_Done")


def _write_file(output: Path, write: Callable[[BinaryIO], _Done]) -> _Done:
    """Whole or not at all: beside the target first, then in its place. Raises Fault E-FLOW-084."""
    try:
        return _put_in_place(output, write)
    except OSError as error:
        raise Fault(
            "E-FLOW-084",
            "Cannot write to {path}: {reason}; what was there before is unchanged.",
            path=output,
            reason=error.strerror or error,
        ) from error


def _write_folder(folder: Path, write: Callable[[Callable[[str, bytes], object]], _Done]) -> _Done:
    """File by file, each whole or not at all; what a feed's manifest named before and does not now goes last."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = folder / MANIFEST
        before = set(listed_files(manifest.read_bytes())) if manifest.is_file() else set()
    except OSError as error:
        raise Fault("E-FLOW-084", "Cannot write to {path}: {reason}; what was there before is unchanged.", path=folder,
                    reason=error.strerror or error) from error  # fmt: skip

    def put(name: str, content: bytes) -> None:
        before.discard(name)
        _write_file(folder / name, lambda target: target.write(content))

    done = write(put)
    for name in before:
        (folder / name).unlink(missing_ok=True)
    return done


def _put_in_place(output: Path, write: Callable[[BinaryIO], _Done]) -> _Done:
    descriptor, name = tempfile.mkstemp(prefix=f".{output.name}-", dir=output.parent)
    try:
        with os.fdopen(descriptor, "wb") as target:
            done = write(target)
            target.flush()
            os.fsync(target.fileno())
        Path(name).replace(output)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return done


def _recorded(node: Node, pages: Iterator[list[OwnUseItem]]) -> Iterator[bytes]:
    """Bodies whose release is on disk in the ledger, page by page."""
    actor = node.require("read")
    for items in pages:
        decision = own_use(actor, items, node.clock())
        node.ledger.record_many(decision.withheld)
        for recorded in node.ledger.record_many(decision.releases):
            yield from (item.body for item in recorded.value.objects)


def _own_items(node: Node) -> Iterator[list[OwnUseItem]]:
    seen = visibility(node.require("read"))
    after: int | None = 0
    told: set[str] = set()  # of the page before: the values of one pattern stand beside each other
    while after is not None:
        indicators = node.store.indicators.list(seen, after=after, limit=PAGE)
        unique = {entry.indicator_id: entry for entry in indicators.items if entry.indicator_id not in told}
        yield [
            OwnUseItem(
                ReleasedObject(entry.indicator_id, version_of(entry.body), entry.body),
                "indicator",
                entry.tlp,
                entry.pap,
            )
            for entry in unique.values()
        ]
        told = {entry.indicator_id for entry in indicators.items}
        after = indicators.next
    after = 0
    while after is not None:
        page = node.store.objects.list(seen, after=after, limit=PAGE)
        yield [
            OwnUseItem(ReleasedObject(item.id, item.version, item.body), item.type, item.tlp, item.pap)
            for item in no_entries(node, page.items)
        ]
        after = page.next


def _circle_items(node: Node, terms: CircleTerms) -> Iterator[list[OwnUseItem]]:
    following: str | None = None
    while True:
        page = node.store.outbox.page(terms.name, None, next=following, limit=PAGE)
        unique = {(row.object_id, row.version): row for row in page.rows}
        yield [
            OwnUseItem(ReleasedObject(row.object_id, row.version, row.body), row.type, terms.tlp_ceiling)
            for row in unique.values()
        ]
        if not page.more:
            return
        following = page.next
