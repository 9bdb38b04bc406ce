"""Numbers and times as each language writes them."""

from __future__ import annotations

import pytest

from seawall.messages import format_bytes, format_duration, format_moment, format_number, format_percent

AT = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z


@pytest.mark.parametrize(
    ("seconds", "english", "chinese", "korean"),
    [
        (18_120.99, "5 hours 2 minutes", "5 小時 2 分鐘", "5시간 2분"),
        (0, "0 seconds", "0 秒", "0초"),
        (59.6, "1 minute", "1 分鐘", "1분"),
        (90_000, "1 day 1 hour", "1 天 1 小時", "1일 1시간"),
        (30 * 86_400, "30 days", "30 天", "30일"),
        (-61, "-1 minute 1 second", "-1 分鐘 1 秒", "-1분 1초"),
    ],
)
def test_a_duration_has_two_units(seconds: float, english: str, chinese: str, korean: str) -> None:
    """A duration is said in its two greatest units."""
    assert format_duration(seconds, "en") == english
    assert format_duration(seconds, "zh-Hant") == chinese
    assert format_duration(seconds, "ko") == korean


def test_a_moment_stands_in_the_nodes_zone() -> None:
    """Taipei reads eight in the morning where UTC is midnight; an unknown zone is read as UTC."""
    assert format_moment(AT, "en", "Asia/Taipei", "time") == "08:00"
    assert format_moment(AT, "zh-Hant", "Asia/Taipei", "date") == "2026年3月14日"
    assert format_moment(AT, "ko", "Asia/Seoul", "full").endswith("+0900")
    assert format_moment(AT, "en", "../etc/passwd", "time") == "00:00"


def test_numbers_sizes_and_shares() -> None:
    """Numbers are grouped, sizes are binary, shares are in percent."""
    assert format_number(4_020_000, "ko") == "4,020,000"
    assert format_bytes(1_536, "en") == "1.5 KiB"
    assert format_bytes(5 * 1024**5, "en") == "5,120 TiB"
    assert format_percent(0.9575, "zh-Hant") == "95.8%"
