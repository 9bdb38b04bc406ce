"""The inbox: trouble with one mail, or with the server in the middle of it, is one sentence and keeps no other out."""

from __future__ import annotations

import imaplib
from pathlib import Path
from typing import Any

import pytest

from seawall.exchange.mail import Arrived, Unreadable, arrived, inbox
from seawall.model import Unavailable


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """An empty one."""
    for part in ("new", "cur", "tmp"):
        (tmp_path / part).mkdir()
    return tmp_path


def test_what_is_no_mail_takes_no_mails_place(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders, links and hidden files in new/ are left out before the bound of one fetch is applied."""
    monkeypatch.setattr(inbox, "MAX_MAILS", 2)
    for name in ("a", "b", "c"):
        (maildir / "new" / name).mkdir()
    (maildir / "new" / "d").symlink_to(maildir)
    for name in ("x", "y", "z"):
        (maildir / "new" / name).write_bytes(b"mail")
    assert [mail.name for mail in arrived(str(maildir))] == ["x", "y"]


def test_one_file_that_cannot_be_read_or_moved_is_said_so(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """E-MAIL-012 names the file; one that another process took is no trouble at all."""
    (maildir / "new" / "x").write_bytes(b"mail")
    [mail] = arrived(str(maildir))

    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", denied)
        patched.setattr(Path, "rename", denied)
        for act in (lambda: mail.read(10), mail.done):
            with pytest.raises(Unreadable, match="E-MAIL-012"):
                act()
    assert mail.read(10) == b"mail"
    mail.done()
    mail.done()
    with pytest.raises(FileNotFoundError):
        mail.read(10)


def test_an_inbox_that_cannot_be_listed_is_said_so(maildir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """E-MAIL-013, which is worth another try."""

    def denied(_: Path) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    with pytest.raises(Unavailable, match="E-MAIL-013"):
        list(arrived(str(maildir)))


class Hanging(imaplib.IMAP4):
    """A server that lists one mail and is gone when ``fails`` is asked for."""

    fails = ""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.left = False

    def login(self, user: str, password: str) -> Any:
        return "OK", []

    def select(self, mailbox: str = "INBOX", readonly: bool = False) -> Any:
        return "OK", []

    def logout(self) -> Any:
        self.left = True
        raise imaplib.IMAP4.abort("socket error: EOF")

    def uid(self, command: str, *arguments: str) -> Any:
        if self.fails in (command, arguments[-1][:10]):
            raise imaplib.IMAP4.abort("socket error: EOF")
        if command == "SEARCH":
            return "OK", [b"7"]
        if arguments[-1] == "(RFC822.SIZE)":
            return "OK", [b"1 (UID 7 RFC822.SIZE 4)"]
        return "OK", [(b"1 (UID 7 BODY[]<0> {4}", b"mail"), b")"]


@pytest.mark.parametrize("fails", ["SEARCH", "(RFC822.SI", "(BODY.PEEK", "STORE"])
def test_a_server_that_goes_away_is_one_sentence(monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    """Whenever the connection breaks, between the mails and while one is read or marked: E-MAIL-011, and no more."""
    monkeypatch.setattr(Hanging, "fails", fails)
    monkeypatch.setattr(imaplib, "IMAP4_SSL", Hanging)

    def each(mail: Arrived) -> None:
        assert mail.read(4) == b"mail"
        mail.done()

    with pytest.raises(Unavailable, match="E-MAIL-011: The mailbox on host cannot be read: socket error: EOF"):
        for mail in arrived("imaps://desk@host/INBOX"):
            each(mail)
