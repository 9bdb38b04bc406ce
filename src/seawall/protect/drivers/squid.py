"""Squid 5 and later: names and addresses in ACL files, written beside and renamed over, then ``squid -k reconfigure``.

Squid reads the files only when it is told to, accepts no connection for a moment while it does, and has no clock for
their entries: ``expire`` takes out what has run out, and while this program is down nobody does. So Squid asks a helper
of three lines before it refuses (``seawall-still.sh``, an external ACL) whether the moment in ``seawall-until`` has
passed; this program moves it on for as long as it lives. Without it the lists as a whole end after ``lease_seconds``,
or with their last entry where that is sooner: an entry may outlive its own end until then, and no longer.
The files stay for a restart. Squid keeps the *first* of two overlapping entries, whichever is wider, so what lies
inside another entry is left out. Before each reconfiguration the whole configuration is checked: Squid ends itself on
one that it cannot read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from seawall.model import Fault, ObservableType, Unavailable
from seawall.model.directive import Action
from seawall.model.order import Change, Order
from seawall.protect.drivers.command import run
from seawall.protect.drivers.follow import Followed
from seawall.protect.drivers.held import Held, does, outcomes_of
from seawall.protect.drivers.interface import Drift, Outcome, ToolHit
from seawall.protect.names import ancestors
from seawall.protect.networks import address_number, network_span

INCLUDED, MET = "seawall.conf", "seawall-met.log"
STILL, UNTIL = "seawall-still.sh", "seawall-until"
ANSWER_SECONDS = 2  # that Squid may go by one answer of the helper
LEAST_LEASE, MOST_LEASE = 2, 604_800  # seconds, as the policy zones' ``expire_seconds``
RENEWALS = 60  # of a lease: as often is the moment moved on
KINDS = ("watch", "block")  # by whether it stops
FILES = tuple(f"{kind}-{what}" for kind in KINDS for what in ("names", "addresses"))


class SquidDriver:
    """One Squid on this machine. ``config``: its configuration, an absolute path; it holds, before ``http_access``
    lines of its own, ``include FOLDER/seawall.conf``. Squid's user must be able to write in ``folder``.
    ``lease_seconds``: so long after our last sign of life Squid refuses nothing more."""

    name = "squid"
    types = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.DOMAIN})

    def __init__(
        self, folder: Path, config: Path, command: Sequence[str] = ("squid",), lease_seconds: int = 21_600
    ) -> None:
        """Raises Fault E-PROTECT-081 for a relative path, -115 for a lease that is none."""
        if not config.is_absolute():
            raise Fault(
                "E-PROTECT-081", "Squid's configuration {path} must be named by its absolute path.", path=config
            )  # Squid ends itself when it is reconfigured with another (measured with 5.7)
        if not LEAST_LEASE <= lease_seconds <= MOST_LEASE:
            raise Fault(
                "E-PROTECT-115", "Squid's lists can be good for {least} to {most} seconds without us, not {given}.",
                least=LEAST_LEASE, most=MOST_LEASE, given=lease_seconds,
            )  # fmt: skip
        self._folder, self._config, self._command = folder, config, tuple(command)
        self._lease, self._until = lease_seconds, -1
        self._held = Held(self.types)
        self._met = Followed(folder / MET)
        self._sure = False  # whether Squid was told of the files as they are

    def prepare(self) -> None:
        """Write the lines to be included, and empty files where there are none; Squid is started after that."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in (*FILES, UNTIL):
            (self._folder / name).touch()
        _replace(self._folder / STILL, HELPER)
        _replace(self._folder / INCLUDED, _lines(self._folder))

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """All of them, with one reconfiguration."""
        if self._held.take(changes, at):
            self._put_in_force()
        self._renew(at)
        return outcomes_of(changes, {}, "")

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """Compare the files with what shall be in force; Squid is told when they differ, or when that is not known."""
        self._held.replace(orders, at)
        missing = unexpected = 0
        for name, wanted in self._wanted().items():
            there = set((self._folder / name).read_text("ascii").split())
            missing += len(set(wanted) - there)
            unexpected += len(there - set(wanted))
        if missing or unexpected or not self._sure:
            self._put_in_force()
        self._renew(at)
        return Drift(missing, unexpected, len(self._held))

    def expire(self, at: int) -> int:
        """Take out what has run out; how many."""
        over = self._held.over(at)
        self.apply(over, at)
        return len(over)

    def hits(self) -> list[ToolHit]:
        """What our lines logged since the last call. A name that was stopped for its address is not told: Squid
        does not say which address it was."""
        found: dict[str, ToolHit] = {}
        for line in self._met.lines():
            parts = line.decode("utf-8", "replace").split(" ")
            if len(parts) != 4 or not parts[0].replace(".", "").isdigit():
                continue
            at, key = round(float(parts[0]) * 1e6), parts[2] if parts[1] == "source" else parts[3].lower().rstrip(".")
            if (order := self._about(key)) is not None:
                held = found.get(order.value) or ToolHit(order.type, order.value, order.undo_id, at, at, 0)
                first, last = min(held.first_seen, at), max(held.last_seen, at)
                found[order.value] = ToolHit(order.type, order.value, order.undo_id, first, last, held.count + 1)
        return list(found.values())

    def position(self) -> str:
        """See ``Counting``: how far our access log was read."""
        return self._met.position

    def resume(self, position: str) -> None:
        """See ``Counting``: Squid goes on writing while no agent runs."""
        self._met.resume(position)

    def clear(self) -> None:
        """Empty the files and tell Squid."""
        self._held.replace((), 0)
        self._put_in_force()
        self._renew(0)

    def close(self) -> None:
        """Nothing is held open."""

    def _renew(self, at: int) -> None:
        """Move on the moment after which Squid refuses nothing more. ``at``: microseconds UTC."""
        ends = max((order.expires_at for order in self._held), default=0)
        until = min(at // 1_000_000 + self._lease, -(-ends // 1_000_000))
        if until < self._until or until - self._until >= min(self._lease / RENEWALS, 60):
            _replace(self._folder / UNTIL, f"{until}\n")
            self._until = until

    def _put_in_force(self) -> None:
        """Write, check, tell; what Squid would not read is taken back. Raises Unavailable E-PROTECT-079, -080."""
        self._sure = False
        before = {name: (self._folder / name).read_bytes() for name in FILES}
        for name, lines in self._wanted().items():
            _replace(self._folder / name, "".join(f"{line}\n" for line in lines))
        checked = run([*self._command, "-f", str(self._config), "-k", "parse"])
        if checked.status != 0:
            for name, held in before.items():
                _replace(self._folder / name, held.decode("ascii"))
            raise Unavailable(
                "E-PROTECT-079", "Squid cannot read its configuration {path}, nothing was changed: {reason}.",
                path=self._config, reason=checked.said,
            )  # fmt: skip
        told = run([*self._command, "-f", str(self._config), "-k", "reconfigure"])
        if told.status != 0:
            raise Unavailable("E-PROTECT-080", "Squid does not run: {reason}.", reason=told.said)
        self._sure = True

    def _wanted(self) -> dict[str, list[str]]:
        """The lines of each file."""
        names: dict[str, set[str]] = {name: set() for name in FILES}
        for order in self._held:
            what = "names" if order.type is ObservableType.DOMAIN else "addresses"
            names[f"{KINDS[does(self.name, order) is Action.BLOCK]}-{what}"].add(order.value)
        return {
            name: list(_widest_names(held) if name.endswith("names") else _widest_networks(held))
            for name, held in names.items()
        }

    def _about(self, key: str) -> Order | None:
        """The order by which a name or an address was met: its own, that of a parent, or that of a network."""
        for name in ancestors(key):
            if (order := self._held.of(name)) is not None:
                return order
        try:
            number = address_number(key)
        except (ValueError, OSError):
            return None
        spans = ((order, *network_span(order.value)) for order in self._held.networks())
        return next((order for order, first, last in spans if first <= number <= last), None)


HELPER = f"""# Seawall: Squid asks before it refuses; OK: the lists are still good. No answer of ours, no refusal.
while read -r asked; do
    until=0
    read -r until < "${{0%/*}}/{UNTIL}"
    if [ "$(date +%s)" -lt "${{until:-0}}" ]; then echo OK; else echo ERR; fi
done
"""


def _lines(folder: Path) -> str:
    """What Squid's configuration includes. ``!all`` never matches: what is watched is noted and goes on."""
    lines = ["# Seawall: written by its agent. Include it before your own http_access and access_log lines."]
    for kind in KINDS:
        lines += [
            f'acl seawall_{kind}_name dstdomain -n "{folder}/{kind}-names"',
            f'acl seawall_{kind}_source src "{folder}/{kind}-addresses"',
            f'acl seawall_{kind}_target dst "{folder}/{kind}-addresses"',
        ]
    # children-startup=0: a helper that cannot run refuses nothing, with another number it would end Squid
    lines += [
        f"external_acl_type seawall_still ttl={ANSWER_SECONDS} negative_ttl=1 children-max=2 children-startup=0"
        f" children-idle=1 %% /bin/sh {folder}/{STILL}",
        "acl seawall_still external seawall_still",
    ]
    lines += [f"acl seawall_note_{what} annotate_transaction seawall={what}" for what in ("name", "source", "target")]
    for kind, ending in zip(KINDS, (" !all", ""), strict=True):
        for what in ("name", "source", "target"):
            asked = " seawall_still" if kind == "block" else ""
            lines.append(f"http_access deny seawall_{kind}_{what}{asked} seawall_note_{what}{ending}")
    lines += [
        "acl seawall_met note seawall",
        "logformat seawall %ts.%03tu %note{seawall} %>a %>rd",
        f"access_log stdio:{folder}/{MET} logformat=seawall seawall_met",
    ]
    return "".join(f"{line}\n" for line in lines)


def _widest_names(names: set[str]) -> Iterator[str]:
    """With a leading dot: the name and every name below it. Names below another of the list are left out."""
    for name in sorted(names):
        if names.isdisjoint(list(ancestors(name))[1:]):
            yield f".{name}"


def _widest_networks(values: Iterable[str]) -> Iterator[str]:
    """Addresses and networks that lie in no other of the list."""
    covered = -1
    spans = [(network_span(v) if "/" in v else (address_number(v),) * 2, v) for v in values]
    for (_, last), value in sorted(spans, key=lambda item: (item[0][0], -item[0][1])):
        if last > covered:
            covered = last
            yield value


def _replace(path: Path, text: str) -> None:
    """Beside it, fsynced, renamed over it: Squid never reads half a list."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
