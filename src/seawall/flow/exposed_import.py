"""Our exposure list, and what is said of vulnerabilities, taken in from files; each file stands for one source.

A file that is imported again replaces what it brought before. What a row or document does not say is left open.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from seawall.codec.affected import documents_say
from seawall.codec.affected_csv import columns_of, read_flaw_csv
from seawall.codec.indicators import Rejected
from seawall.codec.inventory import (
    Inventory,
    documents_in,
    fields_of,
    read_cpe_list,
    read_cyclonedx_parts,
    read_inventory_csv,
    read_spdx_parts,
    table_rows,
)
from seawall.flow.node import Node
from seawall.intel.files import Opened, find_files
from seawall.model import Fault
from seawall.model.exposure import Asset, Saying
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_FILE = 512 * 1024 * 1024  # bytes unpacked: a year of the NVD has about 150 MB
MAX_FILES = 100_000  # of one import: the CVE records of some years, one file each
MAX_SOURCE = 200  # characters of a source's name
KEPT = 100  # problems and rejected rows that are told
_PRODUCT = frozenset({"product", "cpe", "purl"})


class Taken(msgspec.Struct):
    """What an import did; ``rejected`` counts rows and documents that could not be used."""

    files: int = 0
    assets: int = 0
    sentences: int = 0
    rejected: int = 0
    by_form: dict[str, int] = {}
    problems: list[str] = []

    def problem(self, name: str, reason: str) -> None:
        """Count something that could not be used, and tell of the first of them."""
        self.rejected += 1
        if len(self.problems) < KEPT:
            self.problems.append(f"{name}: {reason}")


def import_exposure(node: Node, paths: Sequence[Path], *, source: str | None = None) -> Taken:
    """Take in files and folders. ``source`` names one file's list, else its own name does.

    Raises what ``intel`` raises for a missing path, Fault E-FLOW-870 when nothing at all could be used, E-FLOW-871 for
    a source's name with several files or one that cannot be, E-FLOW-872 for too many files.
    """
    node.require("import")
    files = find_files(paths)
    if len(files) > MAX_FILES:
        raise Fault("E-FLOW-872", "One import takes {most} files; give fewer.", most=MAX_FILES)
    if source is not None and (len(files) != 1 or not 0 < len(source) <= MAX_SOURCE or not source.isprintable()):
        raise Fault(
            "E-FLOW-871",
            "A name for the source goes with one file and has 1 to {most} printable characters.",
            most=MAX_SOURCE,
        )
    done = Taken()
    for file in files:
        _one(node, file.path, source or file.path.name[:MAX_SOURCE], done)
    if not done.assets and not done.sentences:
        raise Fault(
            "E-FLOW-870",
            "Nothing in {paths} is a list of what you run or of vulnerabilities: {reason}.",
            paths=", ".join(str(path) for path in paths[:3]),
            reason="; ".join(done.problems[:3]) or "no product, CPE name, package URL or CVE number was found",
        )
    return done


def keep_advisory(node: Node, name: str, data: bytes) -> None:
    """What an advisory that was imported as knowledge says of versions; never raises for what it holds."""
    try:
        said = [one for _, sayings in documents_say(documents_in(data)) for one in sayings]
    except UNREADABLE:
        return
    if said:
        node.store.exposure.put_sayings(name[:MAX_SOURCE], said, node.clock())


def _one(node: Node, path: Path, name: str, done: Taken) -> None:
    try:
        with Opened(path) as opened:
            data = opened.everything()
        if len(data) > MAX_FILE:
            done.problem(name, f"it has more than {MAX_FILE} bytes")
            return
        forms, inventory, said = _read(data)
    except UNREADABLE as error:
        done.problem(name, f"it is damaged: {why(error)}")
        return
    except (OSError, Fault) as error:
        done.problem(name, f"it cannot be read: {error}")
        return
    for one in inventory.rejected:
        done.problem(name, f"row {one.index}: {one.reason}")
    if not inventory.assets and not said:
        if not inventory.rejected:
            done.problem(name, "it names neither products nor vulnerabilities")
        return
    done.files += 1
    at = node.clock()
    if inventory.assets:
        assets = (msgspec.structs.replace(one, source=name) for one in inventory.assets)
        done.assets += node.store.exposure.put_assets(name, assets, at)
    if said:
        done.sentences += node.store.exposure.put_sayings(name, said, at)
    for form in forms:
        done.by_form[form] = done.by_form.get(form, 0) + 1


def _read(data: bytes) -> tuple[list[str], Inventory, list[Saying]]:
    """(forms, assets and rejected rows, sentences) of one file."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _json(data)
    text = data.decode("utf-8-sig")
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    if first.lstrip().lower().startswith("cpe:"):
        return ["cpe list"], read_cpe_list(text), []
    header, _ = table_rows(text)
    if columns_of(header):
        said, rejected = read_flaw_csv(text)
        return ["flaw list"], _rejected(rejected), said
    if not _PRODUCT.isdisjoint(fields_of(header)):
        return ["asset list"], read_inventory_csv(text), []
    return [], _rejected([Rejected(1, None, "its first line names no column product, cpe, purl or cve")]), []


def _json(data: bytes) -> tuple[list[str], Inventory, list[Saying]]:
    documents = documents_in(data)
    forms: list[str] = []
    inventory = Inventory()
    for document in documents:
        found = None
        if document.get("bomFormat") == "CycloneDX":
            forms, found = [*forms, "cyclonedx"], read_cyclonedx_parts(document)
        elif "spdxVersion" in document:
            forms, found = [*forms, "spdx"], read_spdx_parts(document)
        if found is not None:
            inventory.assets += found.assets
            inventory.rejected += found.rejected
    said: list[Saying] = []
    for form, sayings in documents_say(documents):
        said += sayings
        forms += [form] if sayings and form not in forms else []
    return forms, inventory, said


def _rejected(rows: list[Rejected]) -> Inventory:
    found = Inventory()
    found.rejected = rows
    return found


def list_assets(node: Node, *, limit: int, after: int) -> tuple[list[dict[str, object]], int | None]:
    """Rows of our own list, and where the next page begins."""
    node.require("read-telemetry")
    page = node.store.exposure.assets(after=after, limit=limit)
    return [asset_row(one) for one in page.items], page.next


def asset_row(one: Asset) -> dict[str, object]:
    """One asset as the doors show it."""
    return {
        "name": one.name,
        "product": one.product,
        "vendor": one.vendor or None,
        "version": one.version or None,
        "cpe": one.cpe or None,
        "purl": one.purl or None,
        "sector": one.sector or None,
        "criticality": one.criticality or None,
        "internet_facing": one.facing,
        "units": one.units,
        "source": one.source,
    }
