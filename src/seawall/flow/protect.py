"""From indicators to the files that enforcement tools load: policy, ledger, safety gate, feed."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

import msgspec

from seawall.flow.context import WHOLE_NODE
from seawall.flow.export_lanes import only_watched
from seawall.flow.faults import summary_needs_file
from seawall.flow.node import Node
from seawall.flow.own_places import own_places
from seawall.flow.standing_with import is_in_force
from seawall.model import rfc3339
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.policy import enforcement
from seawall.protect import Callbacks, ExportRecord, Gate, JsonUndoBook, NeverBlock, Page
from seawall.protect import export as write
from seawall.protect.actions import Rate
from seawall.protect.protected import packaged
from seawall.reference import is_public_suffix
from seawall.store.order_points import Put

PAGE = 1_000  # indicators of one recorded release
CONSUMER = "protect-export"
BOOK = "protect.json"


def export(node: Node, to: str, *, output: Path | None, include_watch: bool, json: bool = False) -> dict[str, object]:
    """Write one export to ``output``, or to standard output; the summary says what was left out and why."""
    person = node.require("enforce")
    if json and output is None:
        raise summary_needs_file()
    book = JsonUndoBook(node.folder / "reference" / BOOK)
    target: Path | BinaryIO = output if output is not None else sys.stdout.buffer
    at = node.clock()
    report = write(
        _pages(node),
        to,
        gate=gate_for(node, book),
        target=target,
        at=at,
        include_watch=include_watch,
        rate=rate_of(node),
        sinkhole=tuple(node.settings.rpz.sinkhole),
    )
    book.note_export(
        ExportRecord(
            feed=to,
            target=str(output) if output is not None else "-",
            made_at=at,
            by=person.name,
            blocks=report.blocks,
            watches=report.watches,
            left_out=sum(report.left_out_by_rule.values()),
            first_expiry=report.first_expiry,
        )
    )
    return {
        "to": to,
        "made_at": rfc3339(at),
        "written": report.written,
        "blocks": report.blocks,
        "watches": report.watches,
        "by_action": report.by_action,
        "by_type": report.by_type,
        "left_out": report.left_out_by_rule,
        "left_out_items": [
            {
                "type": item.observable.type.value,
                "value": item.observable.value,
                "rule": item.rule,
                "detail": item.detail,
            }
            for item in report.left_out
        ],
        "first_expiry": rfc3339(report.first_expiry) if report.first_expiry is not None else None,
        "output": str(output) if output is not None else "-",
    }


def rate_of(node: Node) -> Rate:
    """What a rate limit in this node's lists lets through."""
    return Rate(per_second=node.settings.protect.rate_per_second, burst=node.settings.protect.rate_burst)


def gate_for(node: Node, book: JsonUndoBook) -> Gate:
    """The safety gate with this node's own assets, lists and partners, and what people took back."""
    assets, lists = node.own_assets, node.warninglists
    return Gate(
        Callbacks(
            is_own=assets.is_own,
            warninglist=lists.hit,
            is_public_suffix=is_public_suffix,
            is_undone=book.is_undone,
            has_undone=book.has_undone,
        ),
        own=NeverBlock(tuple(map(str, assets.networks())), assets.domains()),
        partners=_never(urlsplit(peer.url).hostname or "" for peer in node.store.peers.list()),
        never=_never(node.settings.protect.never_block),
        node=_never(own_places(node)),
        protected=packaged(frozenset(node.settings.protect.without)),
    )


def _never(given: Iterable[str]) -> NeverBlock:
    """Networks and addresses on one side, names on the other."""
    networks: list[str] = []
    names: list[str] = []
    for text in filter(None, given):
        try:
            networks.append(str(ipaddress.ip_network(text, strict=False)))
        except ValueError:
            names.append(text.lower().rstrip("."))
    return NeverBlock(tuple(networks), tuple(names))


def _pages(node: Node) -> Iterator[Page]:
    """Every indicator that may block or be watched, inside a recorded release with purpose ``enforce``.

    Our own first: an export holds only so many, and a peer that names a million must not take their place.
    """
    terms = terms_of(node)
    for own in (True, False):
        yield from _pages_of(node, terms, own=own)


def _pages_of(node: Node, terms: dict[str, CircleTerms], *, own: bool) -> Iterator[Page]:
    after: int | None = 0
    while after is not None:
        page = node.store.indicators.list(WHOLE_NODE, own=own, after=after, limit=PAGE)
        held = _needing_a_person(node, page.items)
        yield from _decided(node, [entry for entry in page.items if entry.indicator_id not in held], terms)
        watched = {name: msgspec.structs.replace(known, auto_enforce=False) for name, known in terms.items()}
        yield from _decided(node, [entry for entry in page.items if entry.indicator_id in held], watched)
        after = page.next


def _needing_a_person(node: Node, entries: Sequence[IndicatorEntry]) -> frozenset[str]:
    """The indicators of peers that lanes leave to a person: they are decided as if nothing acted without one."""
    pairs = zip(entries, only_watched(node, entries), strict=True)
    return frozenset(entry.indicator_id for entry, held in pairs if held)


def _decided(node: Node, entries: Sequence[IndicatorEntry], terms: dict[str, CircleTerms]) -> Iterator[Page]:
    if not entries:
        return
    by_id: dict[str, list[IndicatorEntry]] = {}
    for entry in entries:
        by_id.setdefault(entry.indicator_id, []).append(entry)
    for action, asked in _by_action(node, by_id).items():
        decision = enforcement(asked, terms, CONSUMER, node.clock(), action=action)
        node.ledger.record_many(decision.withheld)
        for recorded in node.ledger.record_many(list(decision.by_action().values())):
            covered = [entry for item in recorded.value.objects for entry in by_id[item.id]]
            yield Page(recorded, tuple(covered))


def _by_action(node: Node, by_id: dict[str, list[IndicatorEntry]]) -> dict[Action, list[IndicatorEntry]]:
    """What a person chose for a value, else the setting for our own and a block for peers'. An indicator with several
    values is asked for once, by the least strict of them."""
    puts = node.store.orders.puts([(entry.type, entry.value) for entries in by_id.values() for entry in entries])
    found: dict[Action, list[IndicatorEntry]] = {}
    for entries in by_id.values():
        wanted = [
            put.action
            if (put := puts.get((entry.type, entry.value))) is not None and not _over(put, node.clock())
            else (node.settings.protect.own_action if entry.origin is None else Action.BLOCK)
            for entry in entries
        ]
        found.setdefault(min(wanted, key=lambda action: action.strictness), []).extend(entries)
    return found


def _over(put: Put, at: int) -> bool:
    return put.until is not None and put.until <= at


def terms_of(node: Node) -> dict[str, CircleTerms]:
    """For each peer whose relation is in force the circle under which its indicators count here: one with auto-enforce,
    if there is one. What others sent blocks nothing."""
    found: dict[str, CircleTerms] = {}
    for terms in node.store.circles.list():
        for member in filter(lambda name: is_in_force(node, name), terms.members):
            if member not in found or (terms.auto_enforce and not found[member].auto_enforce):
                found[member] = terms
    return found
