"""Directives into the files that enforcement tools load.

Comes in: pages of ``Recorded[Release]`` with purpose "enforce" and the indicators they cover; the protected lists.
Goes out: an RPZ zone, an nftables file, a Suricata folder or a CSV, and a report of what was left out and why.
Never here: deciding what may be enforced (policy does), touching a running tool, an entry without expiry and undo.

    gate = Gate(Callbacks(own.is_own, lists.hit, is_public_suffix, book.is_undone), own=..., partners=..., never=...)
    report = export(pages, "nftables", gate=gate, target=Path("seawall.nft"), at=clock())
    report.blocks, report.left_out_by_rule
"""

from seawall.model.directive import Action, Directive, LeftOut
from seawall.protect.export import ExportReport, export, feed_named
from seawall.protect.feeds import FEEDS
from seawall.protect.gate import Callbacks, Gate, NeverBlock, Page
from seawall.protect.undo import Book, ExportRecord, JsonUndoBook, UndoBook, Undone

__all__ = [
    "FEEDS",
    "Action",
    "Book",
    "Callbacks",
    "Directive",
    "ExportRecord",
    "ExportReport",
    "Gate",
    "JsonUndoBook",
    "LeftOut",
    "NeverBlock",
    "Page",
    "UndoBook",
    "Undone",
    "export",
    "feed_named",
]
