"""What a believed mail becomes: a draft under its circle's floor, and knowledge only by a named person's hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest

from journey.command_line import here
from mail_scenes import MailNode, Team, team_at, wrapped
from seawall.flow import mail_drafts
from seawall.flow.incoming import inbound_desk
from seawall.flow.node import Node
from seawall.model import Unavailable

pytestmark = pytest.mark.tool("gpg")
BUNDLE = {
    "type": "bundle",
    "id": "bundle--8b6b5ba6-6d8d-4b62-8a4b-0c5b3a8f2f11",
    "objects": [
        {
            "type": "malware", "spec_version": "2.1", "id": "malware--0d1f9d3e-3a54-4a7e-9a0f-4d3b1d2b8b7a",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "is_family": True,
            "name": "Tide",
        }
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """The team that two people verified."""
    with team_at(tmp_path_factory.mktemp("t") / "g") as made:
        yield made


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, team: Team) -> MailNode:
    """A node whose circle with the team has the floor amber and the ceiling amber+strict."""
    made = MailNode(tmp_path_factory.mktemp("n"))
    made.befriend(team)
    return made


def drafted(node: MailNode, mail: bytes) -> Any:
    """The draft that a mail becomes, whole."""
    item = node.post(mail)
    assert item["outcome"] == "draft", item
    return node.here("mail", "show", str(item["number"]))


def values(draft: Any) -> dict[str, Any]:
    """The draft's rows by value."""
    return {row["value"]: row for row in draft["items"]}


@pytest.mark.parametrize(
    ("subject", "text", "tlp"),
    [
        ("[TLP:CLEAR] all is free", "198.51.100[.]9", "amber"),
        ("no marking", "198.51.100[.]9", "amber"),
        ("[TLP:RED] look", "198.51.100[.]9", "red"),
        ("[TLP:AMBER+STRICT] look", "198.51.100[.]9", "amber+strict"),
        ("look", "TLP:RED\n\n198.51.100[.]9", "red"),
        ("look", "We wrote about TLP:RED in passing. 198.51.100[.]9", "amber"),
        ("[ＴＬＰ：ＲＥＤ] 주의", "198.51.100[.]9", "red"),
    ],
)
def test_the_marking_is_the_strictest_of_floor_subject_and_text(
    node: MailNode, team: Team, subject: str, text: str, tlp: str
) -> None:
    """A subject below the floor does not lower it; a stricter one, or a line that marks the text, is respected."""
    assert drafted(node, team.mail(f"{text}\n{subject}".encode(), subject))["tlp"] == tlp


def test_a_stricter_subject_holds_when_accepted(node: MailNode, team: Team) -> None:
    """Values of a mail marked AMBER+STRICT are kept so; a mail marked above the circle's ceiling is refused."""
    strict = drafted(node, team.mail(b"198.51.100[.]77 attacks", "[TLP:AMBER+STRICT] x"))
    done = node.here("mail", "accept", str(strict["number"]))
    assert (done["tlp"], done["new"]) == ("amber+strict", 1)
    file = node.files / "strict.csv"
    node.here("intel", "export", "--to", "csv", "-o", file)
    row = next(line for line in file.read_text().splitlines() if "198.51.100.77" in line)
    assert ",amber+strict," in row
    red = drafted(node, team.mail(b"198.51.100[.]78 attacks", "[TLP:RED] x"))
    answer = here("--node", node.folder, "mail", "accept", str(red["number"]))
    assert (answer.status, answer.err[:11]) == (3, "E-FLOW-272:")
    assert node.here("mail", "discard", str(red["number"]))["state"] == "discarded"
    again = here("--node", node.folder, "mail", "accept", str(red["number"]))
    assert (again.status, again.err[:12]) == (3, "E-STORE-164:")


def test_attachments_are_read_by_content_and_named_without_folders(node: MailNode, team: Team) -> None:
    """STIX, CSV and text attachments give objects and values; a program stays shut, and no name is a path."""
    mail = EmailMessage()
    mail.set_content("See attached.")
    mail.add_attachment(json.dumps(BUNDLE).encode(), maintype="application", subtype="json", filename="../../b.json")
    mail.add_attachment("type,value\nipv4,198.51.100[.]21\n", subtype="csv", filename="..\\..\\windows\\list.csv")
    mail.add_attachment("198.51.100.22\n198.51.100.23\n", filename="/etc/cron.d/list.txt")
    mail.add_attachment(b"MZ\x00", maintype="application", subtype="octet-stream", filename="run.exe\x1b[2J")
    draft = drafted(node, team.mail(mail, "files"))
    assert draft["objects"] == 1
    assert set(values(draft)) == {"198.51.100.21", "198.51.100.22", "198.51.100.23"}
    names = {entry["name"]: entry["read_as"] for entry in draft["attachments"]}
    assert names == {"b.json": "stix", "list.csv": "csv", "list.txt": "text", "run.exe[2J": None}
    done = node.here("mail", "accept", str(draft["number"]))
    assert (done["new"], done["declined"]) == (4, 0)
    origin = node.here("why", BUNDLE["objects"][0]["id"], "--peer", "krcert")  # type: ignore[index]
    assert origin["allowed"] is False


def test_html_only_is_read_as_words(node: MailNode, team: Team) -> None:
    """A mail of markup gives the values a reader sees; scripts, hidden heads and what it would load are left out."""
    page = (
        "<html><head><title>198.51.100.1</title></head><body><p>Block 198.51.100[.]31<br>now</p>"
        "<script>var a='198.51.100[.]32'</script><img src='http://203.0.113.5/pixel.gif'></body></html>"
    )
    mail = EmailMessage()
    mail.set_content(page, subtype="html")
    assert set(values(drafted(node, team.mail(mail, "markup")))) == {"198.51.100.31"}


def test_quoted_words_are_not_the_senders(node: MailNode, team: Team) -> None:
    """Lines that quote our own mail, and what stands below the signature mark, give no values."""
    text = b"Only 198.51.100[.]41 is new.\n> 198.51.100[.]42\n-- \nTeam, 198.51.100[.]43\n"
    assert set(values(drafted(node, team.mail(text, "re")))) == {"198.51.100.41"}
    text = b"Only 198.51.100[.]44.\n-----Original Message-----\nFrom: desk\n198.51.100[.]45\n"
    assert set(values(drafted(node, team.mail(text, "re")))) == {"198.51.100.44"}


def test_what_speaks_against_a_value_is_shown_and_may_stay_out(node: MailNode, team: Team) -> None:
    """Warninglist hits, own assets and the sender's own domain are flagged; --without-flagged leaves them out."""
    node.here("assets", "import", node.write("assets.csv", "asset,organisation\n198.51.100.200/30,Water works\n"))
    text = b"8.8.8[.]8 and 198.51.100[.]201 and hxxps://www.team[.]example/report and 198.51.100[.]51\n"
    draft = drafted(node, team.mail(text, "mixed"))
    flags = {value: row["flags"] for value, row in values(draft).items()}
    assert flags["198.51.100.51"] == []
    assert flags["8.8.8.8"][0].startswith("warninglist: ")
    assert flags["198.51.100.201"] == ["own asset"]
    assert flags["https://www.team.example/report"] == ["the sender's own domain"]
    done = node.here("mail", "accept", str(draft["number"]), "--without-flagged")
    assert (done["new"], done["left_out"]) == (1, 3)


@pytest.mark.parametrize("how", ["inline", "signed inside", "compressed", "not compressed"])
def test_the_ways_in_which_programs_write_it(node: MailNode, team: Team, how: str) -> None:
    """Inline PGP, signed-then-encrypted MIME, and bodies with and without compression are all believed."""
    value = f"198.51.100.{60 + len(how)}"
    words = f"We see {value.replace('.', '[.]')}\r\n"
    if how == "inline":
        sealed = team.seal(words.encode())
        mail = f"From: {team.address}\r\nSubject: x\r\nMessage-ID: <inline@x>\r\n\r\n".encode() + sealed
    elif how == "signed inside":
        part = f"Content-Type: text/plain; charset=utf-8\r\n\r\n{words}".encode()
        signature = team.gpg("--local-user", team.fingerprint, "--armor", "--detach-sign", data=part).decode()
        inner = (
            b'Content-Type: multipart/signed; micalg=pgp-sha512; protocol="application/pgp-signature"; boundary="s"'
            b"\r\n\r\n--s\r\n" + part + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n"
            + signature.encode() + b"\r\n--s--\r\n"
        )  # fmt: skip
        mail = wrapped(team.seal(inner, sign=False), team.address, "x")
    else:
        inner_mail = EmailMessage()
        inner_mail.set_content(words)
        level = ("--compress-algo", "none" if how.startswith("not") else "zip")
        mail = wrapped(team.seal(inner_mail.as_bytes(policy=policy.SMTP), *level), team.address, "x")
    assert set(values(drafted(node, mail))) == {value}


def test_a_changed_part_under_an_inner_signature_is_not_believed(node: MailNode, team: Team) -> None:
    """Signed-then-encrypted MIME whose text does not fit its signature goes into quarantine."""
    part = b"Content-Type: text/plain\r\n\r\nBlock 198.51.100[.]1\r\n"
    signature = team.gpg("--local-user", team.fingerprint, "--armor", "--detach-sign", data=part)
    head = b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary="s"\r\n\r\n--s\r\n'
    inner = head + part.replace(b"[.]1", b"[.]2") + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\n"
    sealed = team.seal(inner + signature + b"\r\n--s--\r\n", sign=False)
    assert node.post(wrapped(sealed, team.address, "x"))["reason"] == "bad-signature"


def test_what_is_being_accepted_is_not_discarded(node: MailNode, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second person who decides meanwhile waits, and then hears of the first: nothing is taken in and let go."""
    number = str(drafted(node, team.mail(b"198.51.100[.]61 and more", "news"))["number"])
    monkeypatch.setattr(mail_drafts, "LOCK_SECONDS", 0.2)
    meanwhile: list[str] = []

    def slowly(*arguments: Any, **more: Any) -> Any:
        with Node.open(node.folder) as second, pytest.raises(Unavailable) as caught:
            mail_drafts.discard_draft(second, int(number))
        meanwhile.append(caught.value.code)
        return inbound_desk(*arguments, **more)

    monkeypatch.setattr(mail_drafts, "inbound_desk", slowly)
    assert node.here("mail", "accept", number)["new"] == 1
    assert meanwhile == ["E-FLOW-277"]
    assert here("--node", node.folder, "mail", "discard", number).err[:12] == "E-STORE-164:"


def test_who_may_accept(node: MailNode, team: Team) -> None:
    """A reader sees drafts and may not accept them; who did is on the books and on the record."""
    draft = drafted(node, team.mail(b"198.51.100[.]91", "who"))
    token = node.write("reader.token", node.here("users", "add", "rina", "--role", "reader")["token"])
    answer = here("--node", node.folder, "mail", "accept", str(draft["number"]), "--token", token)
    assert (answer.status, answer.err[:11]) == (3, "E-FLOW-004:")
    assert node.here("mail", "drafts", "--token", token)["items"][-1]["number"] == draft["number"]
    token = node.write("analyst.token", node.here("users", "add", "amy", "--role", "analyst")["token"])
    assert node.here("mail", "accept", str(draft["number"]), "--token", token)["accepted_by"] == "amy"
    decided = node.here("mail", "drafts", "--decided", "--limit", "1000")["items"]
    assert next(item for item in decided if item["number"] == draft["number"])["state"] == "accepted"


def test_a_peer_in_two_circles_waits_for_a_choice(node: MailNode, team: Team) -> None:
    """Without a ticket nobody can tell the circle: the strictest floor holds until a person names one."""
    node.here(
        "circles",
        "create",
        "wide",
        "--members",
        "krcert",
        "--tlp-ceiling",
        "amber+strict",
        "--tlp-floor",
        "amber+strict",
    )
    draft = drafted(node, team.mail(b"198.51.100[.]95", "two circles"))
    assert (draft["circle"], draft["tlp"]) == (None, "amber+strict")
    answer = here("--node", node.folder, "mail", "accept", str(draft["number"]))
    assert (answer.status, answer.err[:11]) == (2, "E-FLOW-271:")
    assert node.here("mail", "accept", str(draft["number"]), "--circle", "wide")["circle"] == "wide"
