"""Nothing of what is withheld leaves in what people carry and post: drops, mails, their names and headers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import zstandard

from journey.carrying import two_shores
from mail_scenes import MailHost, MailNode, Team, mail_host, parsed
from seawall.flow.node import Node
from seawall.model.circle import SHAREABLE_TYPES
from withheld_scenes import OPEN_WORD, POLICY, TOKEN, UNKNOWN, furnish, hidden

NEVER = [TOKEN, POLICY, UNKNOWN, *(item.id for item in hidden()), *(item.id.partition("--")[2] for item in hidden())]
TYPES = ",".join(sorted(SHAREABLE_TYPES))
TERMS = ("--tlp-ceiling", "green", "--pap-ceiling", "amber", "--auto", TYPES)


def clean(text: bytes | str) -> bool:
    """Whether no secret stands in it."""
    spoken = text.encode() if isinstance(text, str) else text
    return not [word for word in NEVER if word.encode() in spoken]


def test_drops_hold_no_secret(tmp_path: Path) -> None:
    """Every byte inside every file, and every file's name; the open objects are in them."""
    shores = two_shores(tmp_path)
    for side, member in ((shores.taipei, "seoul"), (shores.seoul, "taipei")):
        second = side.second_person("third")
        side.here("circles", "create", "tw-kr", "--members", member, *TERMS, "--approver-token", second)
    shores.rounds(2)
    with Node.open(shores.taipei.folder) as node:
        furnish(node, secrets=True, member="seoul")
    out = tmp_path / "out"
    out.mkdir()
    assert shores.taipei.here("export-drop", "seoul", "-o", out, "--clear")["sent"] == 5
    files = list(out.iterdir())
    texts = [zstandard.ZstdDecompressor().stream_reader(io.BytesIO(file.read_bytes())).read() for file in files]
    assert any(OPEN_WORD.encode() in text for text in texts)
    assert all(clean(text) for text in texts)
    assert all(clean(file.name) for file in files)
    answer = shores.taipei.here("export-drop", "seoul", "-o", out)
    assert clean(str(answer))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[MailHost]:
    """A running mail server."""
    with mail_host(tmp_path) as running:
        yield running


@pytest.mark.tool("gpg")
def test_mails_hold_no_secret(tmp_path: Path, host: MailHost) -> None:
    """Envelope, headers, plain text, attachments and their names, before and after decryption."""
    team = Team(tmp_path / "g")
    try:
        node = MailNode(tmp_path, host)
        node.befriend(team)
        node.here("circles", "create", "krcert-circle", "--members", "krcert", "--tlp-floor", "amber", *TERMS,
                  "--approver-token", node.approver)  # fmt: skip
        node.learn()
        with Node.open(node.folder) as opened:
            furnish(opened, secrets=True, member="krcert")
        assert node.here("mail", "send", "krcert")["mails"] == 1
        for mail in host.postbox.mails:
            assert clean(mail)
            inner, _ = team.open(mail)
            assert OPEN_WORD in inner.as_string() or any(OPEN_WORD in str(part) for part in decoded(inner))
            assert all(clean(part) for part in decoded(inner))
            assert all(clean(f"{name}: {value}") for name, value in (*parsed(mail).items(), *inner.items()))
    finally:
        team.close()


def decoded(message: EmailMessage) -> Iterator[str]:
    """The text of every part as a reader sees it, and the name of its file."""
    for part in message.walk():
        yield str(part.get_filename())
        if not part.is_multipart():
            content = part.get_content()
            yield content if isinstance(content, str) else content.decode(errors="replace")
