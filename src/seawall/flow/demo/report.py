"""The demonstration's result for a person: one story, what stayed home, what crossed, then the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seawall.flow.demo.quiet import QuietFigures
from seawall.flow.demo.result import DemoResult, SideFigures
from seawall.flow.demo.story import city, clock_zone, tell
from seawall.messages import format_bytes, format_duration, format_number, format_percent, translate

ADVERSITIES = {
    "mass-scanner": "mass scanner",
    "nat-or-vpn": "NAT or VPN address",
    "shared-cdn": "shared delivery network",
    "vendor-update": "vendor update",
    "tripping-site": "innocent site that trips signatures",
    "popular-site": "popular site",
    "generated-name": "generated name",
    "two-tenants": "one server, two unrelated attackers",
    "recycled-address": "recycled address",
    "one-sided-campaign": "attack on one side only",
    "ordinary": "ordinary value",
}
RESULTS = {
    "passed": "accepted",
    "failed": "refused",
    "not installed": "not installed, so not checked",
    "not permitted": "not permitted here, so not checked",
    "no tool": "no tool needed",
}


def render(result: DemoResult, lang: str, console: Console) -> None:
    """Write the whole report; every text is data to the terminal, never markup."""
    for title, lines in (
        (
            translate("One story of this day ({zone})", lang, zone=translate(clock_zone()[1], lang)),
            tell(result.story, lang),
        ),
        (translate("What stayed at home", lang), stayed_home(result, lang)),
        (translate("What crossed", lang), crossed(result, lang)),
    ):
        _title(console, title)
        for line in lines:
            console.print(Text(f"  {line}"))
    console.print(crossed_table(result, lang))
    for line in searched(result, lang):
        console.print(Text(f"  {line}"))
    if result.own_log is not None:
        _title(console, translate("Your own log", lang))
        for line in own_log(result, lang):
            console.print(Text(f"  {line}"))
    _title(console, translate("The two nodes", lang))
    console.print(sides_table(result.sides, lang))
    _title(console, translate("Against the truth, which no node has seen", lang))
    for line in against_truth(result, lang):
        console.print(Text(f"  {line}"))
    if result.grade.by_adversity:
        console.print(adversity_table(result, lang))
    _title(console, translate("Block lists", lang))
    console.print(checked_table(result, lang))
    for line in closing(result, lang):
        console.print(Text(f"  {line}"))


def stayed_home(result: DemoResult, lang: str) -> list[str]:
    """What each side kept: counts of events and values."""
    lines = [
        translate(
            "{city} kept all {events} events. It met {values} values and suspects {candidates} of them.",
            lang,
            city=city(side.side, lang),
            events=format_number(side.events, lang),
            values=format_number(side.values, lang),
            candidates=format_number(side.candidates, lang),
        )
        for side in result.sides
    ]
    return [*lines, translate("No raw line, no victim, no own address and no sensor's name left either side.", lang)]


def crossed(result: DemoResult, lang: str) -> list[str]:
    """How much went over the border, and where to look at it."""
    text = "{bytes} in {files} messages over mutual TLS, each kept in {folder}."
    if result.quiet is not None:
        text = "{bytes} in {files} requests to a relay, sealed before they left, each kept in {folder}."
    return [
        translate(
            text,
            lang,
            bytes=format_bytes(result.crossed_bytes, lang),
            files=format_number(len(result.crossed), lang),
            folder=f"{result.folder}/crossed",
        ),
        *(in_private(result.quiet, lang) if result.quiet is not None else []),
    ]


def in_private(quiet: QuietFigures, lang: str) -> list[str]:
    """What comparing found, and what waiting for commitments cost."""
    found = translate(
        "In {runs} comparisons both sides learnt which {common} values both hold, and nothing of the rest.",
        lang,
        runs=format_number(quiet.compared, lang),
        common=format_number(quiet.common, lang),
    )
    lines = [found, *_beside_plain(quiet, lang)]
    if quiet.median_wait_seconds is None:
        return lines
    waited = translate(
        "A value is compared once it has been committed to for {age}; half of them showed within {wait} after both "
        "sides had them.",
        lang,
        age=format_duration(quiet.commitment_age_seconds, lang),
        wait=format_duration(quiet.median_wait_seconds, lang),
    )
    if quiet.median_usable_lead_lost_seconds is None or quiet.median_usable_lead_if_told_at_once_seconds is None:
        return [*lines, waited]
    lost = translate(
        "Told at once, the median usable lead would have been {lead}; {lost} of lead were lost in the median.",
        lang,
        lead=format_duration(quiet.median_usable_lead_if_told_at_once_seconds, lang),
        lost=format_duration(quiet.median_usable_lead_lost_seconds, lang),
    )
    return [*lines, waited, lost]


def _beside_plain(quiet: QuietFigures, lang: str) -> list[str]:
    if quiet.plain_recall is None:
        return []
    return [
        translate(
            "Had every suspect been told to the other side, {recall} of what can be found would have been found.",
            lang,
            recall=format_percent(quiet.plain_recall, lang),
        )
    ]


def crossed_table(result: DemoResult, lang: str) -> Table:
    """Messages by sender and kind."""
    table = _table(lang, "From", "To", "Message", "Count", "Size")
    counts: Counter[tuple[str, str, str]] = Counter()
    sizes: Counter[tuple[str, str, str]] = Counter()
    for file in result.crossed:
        key = (file.sender, file.recipient, file.what)
        counts[key] += 1
        sizes[key] += file.bytes
    for (sender, recipient, what), count in sorted(counts.items()):
        size = format_bytes(sizes[sender, recipient, what], lang)
        _row(table, city(sender, lang), city(recipient, lang), what, format_number(count, lang), size)
    return table


def searched(result: DemoResult, lang: str) -> list[str]:
    """The search for private values, and the control that shows that it works."""
    lines = [
        translate(
            "Searched in all of it: {label} {value}: {hits} hits.",
            lang,
            label=translate(item.label, lang),
            value=item.value,
            hits=format_number(item.hits, lang),
        )
        for item in result.searched
    ]
    if result.control is not None:
        hits = format_number(result.control.hits, lang)
        text = "So that you can trust the search: the warned value {value} is found {hits} times."
        lines.append(translate(text, lang, value=result.control.value, hits=hits))
    return lines


def own_log(result: DemoResult, lang: str) -> list[str]:
    """What was found in the user's own log."""
    own = result.own_log
    if own is None:
        return []
    text = "{path} was put beside {city}'s sensors: {stored} of {events} events stored, {rejected} rejected."
    numbers = {name: format_number(getattr(own, name), lang) for name in ("stored", "events", "rejected")}
    lines = [translate(text, lang, path=own.path, city=city(own.side, lang), **numbers)]
    text = "It holds {suspects} suspect values; {warned} of them met the other side too."
    suspects, warned = format_number(own.hostile_values, lang), format_number(len(own.warned), lang)
    lines.append(translate(text, lang, suspects=suspects, warned=warned))
    return [*lines, *(f"  {value}" for value in own.warned[:20])]


def sides_table(sides: Sequence[SideFigures], lang: str) -> Table:
    """One column a side."""
    table = _table(lang, "", *(city(side.side, lang) for side in sides))
    for label, name in (
        ("Events", "events"),
        ("Rejected lines", "rejected"),
        ("Distinct values met", "values"),
        ("Suspect values", "candidates"),
        ("Objects told", "sent"),
        ("Objects withheld", "withheld"),
        ("Objects received", "received"),
        ("Warnings", "warnings"),
        ("Entries in the ledger", "ledger_leaves"),
    ):
        _row(table, translate(label, lang), *(format_number(getattr(side, name), lang) for side in sides))
    return table


def against_truth(result: DemoResult, lang: str) -> list[str]:
    """Recall, precision and lead, each in one sentence with its counts."""
    grade = result.grade
    number = {name: format_number(getattr(grade, name), lang) for name in ("findable", "found", "true", "warnings")}
    if grade.recall is None:
        lines = [translate("No attack hit both sides on this day: there was nothing to find.", lang)]
    else:
        text = "Recall {rate}: {found} of {findable} values that one attack used against both sides were warned."
        lines = [translate(text, lang, rate=format_percent(grade.recall, lang), **number)]
    if grade.precision is None:
        lines.append(translate("No warning was given.", lang))
    else:
        text = "Precision {rate}: {true} of {warnings} warnings were right."
        lines.append(translate(text, lang, rate=format_percent(grade.precision, lang), **number))
    if grade.median_usable_lead_seconds is not None:
        lead = format_duration(grade.median_usable_lead_seconds, lang)
        lines.append(translate("Median usable lead {lead}: from being told to being hit.", lang, lead=lead))
        text = "{count} of {true} right warnings were told before the second side was hit."
        lines.append(translate(text, lang, count=format_number(grade.positive_leads, lang), true=number["true"]))
    crossing, seen = format_number(grade.campaigns_crossing, lang), format_number(grade.campaigns_found, lang)
    text = "Of {campaigns} attacks, {crossing} crossed with something to find; {seen} were noticed on both sides."
    lines.append(translate(text, lang, campaigns=format_number(grade.campaigns, lang), crossing=crossing, seen=seen))
    return lines


def adversity_table(result: DemoResult, lang: str) -> Table:
    """False warnings by what misled us."""
    table = _table(lang, "False warnings about", "Count")
    for name, count in result.grade.by_adversity.items():
        _row(table, translate(ADVERSITIES.get(name, name), lang), format_number(count, lang))
    return table


def checked_table(result: DemoResult, lang: str) -> Table:
    """Each export, its size and what its tool says."""
    table = _table(lang, "Side", "Format", "Entries", "Tool", "Result")
    entries = {side.side: side.block_list for side in result.sides}
    for item in result.checked:
        verdict = translate(RESULTS.get(item.result, item.result), lang)
        count = format_number(entries.get(item.side, {}).get(item.format, 0), lang)
        _row(table, city(item.side, lang), item.format, count, item.tool, verdict)
    return table


def closing(result: DemoResult, lang: str) -> list[str]:
    """What it cost."""
    text = "{events} events, seed {seed}, {seconds} ({cpu} of processor time), {memory} of memory."
    return [
        translate(
            text,
            lang,
            events=format_number(result.events, lang),
            seed=result.seed,
            seconds=format_duration(result.seconds, lang),
            cpu=format_duration(result.cpu_seconds, lang),
            memory=format_bytes(result.peak_memory_bytes, lang),
        )
    ]


def _title(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold"))


def _table(lang: str, *headings: str) -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 2))
    for place, heading in enumerate(headings):
        title = translate(heading, lang) if heading else ""
        table.add_column(Text(title), justify="right" if place and heading in RIGHT else "left")
    return table


RIGHT = frozenset({"Count", "Size", "Entries"})


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(Text("".join(letter if letter.isprintable() else "?" for letter in cell)) for cell in cells))
