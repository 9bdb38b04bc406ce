"""One export: pages of recorded releases in, files out, and a report of what went in and what did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import msgspec

from seawall.model import Fault, ObservableType
from seawall.model.directive import Action, Directive, LeftOut
from seawall.protect import objections
from seawall.protect.actions import USUAL, Rate, done_by
from seawall.protect.bounds import MAX_LEFT_OUT_LISTED
from seawall.protect.feeds import FEEDS
from seawall.protect.gate import Gate, Page, left_out
from seawall.protect.interface import Feed, Heading, Writer
from seawall.protect.names import is_name
from seawall.protect.targets import opened

MAX_ZONE_LENGTH = 100  # leaves 150 characters for the names listed in it


class ExportReport(msgspec.Struct, frozen=True):
    """What an export holds. ``left_out`` lists the first 10,000; ``left_out_by_rule`` counts them all."""

    feed: str
    made_at: int  # microseconds UTC
    blocks: int  # whatever stops or slows
    watches: int  # whatever does not
    by_action: dict[str, int]
    by_type: dict[str, int]
    left_out_by_rule: dict[str, int]
    left_out: tuple[LeftOut, ...]
    flagged: tuple[Directive, ...]  # what a person should look at, e.g. names that imitate others
    first_expiry: int | None  # microseconds UTC: write the export anew before this
    dry_run: bool = False

    @property
    def written(self) -> int:
        """How many values the export holds."""
        return self.blocks + self.watches


def feed_named(name: str) -> Feed:
    """The feed that ``--to`` names. Raises Fault E-PROTECT-005 for an unknown one."""
    try:
        return FEEDS[name]
    except KeyError:
        raise Fault(
            "E-PROTECT-005",
            "There is no export to {given}; use one of {known}.",
            given=repr(name[:40]),
            known=", ".join(sorted(FEEDS)),
        ) from None


def export(
    pages: Iterable[Page],
    to: str,
    *,
    gate: Gate,
    target: Path | BinaryIO | None,
    at: int,
    include_watch: bool = False,
    zone: str = "rpz.seawall",
    rate: Rate = USUAL,
    sinkhole: tuple[str, ...] = (),
) -> ExportReport:
    """Write what the gate admits to ``target`` (a file, a folder, a binary stream; None: dry run), in one stream.

    ``at`` is microseconds UTC; ``rate`` and ``sinkhole`` as ``Heading`` has them. Raises Faults E-PROTECT-001 to -006;
    after one of them, nothing new stands at a file or folder target.
    """
    feed = feed_named(to)
    if not is_name(zone) or len(zone) > MAX_ZONE_LENGTH:
        raise Fault(
            "E-PROTECT-006",
            "{zone} cannot name a policy zone; use a lower-case domain name of at most {most} characters.",
            zone=repr(zone[:60]),
            most=MAX_ZONE_LENGTH,
        )
    tally = _Tally()
    with opened(feed, target) as sink:
        writer = feed.open(sink, Heading(made_at=at, zone=zone, rate=rate, sinkhole=sinkhole))
        for outcome in gate.admit(pages, at):
            if isinstance(outcome, LeftOut):
                tally.refuse(outcome)
                continue
            done = done_by(feed.name, outcome.action, sinkhole=bool(sinkhole))
            directive = outcome if done in (None, outcome.action) else msgspec.structs.replace(outcome, action=done)
            objection = _offer(directive, feed, writer, include_watch, able=done is not None)
            if objection is not None:
                tally.refuse(left_out(outcome.observable, objection, outcome.indicator_id))
            else:
                tally.accept(directive)
        for directive, objection in writer.finish():
            tally.take_back(directive, left_out(directive.observable, objection, directive.indicator_id))
    return tally.report(to, at, dry_run=target is None)


def _offer(
    directive: Directive, feed: Feed, writer: Writer, include_watch: bool, *, able: bool
) -> objections.Objection | None:
    """``able``: whether its tool can do anything at all by it."""
    if directive.observable.type not in feed.types:
        return objections.TYPE.about(directive.observable.type.value)
    if not directive.action.hinders and not include_watch:
        return objections.WATCH
    return objections.PASSIVE if not able else writer.add(directive)


class _Tally:
    """Counts while the stream runs."""

    def __init__(self) -> None:
        self._actions: Counter[Action] = Counter()
        self._types: Counter[ObservableType] = Counter()
        self._rules: Counter[str] = Counter()
        self._left_out: list[LeftOut] = []
        self._flagged: list[Directive] = []
        self._first_expiry: int | None = None

    def accept(self, directive: Directive) -> None:
        self._actions[directive.action] += 1
        self._types[directive.observable.type] += 1
        if self._first_expiry is None or directive.expires_at < self._first_expiry:
            self._first_expiry = directive.expires_at
        if directive.flags and len(self._flagged) < MAX_LEFT_OUT_LISTED:
            self._flagged.append(directive)

    def refuse(self, refusal: LeftOut) -> None:
        self._rules[refusal.rule] += 1
        if len(self._left_out) < MAX_LEFT_OUT_LISTED:
            self._left_out.append(refusal)

    def take_back(self, directive: Directive, refusal: LeftOut) -> None:
        self._actions[directive.action] -= 1
        self._types[directive.observable.type] -= 1
        self.refuse(refusal)

    def report(self, feed: str, at: int, *, dry_run: bool) -> ExportReport:
        return ExportReport(
            feed=feed,
            made_at=at,
            blocks=sum(count for action, count in self._actions.items() if action.hinders),
            watches=sum(count for action, count in self._actions.items() if not action.hinders),
            by_action={action.value: self._actions[action] for action in Action if self._actions[action]},
            by_type={kind.value: count for kind, count in sorted(self._types.items()) if count},
            left_out_by_rule=dict(sorted(self._rules.items())),
            left_out=tuple(self._left_out),
            flagged=tuple(self._flagged),
            first_expiry=self._first_expiry,
            dry_run=dry_run,
        )
