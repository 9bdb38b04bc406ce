"""``seawall upgrade``: brings a node of an earlier Seawall to this one, never without a fresh backup."""

from __future__ import annotations

from seawall import __version__
from seawall.flow.backup import last_backup, quiet, state_now, who_maintains
from seawall.flow.backup_parts import OnProgress
from seawall.flow.node import Node, store_url
from seawall.ledger import EventKind, Ledger, LedgerEvent
from seawall.model import Fault, Refused, rfc3339
from seawall.store import revisions
from seawall.store.schema import HEAD


def check_upgrade(node: Node, on_progress: OnProgress = quiet) -> dict[str, object]:
    """What an upgrade would change, and whether a backup made after the last change is there. Changes nothing."""
    who_maintains(node)
    revision = _revision(node)
    steps = revisions.steps_after(revision)
    backup = last_backup(node.folder)
    fresh = backup is not None and backup.state == state_now(node, on_progress)
    return {
        "version": __version__,
        "schema": revision,
        "newest_schema": HEAD,
        "needed": bool(steps),
        "steps": [{"schema": step.revision, "what": step.what} for step in steps],
        "last_backup": None if backup is None else rfc3339(backup.at),
        "backup_is_fresh": fresh,
        "ready": fresh or not steps,
    }


def upgrade(node: Node, on_progress: OnProgress = quiet) -> dict[str, object]:
    """Bring the store to this version's schema, in one transaction, and put it on the record.

    Raises Refused E-FLOW-395 without a backup made after the last change, Fault E-STORE-170 when rows would be lost.
    """
    actor = who_maintains(node)
    checked = check_upgrade(node, on_progress)
    if not checked["needed"]:
        return {**checked, "upgraded": False, "rows": None}
    if not checked["backup_is_fresh"]:
        raise Refused(
            "E-FLOW-395",
            "There is no backup made after the last change of this node; run 'seawall backup' first, with everything "
            "else stopped.",
        )
    rows = revisions.upgrade_store(store_url(node.folder, node.settings))
    at = node.clock()
    details: dict[str, str | int | list[str]] = {"from": str(checked["schema"]), "to": HEAD, "version": __version__}
    with Ledger.open(node.folder / "ledger", node.keys) as ledger:
        ledger.record_event(LedgerEvent(EventKind.UPGRADED, at, actor.name, node.keys.node_id, details))
    return {**checked, "upgraded": True, "schema": HEAD, "rows": sum(rows.values())}


def _revision(node: Node) -> str:
    revision = revisions.revision_of(store_url(node.folder, node.settings))
    if revision is None:
        raise Fault("E-FLOW-387", "The store of this node is gone; there is nothing whole to back up.")
    return revision
