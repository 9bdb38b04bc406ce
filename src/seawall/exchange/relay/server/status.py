"""What an operator sees: how many, how full, and whether the relay may be exposed. Never who, from where, or what."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from seawall.exchange.relay.bounds import DAY
from seawall.exchange.relay.server.books import Books
from seawall.exchange.relay.server.folder import KEYS, RelayFolder, RelayRole
from seawall.exchange.relay.server.mailboxes import DISK_RESERVE
from seawall.messages import mark

DISK_MAILBOXES = 4  # full mailboxes that should find room on the disk
WARN_DAYS = 90  # before the certificate's end
COUNTED = {
    "mailboxes": "COUNT(*) FROM mailbox WHERE revoked = 0",
    "mailboxes_revoked": "COUNT(*) FROM mailbox WHERE revoked = 1",
    "messages": "COUNT(*) FROM message",
    "bytes": "COALESCE(SUM(size), 0) FROM message",
    "ledgers": "COUNT(*) FROM ledger",
    "forks": "COUNT(*) FROM fork",
    "pairs": "COUNT(*) FROM pair WHERE revoked = 0",
    "rounds_waiting": "COUNT(*) FROM round WHERE day IS NULL",
    "rounds_answered": "COUNT(*) FROM round WHERE day IS NOT NULL",
}


class Finding(msgspec.Struct, frozen=True):
    """One thing that ``doctor`` looked at; ``sentence`` is filled with ``values``."""

    check: str
    ok: bool
    sentence: str
    values: dict[str, object] = {}


def describe_relay(folder: Path) -> dict[str, object]:
    """Counts of everything, in one flat document. Raises Fault E-EXCHANGE-790, Unavailable 793."""
    furnished = RelayFolder(folder)
    with Books(folder) as books:
        counted = {name: books.db.execute(f"SELECT {what}").fetchone()[0] for name, what in COUNTED.items()}
    return {
        "name": furnished.settings.name,
        "roles": [str(role) for role in furnished.settings.roles],
        "pin": furnished.pin,
        "witness_key": str(furnished.verifier_key) if RelayRole.WITNESS in furnished.settings.roles else None,
        **counted,
        "disk_free": shutil.disk_usage(folder).free,
    }


def examine_relay(folder: Path, now: int) -> list[Finding]:
    """Whether it may be exposed; ``now``: seconds. Raises Fault E-EXCHANGE-790, E-IDENTITY-003, Unavailable 793."""
    return list(_findings(folder, now))


def _findings(folder: Path, now: int) -> Iterator[Finding]:
    furnished = RelayFolder(folder)
    yield Finding("keys", True, mark("Settings and keys can be read."))
    for path in (folder, folder / KEYS):
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            sentence = mark("Others on this machine may enter {path}; run 'chmod 700' on it.")
            yield Finding("folder", False, sentence, {"path": str(path)})
    days = (furnished.expires - now) // DAY
    yield Finding("certificate", days > WARN_DAYS, mark("The certificate ends in {days} days."), {"days": days})
    with Books(folder) as books:
        found = books.check()
        stale = books.db.execute("SELECT COUNT(*) FROM message WHERE expires < ?", (now - DAY,)).fetchone()[0]
        forks = books.db.execute("SELECT COUNT(*) FROM fork").fetchone()[0]
    yield Finding("books", found == "ok", mark("The books say: {found}."), {"found": found})
    sentence = mark("Messages that are a day past their end: {stale}; there are none while the relay serves.")
    yield Finding("expiry", stale == 0, sentence, {"stale": stale})
    sentence = mark("Checkpoints that were refused: {forks}; see 'seawall relay witness forks'.")
    yield Finding("forks", True, sentence, {"forks": forks})
    free, wanted = shutil.disk_usage(folder).free, DISK_RESERVE + DISK_MAILBOXES * furnished.settings.mailbox_bytes
    sentence = mark("Bytes free on the disk: {free}; {wanted} are wanted.")
    yield Finding("disk", free >= wanted, sentence, {"free": free, "wanted": wanted})
