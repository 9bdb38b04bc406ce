"""Handing a mail over: what the server says to the mail itself decides, and nothing that it says afterwards."""

from __future__ import annotations

import smtplib
from typing import Any

import pytest

from seawall.exchange.mail import OutgoingMail, RefusedForGood, SmtpServer, deliver, smtp
from seawall.model import Fault

MAIL = OutgoingMail("a@b.example", "c@d.example", "<1@b.example>", b"mail")
SERVER = SmtpServer(host="127.0.0.1", port=25, security="none")


class Answering:
    """A session that raises what it is told to when the mail is handed over, and answers QUIT badly."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error
        self.closed = False

    def sendmail(self, *_: Any) -> None:
        if self._error is not None:
            raise self._error

    def quit(self) -> None:
        raise smtplib.SMTPResponseException(421, b"I am busy")

    def close(self) -> None:
        self.closed = True


def handed(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> Answering:
    """The session after the mail was handed over."""
    session = Answering(error)
    monkeypatch.setattr(smtp, "_connected", lambda _: session)
    deliver(MAIL, SERVER)
    return session


def test_a_bad_answer_to_quit_unsends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail that was taken is taken, and the connection is closed."""
    assert handed(monkeypatch, None).closed


@pytest.mark.parametrize(
    ("error", "for_good"),
    [
        (smtplib.SMTPDataError(552, b"too large"), True),
        (smtplib.SMTPDataError(451, b"later"), False),
        (smtplib.SMTPSenderRefused(550, b"not you", "a@b.example"), True),
        (smtplib.SMTPRecipientsRefused({"c@d.example": (550, b"nobody")}), True),
        (smtplib.SMTPRecipientsRefused({"c@d.example": (450, b"greylisted")}), False),
    ],
)
def test_for_good_is_told_from_for_now(monkeypatch: pytest.MonkeyPatch, error: Exception, for_good: bool) -> None:
    """RFC 5321 section 4.2.1: 5yz means never, 4yz later."""
    with pytest.raises(Fault, match="E-MAIL-005" if for_good else "E-MAIL-003") as caught:
        handed(monkeypatch, error)
    assert isinstance(caught.value, RefusedForGood) is for_good
