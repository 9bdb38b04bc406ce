"""``seawall warnings``: the desk of the person on duty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.paging import After, Limit
from seawall.model import Fault

warnings = App(name="warnings", help="What hits both sides, who saw it first, and what to do about it.")
app.command(warnings)

Flag = Annotated[bool, Parameter(negative="")]
ReadOut = Annotated[
    bool, Parameter(help="Say each on the telephone: 20 seconds, marking first, whom to call.", negative="")
]
Note = Annotated[str, Parameter(help="For our own people; it is not sent.")]
Open = Annotated[bool, Parameter(name="--open", help="Raised, not answered, not asleep.", negative="")]
Held = Annotated[bool, Parameter(help="Below today's budget.", negative="")]
Snoozed = Annotated[bool, Parameter(help="Asleep.", negative="")]
Answered = Annotated[bool, Parameter(help="Confirmed or refuted here.", negative="")]
Every = Annotated[bool, Parameter(name="--all", help="Every one, the most urgent first.", negative="")]
Least = Annotated[str | None, Parameter(help="At least: info, low, medium, high or critical.")]
COLUMNS = ["severity", "type", "value", "first_side", "first_seen", "other_first_seen", "usable_lead_seconds",
           "sectors", "confidence", "state"]  # fmt: skip


@warnings.default
def one_or_all(
    value: str | None = None,
    /,
    *,
    read_out: ReadOut = False,
    open_: Open = False,
    held: Held = False,
    snoozed: Snoozed = False,
    answered: Answered = False,
    all_: Every = False,
    severity: Least = None,
    limit: Limit = 1000,
    after: After = 0,
) -> None:
    """List warnings, one a value. Without a flag all, newest change last; with one the desk's list, most urgent first.

    With VALUE only the one about it, with its read-out for the telephone. JSON items: value, type, first_side,
    first_seen, other_side, other_first_seen, told_at, raw_lead_seconds, usable_lead_seconds, sectors, confidence,
    indicators, campaigns, reasons, read_out, read_out_seconds, severity, state (open, held, snoozed, answered), group,
    raised_at, snoozed_until, answer, tlp, pap, origins. What is not known yet is null. With a flag, beside items, desk:
    budget_per_day, raised_today, below_budget, held_by_answers, answers, refuted, false_alarm_share,
    false_alarm_interval; and exposed: flaws exploited somewhere that concern what runs here.
    """
    from seawall.flow.exposed import count_exposed
    from seawall.flow.node import Node
    from seawall.flow.read_out import read_out as one_read_out
    from seawall.flow.warning_shown import desk_document, list_by_change, list_desk
    from seawall.warn.severity import Severity, severity_named

    flags = {"open": open_, "held": held, "snoozed": snoozed, "answered": answered, "all": all_}
    named = [state for state, wanted in flags.items() if wanted]
    least = Severity.INFO if severity is None else severity_named(severity)
    if len(named) > 1:
        raise Fault("E-CLI-099", "Choose one of --open, --held, --snoozed, --answered and --all.")
    if least is None:
        raise Fault("E-CLI-100", "There is no severity {given}.", given=repr(str(severity)[:40]))
    lang = context.out.lang
    exposed = 0
    with Node.open(context.node, token=context.token) as node:
        if value is not None:
            context.out.pairs(one_read_out(node, value, lang))
            return
        if named or severity is not None:
            state = named[0] if named else "all"
            page, standing = list_desk(node, state, lang, least=least, limit=limit, after=after)
            exposed = count_exposed(node)
        else:
            page, standing = list_by_change(node, lang, limit=limit, after=after)
    desk: dict[str, object] = {"desk": desk_document(standing), "exposed": exposed}
    extra = desk if named or severity is not None else None
    if read_out and not context.json:
        lines = [str(item["read_out"]) for item in page.items] or [context.out.tr("No warning yet.")]
        context.out.result(None, lines)
        return
    context.out.table(page.items, COLUMNS, empty="No warning yet.", following=page.next, extra=extra)
    if standing.waiting:
        context.out.note(
            "{count} groups wait below today's budget of {budget}; see --held.",
            count=standing.waiting,
            budget=standing.budget,
        )
    if exposed:
        context.out.note(
            "{count} flaws that are exploited concern what runs here; see seawall exposed check.", count=exposed
        )


@warnings.command(name="list")
def list_all(
    *,
    open_: Open = False,
    held: Held = False,
    snoozed: Snoozed = False,
    answered: Answered = False,
    all_: Every = False,
    severity: Least = None,
    limit: Limit = 1000,
    after: After = 0,
) -> None:
    """As 'seawall warnings' without a value: the same list, flags and JSON."""
    one_or_all(
        open_=open_, held=held, snoozed=snoozed, answered=answered, all_=all_, severity=severity, limit=limit,
        after=after,
    )  # fmt: skip


@warnings.command
def show(value: str, /) -> None:
    """Everything about one warning: how sure, how long, what of ours, what to do, and why.

    JSON: as the items of 'seawall warnings', and severity_points, severity_because, score, time_left (state, text,
    median_seconds, interval_seconds, cases), our_sectors, our_assets, rows_here, newest_rows, evidence, group_values,
    directive (action, expires_at, because, command: a proposal), hunt (sigma, sql, commands), playbook, answers,
    budget.
    """
    from seawall.flow.node import Node
    from seawall.flow.warning_shown import show_warning

    with Node.open(context.node, token=context.token) as node:
        document = show_warning(node, value, context.out.lang)
    context.out.result(document, _lines(document))


@warnings.command
def confirm(value: str, /, *, note: Note = "") -> None:
    """Say that it is what the other side says; the answer goes back to the peer that told us, where policy permits.

    JSON: value, type, answer, goes_back (peer, state: goes, waits or stays, text, id, circle).
    """
    _answer(value, "confirmed", note)


@warnings.command
def refute(value: str, /, *, note: Note = "") -> None:
    """Say that it is a false alarm; the answer goes back to the peer that told us, where policy permits.

    JSON: as 'warnings confirm'.
    """
    _answer(value, "refuted", note)


@warnings.command
def snooze(value: str, /, *, until: Annotated[str, Parameter(help="A moment to come (RFC 3339).")]) -> None:
    """Let it sleep: it leaves the open ones and comes back at that moment.

    JSON: value, type, snoozed_until.
    """
    from seawall.flow.node import Node
    from seawall.flow.warning_answers import snooze_warning
    from seawall.model import rfc3339, to_microseconds
    from seawall.model.moments import parse_moment

    with Node.open(context.node, token=context.token) as node:
        warning = snooze_warning(node, value, until)
    until = rfc3339(to_microseconds(parse_moment(until)))
    context.out.pairs({"value": warning.value, "type": warning.type.value, "snoozed_until": until})


@warnings.command
def undo(value: str, /) -> None:
    """Take back our answer or snooze; what a peer was told of it is withdrawn with the next exchange.

    JSON: as 'warnings confirm', answer null.
    """
    from seawall.flow.node import Node
    from seawall.flow.warning_answers import answered_document, undo_warning

    with Node.open(context.node, token=context.token) as node:
        document = answered_document(undo_warning(node, value), context.out.lang)
    _told(document)


def _answer(value: str, verdict: str, note: str) -> None:
    from seawall.flow.node import Node
    from seawall.flow.warning_answers import answer_warning, answered_document
    from seawall.model.answer import Verdict

    with Node.open(context.node, token=context.token) as node:
        document = answered_document(answer_warning(node, value, Verdict(verdict), note), context.out.lang)
    _told(document)


def _told(document: dict[str, Any]) -> None:
    ways = document["goes_back"]
    lines = [f"{document['value']}: {document['answer'] or '-'}"]
    lines += [f"{way['peer']}: {way['text']}" if way["peer"] else str(way["text"]) for way in ways]
    context.out.result(document, lines)


def _lines(document: dict[str, Any]) -> Iterator[str]:
    """The document as a person reads it: sections, in the order of the questions."""
    for key in ("value", "type", "severity", "state", "tlp", "group", "first_side", "first_seen", "other_side",
                "other_first_seen", "confidence"):  # fmt: skip
        yield f"{key:<17} {document[key] if document[key] is not None else '-'}"
    for key in ("reasons", "severity_because"):
        yield from ("", key)
        for row in document[key]:
            yield f"  {row['points']:+d} {row['text']}" if isinstance(row, dict) else f"  {context.out.tr(row)}"
    yield from ("", "time_left", f"  {document['time_left']['text']}", "", "ours")
    for name in ("our_sectors", "our_assets", "evidence", "answers"):
        for row in document[name] or ["-"]:
            told = ", ".join(f"{key}={value}" for key, value in row.items()) if isinstance(row, dict) else row
            yield f"  {name}: {told}"
    directive, playbook, hunt = (document[key] for key in ("directive", "playbook", "hunt"))
    yield from ("", "directive", f"  {directive['action'] or '-'}, {directive['expires_at'] or '-'}")
    yield from (f"  {text}" for text in directive["because"])
    yield from ("", f"playbook {playbook['name']}")
    yield from (f"  {number}. {step}" for number, step in enumerate(playbook["steps"], 1))
    yield from ("", "hunt", *(f"  {command}" for command in hunt["commands"]), f"  {hunt['sql'] or '-'}", "")
    yield from str(hunt["sigma"] or "").splitlines()
