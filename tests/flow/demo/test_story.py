"""The story: which example is told, and how."""

from __future__ import annotations

import msgspec
import pytest

from seawall.flow.demo.story import Story, choose, tell, value_text

MINUTE = 60_000_000
DAWN = 1_773_590_400_000_000 + 192 * MINUTE  # 03:12 in Taipei
STORY = Story(
    "domain", "login.a.test", "TW", "water", DAWN, DAWN + 48 * MINUTE, "KR", "health", DAWN + 302 * MINUTE, True
)


def test_told_in_three_sentences() -> None:
    """Seen, told, came: three lines with their times, the lead counted from being told."""
    seen, told, came = tell(STORY, "en")
    assert seen == "03:12  In Taipei, a water utility meets the name login.a.test; a sensor raises an alarm."
    assert told.startswith("04:00  Seoul is told")
    assert came == (
        "08:14  It comes to a hospital in Seoul, where it has been on the block list for 4 hours 14 minutes."
    )


def test_a_story_without_a_block() -> None:
    """When the value was not yet blocked the story says only that the other side was warned."""
    assert tell(msgspec.structs.replace(STORY, blocked=False), "en")[2].endswith(
        "which has been warned for 4 hours 14 minutes."
    )


def test_no_story() -> None:
    """A day on which nothing crossed in time says so in one sentence."""
    late = msgspec.structs.replace(STORY, told_at=STORY.other_seen)
    assert choose([late]) is None
    assert len(tell(None, "en")) == 1


@pytest.mark.parametrize(
    "lesser",
    [
        msgspec.structs.replace(STORY, blocked=False),
        msgspec.structs.replace(STORY, other_sector="water"),
        msgspec.structs.replace(STORY, other_seen=STORY.told_at + MINUTE),
        msgspec.structs.replace(STORY, type="sha256", value="ab" * 32),
    ],
)
def test_the_best_example_is_chosen(lesser: Story) -> None:
    """Blocked before not, across sectors before within one, hours before a minute, a name before a digest."""
    assert choose([lesser, STORY]) == STORY == choose([STORY, lesser])


def test_what_an_attacker_wrote_cannot_drive_the_terminal() -> None:
    """Control characters and endless values are shown harmlessly."""
    text = value_text("domain", "\x1b[2J" + "a" * 500, "en")
    assert "\x1b" not in text
    assert len(text) < 100
