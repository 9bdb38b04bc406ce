"""A message in each form: what leaves is exactly what a release covers, and hostile values stay data."""

from __future__ import annotations

import hashlib
import hmac
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.exchange.mail import defang
from seawall.model import ObservableType, Recorded, Release, ReleasedObject
from seawall.warn.channels import (
    GroupMessage,
    ValueMessage,
    cef_lines,
    framed,
    mail_text,
    message_of,
    signature,
    syslog_lines,
    webhook_headers,
)

VALUE = ValueMessage(
    ObservableType.DOMAIN, "evil.example", "KR", "2026-11-22T03:12:00.000000Z", True, ("energy", "finance"), 80,
    "high", "amber", "green", "watch", ("Sensors of both sides raised alarms about it.",),
)  # fmt: skip
MESSAGE = GroupMessage(
    "0" * 32, "Taipei node", "label:storm", "high", "2026-11-22T04:00:00.000000Z", "amber", (VALUE,), more=3, left_out=1
)
HEADER = re.compile(rb"<(\d{1,3})>1 \S+ \S+ seawall - warning - \xef\xbb\xbf")


def _released(message: GroupMessage) -> Recorded[Release]:
    body = msgspec.json.encode(message)
    return Recorded(
        Release("channel:x", "own-use", "own-use", "v", 1, (ReleasedObject("x-warning--1", "v", body),)), 0, "00" * 32
    )


def test_a_mail_says_the_marking_first_and_can_not_be_clicked() -> None:
    """Subject and text begin with the marking; values are defanged; counts of what is not told stand there."""
    subject, text = mail_text(_released(MESSAGE), "en", defang)
    assert subject == "[TLP:AMBER] Seawall: high: 4 values of storm"
    assert text.startswith("TLP:AMBER\n")
    assert "evil[.]example" in text
    assert "evil.example" not in text
    assert "3 more values" in text
    assert "1 values are marked too strictly" in text
    assert "\r" not in subject


@pytest.mark.parametrize("lang", ["zh-Hant", "ko"])
def test_a_mail_can_be_written_in_each_language(lang: str) -> None:
    """Every place of every sentence is filled."""
    subject, text = mail_text(_released(MESSAGE), lang, defang)
    assert "{" not in subject + text


def test_the_signature_covers_moment_and_body() -> None:
    """Anybody with the secret computes the same; a short secret is refused."""
    released, secret = _released(MESSAGE), b"0123456789abcdef"
    headers = webhook_headers(released, secret, 1_700_000_000)
    body = released.value.objects[0].body
    expected = hmac.new(secret, b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Seawall-Signature"] == f"t=1700000000,v1={expected}"
    assert headers["X-Seawall-Id"] == MESSAGE.id
    with pytest.raises(ValueError, match="too short"):
        signature(b"short", 1, b"")


def test_syslog_and_cef_have_one_line_a_value() -> None:
    """The header of RFC 5424 with the level's priority, then the pairs; framed by its length."""
    line = syslog_lines(_released(MESSAGE))[0]
    found = HEADER.match(line)
    assert found is not None
    assert int(found[1]) == 16 * 8 + 3
    assert b'value="evil.example"' in line
    assert framed(b"abc") == b"3 abc"
    event = cef_lines(_released(MESSAGE))[0]
    assert b"CEF:0|Seawall|Seawall|" in event
    assert b"dhost=evil.example" in event
    assert b"|8|externalId=" in event


@given(st.text(max_size=3_000), st.text(max_size=50))
def test_a_hostile_value_stays_one_line_and_one_field(value: str, sector: str) -> None:
    """No line end, no unescaped quote or equals sign, and never longer than receivers must take."""
    hostile = msgspec.structs.replace(VALUE, type=ObservableType.URL, value=value, sectors=(sector,))
    try:
        released = _released(msgspec.structs.replace(MESSAGE, values=(hostile,), group=f"label:{sector}"))
    except UnicodeEncodeError:
        return  # a lone surrogate is no text: it cannot be in the store
    for line in (*syslog_lines(released), *cef_lines(released)):
        assert len(line) <= 2_048
        assert b"\n" not in line
        assert b"\r" not in line
        assert b"\0" not in line
    quoted = syslog_lines(released)[0].decode().partition(' value="')[2]
    if len(syslog_lines(released)[0]) < 2_000:
        assert re.match(r'(?:[^"\\]|\\.)*" first_side="KR"', quoted)
        assert re.search(r" request=(?:[^=\\]|\\.)*$", cef_lines(released)[0].decode())
    subject, text = mail_text(released, "en", defang)
    assert "\n" not in subject
    assert message_of(released).values[0].value == value
    assert text.endswith(f"id {MESSAGE.id}\n")


def test_a_test_message_holds_no_warning() -> None:
    """It has one line in each form and says that it is one."""
    released = _released(msgspec.structs.replace(MESSAGE, values=(), test=True))
    assert b'event="test"' in syslog_lines(released)[0]
    assert b"|test|" in cef_lines(released)[0]
    assert "test" in mail_text(released, "en", defang)[1]
