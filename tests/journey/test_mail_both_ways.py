"""Mail to and from a team that has only GnuPG, through a real SMTP server with TLS and a password."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from aiosmtpd.smtp import Envelope, Session

from journey.command_line import environment, here
from mail_scenes import MailHost, MailNode, Team, mail_host, parsed
from seawall.messages import translate

pytestmark = pytest.mark.tool("gpg")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[MailHost]:
    """A running mail server."""
    with mail_host(tmp_path) as running:
        yield running


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A team with a key of today."""
    made = Team(tmp_path / "g")
    yield made
    made.close()


@pytest.fixture
def node(tmp_path: Path, host: MailHost, team: Team) -> MailNode:
    """A node that shares a circle with the team."""
    made = MailNode(tmp_path, host)
    made.befriend(team)
    made.learn()
    return made


def test_a_release_arrives_and_the_answer_comes_back(node: MailNode, host: MailHost, team: Team) -> None:
    """GnuPG decrypts and verifies our mail; the signed answer becomes a draft, and an indicator once accepted."""
    sent = node.here("mail", "send", "krcert")
    assert (sent["mails"], sent["objects"]) == (1, 3)
    inner, said = team.open(host.postbox.mails[0])
    assert "GOODSIG" in said
    assert str(inner["Subject"]) == str(parsed(host.postbox.mails[0])["Subject"])
    assert str(inner["Subject"]).startswith("[TLP:AMBER] [PAP:")
    text, stix, table = inner.iter_parts()
    written = text.get_content()
    assert "evil[.]example" in written
    assert "evil.example" not in written
    assert "http" not in written
    assert written.startswith("TLP:AMBER")
    assert {json.loads(stix.get_content())["type"]} == {"bundle"}
    assert "203.0.113.77" in table.get_content()

    ticket = sent["items"][0]["ticket"]
    answer = b"TLP:AMBER\nWe see this too: hxxps://answer[.]example/x and 198.51.100[.]9.\n> evil[.]example\n"
    item = node.post(team.mail(answer, f"Re: [TLP:AMBER] [{ticket}] [KrCERT#77] yours"))
    assert (item["outcome"], item["ticket"], item["circle"], item["values"]) == ("draft", ticket, "krcert-circle", 2)
    assert node.here("intel", "export", "--to", "text", "-o", node.files / "before.txt")["objects"] == 3
    accepted = node.here("mail", "accept", str(item["number"]))
    assert (accepted["new"], accepted["tlp"], accepted["declined"]) == (2, "amber", 0)
    exported = node.files / "after.csv"
    node.here("intel", "export", "--to", "csv", "-o", exported)
    assert "https://answer.example/x" in exported.read_text()

    node.learn("type,value\ndomain,second.example\n", "more.csv")
    follow = node.here("mail", "send", "krcert", "--ticket", ticket)
    subject = follow["items"][0]["subject"]
    assert f"[{ticket}] [KrCERT#77]" in subject
    second = parsed(host.postbox.mails[1])
    references = str(second["References"]).split()
    assert references[0] == sent["items"][0]["message_id"]
    assert second["In-Reply-To"] == references[-1]


def test_each_release_leaves_once_and_says_nothing_in_its_subject(node: MailNode, host: MailHost) -> None:
    """A second run sends nothing, a dry run sends nothing, and no subject holds a value or a circle's name."""
    assert node.here("mail", "send", "krcert", "--dry-run")["objects"] == 3
    assert host.postbox.mails == []
    node.here("mail", "send", "krcert")
    assert node.here("mail", "send", "krcert")["mails"] == 0
    raw = host.postbox.mails[0].decode()
    assert "evil" not in raw.partition("\r\n\r\n")[0]
    assert "krcert-circle" not in raw
    kinds = [entry["kind"] for entry in node.here("ledger", "show")["items"]]
    assert "release" in kinds


@pytest.mark.parametrize("lang", ["zh-Hant", "ko"])
def test_the_text_is_in_the_readers_language(tmp_path: Path, host: MailHost, lang: str) -> None:
    """Sentences come from the reader's catalogue, values stay as they are."""
    team = Team(tmp_path / "g2", "cert@other.example")
    node = MailNode(tmp_path, host)
    node.befriend(team, "other", lang)
    node.learn()
    node.here("mail", "send", "other")
    inner, _ = team.open(host.postbox.mails[0])
    written = next(iter(inner.iter_parts())).get_content()
    assert translate("Values, written so that nobody opens them by mistake:", lang) in written
    assert "evil[.]example" in written
    team.close()


def test_what_was_taken_back_is_said(node: MailNode, host: MailHost, team: Team) -> None:
    """A recalled indicator leaves as revoked, and the text asks to stop using it."""
    node.here("mail", "send", "krcert")
    bundle = json.loads(next(iter([*team.open(host.postbox.mails[0])[0].iter_parts()][1:])).get_content())
    gone = next(obj for obj in bundle["objects"] if "evil.example" in obj.get("pattern", ""))
    node.here("recall", gone["id"])
    assert node.here("mail", "send", "krcert")["objects"] == 1
    inner, _ = team.open(host.postbox.mails[1])
    text = next(iter(inner.iter_parts())).get_content()
    assert "Taken back" in text
    assert "evil[.]example" in text.partition("Taken back")[2]


def test_a_kill_after_the_server_took_the_mail_repeats_it_under_one_name(node: MailNode, host: MailHost) -> None:
    """Killed before the cursor moved, the next run sends the same mail again with the same Message-ID, and no other."""
    process = subprocess.Popen(
        node.command("mail", "send", "krcert"), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    host.postbox.after = lambda: os.kill(process.pid, signal.SIGKILL)
    assert host.postbox.arrived.wait(60)
    process.wait(30)
    host.postbox.after = lambda: None
    assert node.here("mail", "send", "krcert")["mails"] == 1
    assert node.here("mail", "send", "krcert")["mails"] == 0
    names = {str(parsed(mail)["Message-ID"]) for mail in host.postbox.mails}
    assert (len(host.postbox.mails), len(names)) == (2, 1)


def test_a_server_that_says_no_keeps_the_mail_for_later(node: MailNode, host: MailHost) -> None:
    """A refusal is one sentence with the server's answer; the same mail leaves when the server takes it."""
    host.postbox.refuse = "451 come back later"
    with pytest.raises(AssertionError, match=r"E-MAIL-003.*451 come back later"):
        node.here("mail", "send", "krcert")
    host.postbox.refuse = ""
    assert node.here("mail", "send", "krcert")["objects"] == 3
    assert node.here("mail", "send", "krcert")["mails"] == 0


def test_a_mail_refused_for_good_stands_in_nobodys_way(node: MailNode, host: MailHost) -> None:
    """5yz takes the mail off the books: what it held is cut anew, under the same ticket when it is the same."""
    host.postbox.refuse = "552 too large for us"
    for _ in range(2):
        with pytest.raises(AssertionError, match=r"E-MAIL-005.*552 too large for us"):
            node.here("mail", "send", "krcert")
    host.postbox.refuse = ""
    sent = node.here("mail", "send", "krcert")
    assert (sent["objects"], sent["problems"], sent["items"][0]["ticket"][-4:]) == (3, [], "0001")
    assert node.here("mail", "send", "krcert")["mails"] == 0


def test_a_refusal_in_one_circle_leaves_the_others(node: MailNode, host: MailHost) -> None:
    """What another circle released leaves all the same; the answer says what did not, and nothing overtakes it."""
    more = ("--auto", "indicator", "--approver-token", node.approver)
    node.here("circles", "create", "a-second", "--members", "krcert", "--tlp-ceiling", "amber", *more)

    async def first_only(server: object, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        host.postbox.mails.append(envelope.content)
        return "550 not this one" if len(host.postbox.mails) == 1 else "250 kept"

    with patch.object(host.postbox, "handle_DATA", first_only):
        sent = node.here("mail", "send", "krcert")
    assert (sent["mails"], [item["state"] for item in sent["items"]]) == (1, ["discarded", "sent"])
    assert "a-second: E-MAIL-005" in sent["problems"][0]
    assert [item["circle"] for item in node.here("mail", "send", "krcert")["items"]] == ["a-second"]


def test_much_leaves_in_parts_under_one_ticket(tmp_path: Path, host: MailHost, team: Team) -> None:
    """Above part_mb a release becomes several mails: one ticket, one thread, every object exactly once."""
    node = MailNode(tmp_path, host, part_mb=1)
    node.befriend(team)
    rows = "\n".join(f"domain,host-{number}.bad.example,amber,{'x' * 800}" for number in range(600))
    node.learn(f"type,value,tlp,description\n{rows}\n")
    sent = node.here("mail", "send", "krcert")
    assert sent["mails"] > 1
    assert sent["objects"] == 600
    assert len({item["ticket"] for item in sent["items"]}) == 1
    assert all(len(mail) < 1 << 20 for mail in host.postbox.mails)
    found: list[str] = []
    for mail in host.postbox.mails:
        inner, _ = team.open(mail)
        found += [obj["id"] for obj in json.loads([*inner.iter_parts()][1].get_content())["objects"]]
    assert len(found) == len(set(found)) == 600
    assert str(parsed(host.postbox.mails[1])["In-Reply-To"]) == sent["items"][0]["message_id"]


@pytest.mark.parametrize("trouble", ["expired", "revoked", "absent"])
def test_nothing_leaves_to_a_key_that_cannot_encrypt(tmp_path: Path, host: MailHost, trouble: str) -> None:
    """An expired, revoked or absent encryption key is one sentence, shown as health, and no mail."""
    then = "20240101T000000" if trouble == "expired" else ""
    team = Team(
        tmp_path / "g3",
        "old@team.example",
        made_at=then,
        life="5y",
        short={"expired": "1y", "absent": "none"}.get(trouble, ""),
    )
    if trouble == "revoked":
        certificate = (tmp_path / "g3" / "openpgp-revocs.d" / f"{team.fingerprint}.rev").read_text()
        team.gpg("--import", data=certificate.replace(":-----BEGIN", "-----BEGIN").encode())
    node = MailNode(tmp_path, host)
    node.learn()
    node.here("mail", "peers", "add", "old", "--address", team.address, "--key", node.write("old.asc", team.public()))
    approver = ("--approver-token", node.approver)
    node.here("mail", "peers", "verify", "old", "--fingerprint", team.fingerprint, *approver)
    node.here("circles", "create", "c", "--members", "old", "--tlp-ceiling", "amber", "--auto", "indicator", *approver)
    answer = node.raw("mail", "send", "old")
    assert (answer.returncode, host.postbox.mails) == (3, [])
    assert answer.stderr.decode().startswith("E-IDENTITY-068: Nothing can be encrypted")
    assert trouble in answer.stderr.decode()
    assert trouble in node.here("mail", "peers", "list")["items"][0]["key"]
    team.close()


def test_the_job_sends_and_fetches_and_doctor_lists_the_servers(node: MailNode, host: MailHost, team: Team) -> None:
    """Without a person: releases leave, the inbox is read, and no other server than those of the settings is named."""
    (node.inbox / "one").write_bytes(team.mail(b"198.51.100[.]9 too", "news"))
    said = node.here("run", "mail")["result"]
    assert said == "krcert: 1 mails, 3 objects; 1 drafts, 0 in quarantine"
    assert len(host.postbox.mails) == 1
    report = node.here("doctor")
    assert report["endpoints"] == [f"smtp://127.0.0.1:{host.port}"]
    check = next(item for item in report["checks"] if item["name"] == "mail")
    assert check["detail"] == "our key: usable; drafts that wait: 1"


def test_a_server_of_another_name_is_not_trusted(tmp_path: Path, host: MailHost, team: Team) -> None:
    """Without the authority that signed the server's certificate nothing is handed over, and the reason is said."""
    node = MailNode(tmp_path, host, ca_file="")
    node.befriend(team)
    node.learn()
    answer = node.raw("mail", "send", "krcert")
    assert (answer.returncode, host.postbox.mails) == (2, [])
    assert answer.stderr.decode().startswith("E-MAIL-002: The mail server 127.0.0.1 cannot be used: ")


def test_names_and_addresses_belong_to_one(node: MailNode, team: Team, tmp_path: Path) -> None:
    """A code name or an address that somebody has is refused, and so are addresses and languages that are none."""
    key = tmp_path / "again.asc"
    key.write_bytes(team.public())

    def said(*arguments: str) -> str:
        return here("--node", node.folder, "mail", "peers", "add", *arguments, "--key", key).err[:12]

    assert said("krcert", "--address", "x@team.example") == "E-STORE-160:"
    assert said("second", "--address", team.address.upper()) == "E-STORE-160:"
    assert said("administrator", "--address", "x@team.example") == "E-STORE-160:"
    assert said("a,b", "--address", "x@team.example") == "E-STORE-030:"
    for address in ("x", "x@", "é@team.example", "a b@team.example", "x@team.example\nBcc: y@z.example"):
        assert said("third", "--address", address) == "E-FLOW-262: "
    assert here("--node", node.folder, "sync", "krcert").err[:11] == "E-FLOW-275:"
    card = node.write("card.json", MailNode(tmp_path / "other").raw("peers", "card").stdout)
    taken = here("--node", node.folder, "peers", "add", card, "--url", "https://h:8701", "--code-name", "krcert")
    assert taken.err[:11] == "E-FLOW-269:"
    assert said("third", "--address", "x@team.example", "--lang", "xx") == "E-FLOW-263: "
    assert said("third", "--address", "x@team.example", "--contact", "nobody") == "E-STORE-165:"
