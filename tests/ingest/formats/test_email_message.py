"""Messages: what they tell of who attacks, and that nothing of whom they went to comes in."""

from __future__ import annotations

import base64
import hashlib
from email.message import EmailMessage
from pathlib import Path

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import read_quarantine
from seawall.ingest.formats import FORMATS, recognise
from seawall.ingest.mail import ATTACHMENTS, LINKS

VICTIM, COPY = "hong.gildong@ministry.example", "lin.yating@ministry.example"
INSIDE = "from mx.ministry.example (mx.ministry.example [10.0.0.5]) by mbox; Sat, 21 Nov 2026 10:00:05 +0900"
OUTSIDE = (
    "from [192.168.1.1] (host.evil.example [203.0.113.7]) by mx.ministry.example with ESMTP id 1 "
    f"for <{VICTIM}>; Sat, 21 Nov 2026 10:00:00 +0900"
)
FORGED = "from bank.example ([198.51.100.1]) by host.evil.example; Sat, 21 Nov 2026 09:00:00 +0900"
MOMENT = 1_795_222_805_000_000  # 2026-11-21T01:00:05Z
COLUMNS = (
    "kind, time, src_low, dst_low, email, domain, url, file_name, md5, sha1, sha256, basis, rsit, own_end, source_line"
)


def message(received: tuple[str, ...] = (INSIDE, OUTSIDE, FORGED), **fields: str) -> EmailMessage:
    """A message from an attacker to two of our people, with a link in text and HTML and a file."""
    made = EmailMessage()
    for field in received:
        made["Received"] = field
    made["From"] = '"ceo@ministry.example" <Billing@Evil.example>'
    made["To"] = f"Hong <{VICTIM}>"
    made["Cc"] = COPY
    made["Delivered-To"] = VICTIM
    made["Reply-To"] = "answers@other.example"
    made["Date"] = "Fri, 20 Nov 2026 00:00:00 +0000"
    made["Subject"] = f"Invoice for {VICTIM}"
    made["Message-ID"] = "<1@evil.example>"
    for name, value in fields.items():
        made[name.replace("_", "-")] = value
    secret = base64.b64encode(VICTIM.encode()).decode().rstrip("=")
    made.set_content(f"Dear {VICTIM}, see https://evil.example/pay?a=1&u={VICTIM}. Or (http://evil.example/x).\n")
    made.add_alternative(
        f'<p>Hi {COPY} <a href="https://evil.example/html?a=1&amp;e={VICTIM.replace("@", "%40")}">x</a>'
        f'<img src="http://evil.example/pixel/{secret}.gif"></p>',
        subtype="html",
    )
    made.add_attachment(b"hello", maintype="application", subtype="octet-stream", filename=f"../{VICTIM}.exe")
    return made


def test_a_message_tells_of_its_sender_links_and_files(scene: Scene) -> None:
    """Each as a row, at the ends that they stood at."""
    report = scene.ingest(scene.write("a.eml", bytes(message())))
    assert report.by_type == {"email-link": 4, "email": 1, "email-reply-to": 1, "email-attachment": 1}
    rows = scene.rows(COLUMNS)
    assert {(row["time"], row["src_low"], row["dst_low"], row["own_end"], row["basis"]) for row in rows} == {
        (MOMENT, 0xFFFF_CB00_7107, 0xFFFF_0A00_0005, "destination", "none")
    }
    assert [row["email"] for row in rows if row["email"]] == ["billing@evil.example"]
    assert "other.example" in [row["domain"] for row in rows]
    assert {row["url"] for row in rows if row["url"]} == {
        "https://evil.example/pay?a=1&u=recipient",
        "http://evil.example/x",
        "https://evil.example/html?a=1&e=recipient",
        "http://evil.example/pixel/recipient.gif",
    }
    (file,) = (row for row in rows if row["kind"] == "email-attachment")
    assert (file["file_name"], file["md5"]) == (
        "recipient.exe",
        hashlib.md5(b"hello", usedforsecurity=False).hexdigest(),
    )
    assert file["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert file["sha1"] == hashlib.sha1(b"hello", usedforsecurity=False).hexdigest()


def test_everything_in_it_is_remote_but_our_own_host(scene: Scene) -> None:
    """So that what a filter judged may be told to others, and our end never is."""
    scene.ingest(scene.write("a.eml", bytes(message(X_Spam_Flag="YES"))))
    own = [one for one in scene.rollup() if one["role"] != "remote"]
    assert {(one["type"], one["role"], one["low"]) for one in own} == {("ipv4", "own", 0xFFFF_0A00_0005)}
    assert {one["basis"] for one in scene.rollup()} == {"alert"}


def everything(folder: Path) -> bytes:
    """All bytes under a folder: what a thief of the disk would find."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("broken", [False, True])
def test_no_recipient_is_kept_anywhere(scene: Scene, broken: bool) -> None:
    """Neither in the lake nor in quarantine, also for what turns out to be no message."""
    content = bytes(message())
    if broken:
        content = b"To: " + VICTIM.encode() + b"\n\n" + content
    good = scene.write("in/b.eml", bytes(message(Comments="another")))
    scene.ingest(scene.write("in/a.eml", content), good, format="email")
    (scene.folder / "in" / "a.eml").unlink()
    good.unlink()
    stored = everything(scene.folder) + str(scene.rows()).encode()
    for secret in (VICTIM, VICTIM.partition("@")[0], COPY, COPY.partition("@")[0], "Invoice"):
        assert secret.encode() not in stored
        assert base64.b64encode(secret.encode())[:-4] not in stored
    assert len(list(read_quarantine(scene.quarantine))) == int(broken)


@pytest.mark.parametrize(
    ("field", "value", "basis", "rsit"),
    [
        ("X-Spam-Flag", "YES", "alert", "abusive-content:spam"),
        ("X-Spam-Flag", "NO", "none", None),
        ("Authentication-Results", "mx.ministry.example; spf=pass; dmarc=fail (p=REJECT)", "alert", "fraud:masquerade"),
        ("Authentication-Results", "mx.ministry.example; spf=softfail; dkim=none; dmarc=none", "none", None),
        ("X-Note", "X-Spam-Flag: YES", "none", None),
    ],
)
def test_only_a_filter_makes_it_evidence(scene: Scene, field: str, value: str, basis: str, rsit: str | None) -> None:
    """A message that nobody judged is context."""
    made = message()
    made[field] = value
    scene.ingest(scene.write("a.eml", bytes(made)))
    assert {(row["basis"], row["rsit"]) for row in scene.rows("basis, rsit")} == {(basis, rsit)}


def test_without_an_external_hop_the_sender_may_be_ours(scene: Scene) -> None:
    """And is not kept; nor is a sender who is a recipient too."""
    scene.ingest(scene.write("a.eml", bytes(message(received=(INSIDE,)))))
    assert [row["email"] for row in scene.rows("email") if row["email"]] == []
    forged = message()
    forged.replace_header("From", VICTIM)
    scene.ingest(scene.write("b.eml", bytes(forged)))
    assert [row["email"] for row in scene.rows("email") if row["email"]] == []


def test_a_message_that_one_of_us_hands_on_is_the_one_inside(scene: Scene) -> None:
    """A reported phishing mail: who reported it is not kept, who sent it is."""
    report = EmailMessage()
    report["Received"] = INSIDE
    report["From"] = COPY
    report["To"] = "soc@ministry.example"
    report["Date"] = "Sat, 21 Nov 2026 02:00:00 +0000"
    report["Message-ID"] = "<2@ministry.example>"
    report.set_content("please look")
    report.add_attachment(message(X_Spam_Flag="YES"))
    scene.ingest(scene.write("a.eml", bytes(report)))
    rows = scene.rows("email, src_low, basis, url")
    assert {(row["src_low"], row["basis"]) for row in rows} == {(0xFFFF_CB00_7107, "alert")}
    assert [row["email"] for row in rows if row["email"]] == ["billing@evil.example"]
    assert not any(name in str(rows) for name in (VICTIM, COPY, "soc@"))


@pytest.mark.parametrize(
    ("hop", "low"),
    [
        ("from a (unknown [IPv6:2001:db8::7]) by mx", 7),
        ("from a.example (203.0.113.8) by b.example (10.0.0.2) with Microsoft SMTP Server", 0xFFFF_CB00_7108),
        ("from a ([999.1.1.1]) by mx", 0xFFFF_CB00_7107),
        ("by mx with local id 5", 0xFFFF_CB00_7107),
    ],
)
def test_forms_of_received(scene: Scene, hop: str, low: int) -> None:
    """The first address from outside counts, in whichever form the server wrote it."""
    made = message(received=(f"{hop}; Sat, 21 Nov 2026 10:00:05 +0900", OUTSIDE))
    scene.ingest(scene.write("a.eml", bytes(made)))
    assert {row["src_low"] for row in scene.rows("src_low")} == {low}


def test_a_folder_of_messages_and_the_same_message_twice(scene: Scene) -> None:
    """Equal files are one message; two messages with equal links are two."""
    content = bytes(message())
    scene.write("in/a.eml", content)
    scene.write("in/copy.eml", content)
    scene.write("in/b.eml", bytes(message(Comments="x")).replace(b"\n", b"\r\n"))
    scene.write("in/c.eml", b"From hong Sat Nov 21 10:00:00 2026\n" + bytes(message(Comments="y")))
    report = scene.ingest(scene.folder / "in")
    assert (report.files, counts(report), report.problems) == (4, (21, 7, 0), [])


def test_the_number_of_links_and_files_is_bounded(scene: Scene) -> None:
    """However many a message holds."""
    made = message()
    made.add_attachment(" ".join(f"http://evil.example/{n}" for n in range(5000)), disposition="inline")
    for n in range(ATTACHMENTS + 9):
        made.add_attachment(b"%d" % n, maintype="application", subtype="zip", filename=f"{n}.zip")
    report = scene.ingest(scene.write("a.eml", bytes(made)))
    assert (report.by_type["email-link"], report.by_type["email-attachment"]) == (LINKS, ATTACHMENTS)


HOSTILE = {
    "no charset": b'Content-Type: text/plain; charset="\xff\xfe"\n\nhttp://evil.example/',
    "unknown charset": b"Content-Type: text/plain; charset=none-such\n\nhttp://evil.example/",
    "deep nesting": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(400)),
    "bad base64": b"Content-Type: a/b; name=x\nContent-Transfer-Encoding: base64\n\n!!!!=",
    "broken words": b"Subject: =?utf-8?b?////?=\nReply-To: =?x?q?=ff?= <@>\n\n",
    "long field": b"X-Long: " + b"A" * 20_000 + b"\n\nbody",
    "escapes": b'Content-Type: a/b; name="\x1b[31m\'; DROP TABLE x; --=cmd|x.exe"\n\nx',
    "NUL": b"Content-Type: text/html\n\n<a href=http://evil.example/\0x>",
    "odd link": b"Content-Type: text/html\n\n<a href='http://[::1/'>http://%00 https://x:99999999/ http://\xff/",
    "truncated": b"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: a/b; name=q\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_harm_nothing(scene: Scene, name: str) -> None:
    """The message is stored or rejected whole, and the next file is read."""
    head = b"From: a@evil.example\nDate: Fri, 20 Nov 2026 00:00:00 +0000\nMessage-ID: <1>\nMIME-Version: 1.0\n"
    report = scene.ingest(scene.write("a.eml", head + HOSTILE[name]), scene.write("b.eml", bytes(message())))
    assert report.files == 2 and report.by_type["email"] >= 1
    assert report.stored + report.rejected == report.events


def test_a_message_without_a_time_is_quarantined(scene: Scene) -> None:
    """Or with one that cannot be; the line that is kept tells nothing of it but its digest."""
    head = b"From: a@evil.example\nTo: x@y.example\nDate: NaN\nMessage-ID: <1>\n\nhttp://evil.example/\n"
    scene.ingest(scene.write("a.eml", head), scene.write("b.eml", bytes(message())))
    assert {entry.code for entry in read_quarantine(scene.quarantine)} == {"no-time"}


def test_other_files_are_not_taken_for_messages() -> None:
    """Headers of HTTP, logs with colons, and text."""
    for head in (
        b"From: x\nnot a field\n",
        b"Host: a\nDate: b\n\n",
        b"2026-11-21 Date: x\nFrom: y\n",
        b"Dear From: Date:\n",
    ):
        assert recognise(head) is None
    assert [one.name for one in FORMATS if one.recognises(bytes(message()))] == ["email"]
