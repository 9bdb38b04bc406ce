"""One value's way from one side to the other, told in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from seawall.messages import format_duration, format_moment, mark, translate

ZONE = "Asia/Taipei"
CITIES = {"TW": "Taipei", "KR": "Seoul"}
ORGANISATIONS = {
    "government": "a government office",
    "finance": "a bank",
    "communications": "a telecommunications company",
    "energy": "a power company",
    "health": "a hospital",
    "transport": "a transport company",
    "semiconductors": "a chip maker",
    "water": "a water utility",
    "education": "a university",
    "defence": "a defence contractor",
}
VALUES = {
    "ipv4": "the address {value}",
    "ipv6": "the address {value}",
    "domain": "the name {value}",
    "url": "the link {value}",
    "sha256": "the file {value}",
    "certificate": "the certificate {value}",
    "email": "the sender {value}",
}
EASY_TO_TELL = ("domain", "url", "ipv4", "ipv6", "sha256")  # short values first
HOUR = 3_600.0
LONGEST_SHOWN = 60  # characters of a value in the story


class Story(msgspec.Struct, frozen=True):
    """What happened to one value. Moments in microseconds UTC, as the nodes knew them."""

    type: str
    value: str
    first_side: str
    first_sector: str
    first_seen: int
    told_at: int
    other_side: str
    other_sector: str
    other_seen: int
    blocked: bool  # it stood on the other side's block list before it came

    @property
    def lead_seconds(self) -> float:
        """From being told to being hit."""
        return (self.other_seen - self.told_at) / 1_000_000


def choose(stories: Iterable[Story]) -> Story | None:
    """The best example: blocked in time, between different sectors, easy to tell, with hours rather than minutes."""
    useful = [story for story in stories if story.first_seen <= story.told_at < story.other_seen]
    return max(useful, key=_worth, default=None)


def _worth(story: Story) -> tuple[object, ...]:
    return (
        story.blocked,
        story.first_sector != story.other_sector,
        story.first_sector in ORGANISATIONS and story.other_sector in ORGANISATIONS,
        -EASY_TO_TELL.index(story.type) if story.type in EASY_TO_TELL else -len(EASY_TO_TELL),
        story.first_side == "TW",
        min(story.lead_seconds, 4 * HOUR),
        story.value,
    )


def clock_zone() -> tuple[str, str]:
    """The zone of the story's times and its name in English: Taipei's, or UTC where no zone data is installed."""
    try:
        ZoneInfo(ZONE)
    except ZoneInfoNotFoundError:
        return "UTC", "UTC"
    return ZONE, mark("Taipei time")


def tell(story: Story | None, lang: str) -> list[str]:
    """The story in three sentences with their times, or one sentence when nothing crossed in time."""
    if story is None:
        return [translate("On this day nothing came to the second side after it had been told.", lang)]
    zone, _ = clock_zone()
    shown = value_text(story.type, story.value, lang)
    first, other = city(story.first_side, lang), city(story.other_side, lang)
    seen = translate(
        "In {city}, {organisation} meets {what}; a sensor raises an alarm.",
        lang,
        city=first,
        organisation=organisation(story.first_sector, lang),
        what=shown,
    )
    told = translate("{city} is told: the value, when, how often; never whom it hit.", lang, city=other)
    place = {
        "city": other,
        "organisation": organisation(story.other_sector, lang),
        "lead": format_duration(story.lead_seconds, lang),
    }
    if story.blocked:
        sentence = "It comes to {organisation} in {city}, where it has been on the block list for {lead}."
    else:
        sentence = "It comes to {organisation} in {city}, which has been warned for {lead}."
    came = translate(sentence, lang, **place)
    moments = (story.first_seen, story.told_at, story.other_seen)
    return [
        f"{format_moment(moment, lang, zone, 'time')}  {text}"
        for moment, text in zip(moments, (seen, told, came), strict=True)
    ]


def city(side: str, lang: str) -> str:
    """The side's city, as people call it."""
    return translate(CITIES.get(side, side), lang)


def organisation(sector: str, lang: str) -> str:
    """An organisation of that sector, with its article where the language has one."""
    return translate(ORGANISATIONS.get(sector, "an organisation"), lang)


def value_text(kind: str, value: str, lang: str) -> str:
    """The value with its kind, shortened in the middle when long; control characters cannot pass (rule 7)."""
    safe = "".join(letter if letter.isprintable() else "?" for letter in value)
    if len(safe) > LONGEST_SHOWN:
        safe = f"{safe[: LONGEST_SHOWN - 20]}…{safe[-19:]}"
    return translate(VALUES.get(kind, "the value {value}"), lang, value=safe)
