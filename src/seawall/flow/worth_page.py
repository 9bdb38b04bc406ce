"""The cost of not talking as one printable page: no script, no font, nothing fetched; in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from seawall.flow.worth_replay import Replay
from seawall.messages import canonical_language, format_number, mark, translate
from seawall.warn.lead import FLAGS, LEAST_BOTH, TAKEN_OUT

TITLE = mark("What silence costs")
SPAN = mark("{days} days up to {until}; we are {here}, they are {peers}.")
HEAD = mark("{first} campaigns and single traces reached us that they had seen first, half of them at least {hours} "
            "hours earlier.")  # fmt: skip
HEAD_CLAIMED = mark("By their own word, which goes beyond what is proved, {first} campaigns and single traces reached "
                    "us that they had seen first, half of them at least {hours} hours earlier.")  # fmt: skip
HEAD_LITTLE = mark("Not enough data: {units} campaigns and single traces were met on both sides, and a median needs "
                   "{least} that they saw first; there were {first}.")  # fmt: skip
HEAD_EMPTY = mark("Not enough data: nothing was met on both sides in these days, so nobody was first.")
MEDIAN = mark("With 95 % confidence that median lies between {low} and {high} hours.")
SHARE = mark("That is {first} of {all} that both met and one met before the other ({low} to {high} % with 95 % "
             "confidence); we were first in {ours}.")  # fmt: skip
CHANCE = mark("By chance alone, with the volumes of both sides, {expected} would have been first there ({low} to "
              "{high}); chance shows as many with probability {p}.")  # fmt: skip
CHANCE_NOT = mark("Whether this is more than chance was not tested: there is too little that can be proved.")
TOLD = mark("Of these {first}, we had been told of {told} before they reached us; the median time that left was "
            "{hours} hours.")  # fmt: skip
TOLD_NONE = mark("Of these {first}, we had been told of none before they reached us.")
PROVED = mark("Of {proved} of them we hold evidence of our own that they had it first; the others rest on their word.")
WAITING = mark("{count} more were seen there and have not reached us yet.")
GROUPED = mark("{campaigns} of the {units} are campaigns; a value that belongs to none is counted as one trace.")
CAVEATS_TITLE = mark("What this page does not say")
CAVEATS = (
    mark("It does not say that a warning would have stopped anything: hours are a chance to act, not a result."),
    mark("First seen is not first attacked: better sensors and other victims see other things."),
    mark("Only attacks that left a value that both sides could meet are counted; quiet espionage often leaves none."),
    mark("Moments are as each side's sensors and clocks recorded them."),
)
ONE_LAKE = mark("Both sides' telemetry lies in one lake here, so nothing shows what telling would have cost in time.")
TAKEN = mark("Left out: {what}.")
METHOD = mark("Method: medians by bootstrap, shares after Wilson, chance by permuting sides within day and type "
              "({draws} draws, seed {seed}).")  # fmt: skip
CHART = mark("Hours by which they were earlier, longest first; the line is the median.")
MOST_BARS = 60
WIDTH, BAR, CHART_TOP, CHART_HEIGHT = 720, 10, 28, 200  # pixels

_STYLE = (
    "@page{size:A4;margin:18mm}body{font:12pt/1.5 Georgia,'Noto Serif','Noto Serif CJK TC','Noto Serif CJK KR',serif;"
    "max-width:720px;margin:2em auto;padding:0 1em;color:#111;background:#fff}h1{font-size:20pt;margin:0}"
    ".span{color:#444}.head{font-size:16pt;line-height:1.35;margin:1em 0}li{margin:.2em 0}"
    ".small{font-size:9.5pt;color:#333}svg{max-width:100%;height:auto}"
)


def page(found: Replay, lang: str) -> str:
    """The page as HTML."""
    tag = canonical_language(lang)
    title = escape(translate(TITLE, lang))
    lines = "".join(f"<p>{escape(text)}</p>" for text in _lines(found, lang))
    caveats = "".join(f"<li>{escape(text)}</li>" for text in _caveats(found, lang))
    small = "".join(f"<p>{escape(text)}</p>" for text in _small(found, lang))
    return (
        f'<!doctype html>\n<html lang="{tag}"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head><body>'
        f'<h1>{title}</h1><p class="span">{escape(_span(found, lang))}</p>'
        f'<p class="head">{escape(headline(found, lang))}</p>{_drawing(found, lang)}{lines}'
        f"<h2>{escape(translate(CAVEATS_TITLE, lang))}</h2><ul>{caveats}</ul>"
        f'<div class="small">{small}</div></body></html>\n'
    )


def drawing(found: Replay, lang: str) -> str:
    """The headline and the bars as one SVG file."""
    body = _bars(found, lang)
    height = CHART_TOP + CHART_HEIGHT + 90
    words = f'<text x="8" y="24" font-size="18" font-weight="bold">{escape(translate(TITLE, lang))}</text>'
    words += f'<text x="8" y="46" fill="#444">{escape(_span(found, lang))}</text>'
    words += f'<text x="8" y="68">{escape(headline(found, lang))}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH + 240}" height="{height}" role="img" '
        f'font-family="serif" font-size="13"><title>{escape(translate(TITLE, lang))}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{words}<g transform="translate(8 82)">{body}</g></svg>\n'
    )


def headline(found: Replay, lang: str) -> str:
    """The one sentence, or what is missing for it."""
    if found.units == 0:
        return translate(HEAD_EMPTY, lang)
    if found.median_lead_seconds is None:
        units, first = format_number(found.units, lang), format_number(found.seen_first_there, lang)
        return translate(HEAD_LITTLE, lang, units=units, least=LEAST_BOTH, first=first)
    first, hours = format_number(found.seen_first_there, lang), _hours(found.median_lead_seconds, lang)
    claimed = not {"claims-everything-first", "claims-not-proved"}.isdisjoint(found.flags)
    return translate(HEAD_CLAIMED if claimed else HEAD, lang, first=first, hours=hours)


def _lines(found: Replay, lang: str) -> Iterator[str]:
    """What follows the headline."""
    first = format_number(found.seen_first_there, lang)
    if found.median_lead_seconds is None or found.lead_low is None or found.lead_high is None:
        return
    yield translate(MEDIAN, lang, low=_hours(found.lead_low, lang), high=_hours(found.lead_high, lang))
    if found.share_low is not None and found.share_high is not None:
        yield translate(
            SHARE, lang, first=first, all=format_number(found.seen_first_there + found.seen_first_here, lang),
            low=format_number(round(100 * found.share_low), lang),
            high=format_number(round(100 * found.share_high), lang),
            ours=format_number(found.seen_first_here, lang),
        )  # fmt: skip
    if found.expected_by_chance is None or found.chance_low is None or found.chance_high is None:
        yield translate(CHANCE_NOT, lang)
    else:
        yield translate(
            CHANCE, lang, expected=format_number(round(found.expected_by_chance), lang),
            low=format_number(round(found.chance_low), lang), high=format_number(round(found.chance_high), lang),
            p=f"{found.p_there:.3f}",
        )  # fmt: skip
    if not found.one_lake:
        proved = format_number(found.proved_first_there, lang)
        yield translate(PROVED, lang, proved=proved)
        if found.told_in_time and found.usable_lead_seconds is not None:
            told, hours = format_number(found.told_in_time, lang), _hours(found.usable_lead_seconds, lang)
            yield translate(TOLD, lang, first=first, told=told, hours=hours)
        else:
            yield translate(TOLD_NONE, lang, first=first)
    if found.only_there:
        yield translate(WAITING, lang, count=format_number(found.only_there, lang))


def _caveats(found: Replay, lang: str) -> Iterator[str]:
    for flag in found.flags:
        if flag in FLAGS and flag != "assumed-delay":
            yield translate(FLAGS[flag], lang)
    if found.one_lake:
        yield translate(ONE_LAKE, lang)
    for caveat in CAVEATS:
        yield translate(caveat, lang)


def _small(found: Replay, lang: str) -> Iterator[str]:
    units, campaigns = format_number(found.units, lang), format_number(found.campaigns, lang)
    yield translate(GROUPED, lang, campaigns=campaigns, units=units)
    if found.taken_out:
        reasons = (f"{count} ({translate(TAKEN_OUT[name], lang)})" for name, count in found.taken_out.items())
        yield translate(TAKEN, lang, what="; ".join(reasons))
    yield translate(METHOD, lang, draws=found.draws, seed=found.seed)


def _span(found: Replay, lang: str) -> str:
    peers = ", ".join(found.peers) or "-"
    return translate(SPAN, lang, days=found.days, until=found.until[:10], here=found.here, peers=peers)


def _drawing(found: Replay, lang: str) -> str:
    if found.median_lead_seconds is None:
        return ""
    height = CHART_TOP + CHART_HEIGHT + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-size="13">'
        f"<title>{escape(translate(CHART, lang))}</title>{_bars(found, lang)}</svg>"
    )


def _bars(found: Replay, lang: str) -> str:
    """At most ``MOST_BARS`` of the leads, evenly taken from the longest to the shortest."""
    leads = found.leads
    if not leads or found.median_lead_seconds is None:
        return ""
    step = max(1.0, len(leads) / MOST_BARS)
    shown = [leads[int(place * step)] for place in range(min(len(leads), MOST_BARS))]
    most = shown[0] or 1.0
    parts = [f'<text x="0" y="16">{escape(translate(CHART, lang))}</text>']
    for place, lead in enumerate(shown):
        tall = max(1.0, lead / most * CHART_HEIGHT)
        top = CHART_TOP + CHART_HEIGHT - tall
        parts.append(
            f'<rect x="{place * BAR + 60}" y="{top:.1f}" width="{BAR - 3}" height="{tall:.1f}" fill="#1b5e8c"/>'
        )
    middle = CHART_TOP + CHART_HEIGHT - found.median_lead_seconds / most * CHART_HEIGHT
    right = 60 + len(shown) * BAR
    parts.append(f'<path d="M60 {middle:.1f}H{right}" stroke="#b45309" stroke-width="2"/>')
    parts.append(f'<text x="{right + 4}" y="{middle + 4:.1f}">{_hours(found.median_lead_seconds, lang)} h</text>')
    parts.append(f'<text x="54" y="{CHART_TOP + 10}" text-anchor="end">{_hours(most, lang)} h</text>')
    return "".join(parts)


def _hours(seconds: float, lang: str) -> str:
    hours = seconds / 3600
    return format_number(round(hours) if hours >= 10 else round(hours, 1), lang)
