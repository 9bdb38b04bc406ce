"""The inbox on a real IMAP server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from imap_server import PASSWORD, USER, imap_server
from journey.command_line import here
from mail_scenes import MailNode, Team

pytestmark = [pytest.mark.tool("gpg"), pytest.mark.tool("dovecot")]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A team with a key of today."""
    made = Team(tmp_path / "g")
    yield made
    made.close()


def deliver(mail: Path, name: str, data: bytes) -> None:
    """Put a mail into the mailbox as its delivery agent would."""
    owner = mail.stat()
    (mail / "tmp" / name).write_bytes(data)
    os.chown(mail / "tmp" / name, owner.st_uid, owner.st_gid)
    (mail / "tmp" / name).rename(mail / "new" / name)


def test_mail_is_fetched_once_and_stays_on_the_server(tmp_path: Path, team: Team) -> None:
    """New mail is read, marked as seen and left there; a wrong password and a strange certificate are one sentence."""
    password = tmp_path / "imap.password"
    password.write_text(PASSWORD)
    with imap_server(tmp_path / "i") as (port, authority, mail):
        inbox = f"imaps://{USER}@127.0.0.1:{port}/INBOX"
        node = MailNode(tmp_path, inbox=inbox, imap_password_file=str(password), ca_file=str(authority), max_mb=1)
        node.befriend(team)
        deliver(mail, "1", team.mail(b"198.51.100[.]9 too", "news"))
        deliver(mail, "2", b"From: cert@team.example\r\nSubject: big\r\n\r\n" + b"x" * (2 << 20))
        found = node.here("mail", "fetch")
        assert sorted(item.get("reason", "draft") for item in found["items"]) == ["draft", "too-large"]
        assert node.here("mail", "fetch")["mails"] == 0
        assert len([*(mail / "cur").iterdir()]) == 2
        assert node.here("doctor")["endpoints"] == [f"imaps://127.0.0.1:{port}"]
        password.write_text("wrong")
        answer = node.raw("mail", "fetch")
        assert (answer.returncode, answer.stderr[:11]) == (2, b"E-MAIL-011:")
        settings = node.folder / "seawall.toml"
        settings.write_text(settings.read_text().replace(str(authority), ""))
        answer = node.raw("mail", "fetch")
        assert (answer.returncode, answer.stderr[:11]) == (2, b"E-MAIL-011:")
        assert b"certificate" in answer.stderr


@pytest.mark.parametrize(
    "inbox", ["imaps://", "imaps://[", "imaps://host/INBOX", "imaps://u@h:x/INBOX", "pop3://u@h", "gone"]
)
def test_what_is_no_inbox_is_said_so(tmp_path: Path, inbox: str) -> None:
    """A setting that names neither a Maildir nor an IMAP mailbox is one sentence, and doctor still answers."""
    node = MailNode(tmp_path, inbox=inbox)
    answer = here("--node", node.folder, "mail", "fetch")
    assert (answer.status, answer.err[:11]) == (2, "E-MAIL-010:")
    assert node.here("doctor")["endpoints"] == []
