"""Mail that is not what it seems: each kind is kept apart with its reason, and nothing of it reaches the knowledge."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import environment, here
from mail_scenes import OURS, MailNode, Team, team_at, wrapped

pytestmark = pytest.mark.tool("gpg")
NOTE = b"Please block hxxps://evil[.]example/x\n"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """The team that two people verified."""
    with team_at(tmp_path_factory.mktemp("t") / "g") as made:
        yield made


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Somebody with a key of their own."""
    with team_at(tmp_path_factory.mktemp("s") / "g", "eve@elsewhere.example") as made:
        yield made


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, team: Team, stranger: Team) -> MailNode:
    """A node that reads mail up to 4 MiB and shares a circle with the team, in Korean."""
    made = MailNode(tmp_path_factory.mktemp("n"), max_mb=4)
    made.befriend(team, lang="ko")
    stranger.know(made.key)
    return made


def plain(body: bytes, sender: str, **fields: str) -> bytes:
    """An ordinary mail."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, OURS, fields.get("subject", "hello")
    message["Message-ID"] = fields.get("name", "<plain@team.example>")
    message.set_content(body.decode())
    return message.as_bytes()


def quarantined(node: MailNode, mail: bytes) -> tuple[str, str | None]:
    """The reason and the ready answer of a mail that must not become a draft."""
    item = node.post(mail)
    assert item["outcome"] == "quarantined", item
    listed = node.here("mail", "quarantine", "--limit", "1000")["items"][-1] if item["number"] else {}
    assert listed.get("reason", item["reason"]) == item["reason"]
    return item["reason"], item["answer"]


def test_signed_by_another(node: MailNode, stranger: Team, team: Team) -> None:
    """A mail from the team's address under somebody else's key is not believed."""
    inner = EmailMessage()
    inner.set_content(NOTE.decode())
    forged = wrapped(stranger.seal(inner.as_bytes()), team.address, "[TLP:AMBER] news")
    assert quarantined(node, forged)[0] == "other-key"


def test_signed_with_an_expired_key(tmp_path: Path, node: MailNode) -> None:
    """The signature of a key that has ended is not believed, and the answer asks for a longer life."""
    old = Team(tmp_path / "g", "old@team.example", made_at="20240101T000000")
    old.know(node.key)
    node.here("mail", "peers", "add", "old", "--address", old.address, "--key", node.write("old.asc", old.public()))
    node.here("mail", "peers", "verify", "old", "--fingerprint", old.fingerprint, "--approver-token", node.approver)
    signed = old.gpg("--faked-system-time", "20240601T000000!", "--armor", "--detach-sign", data=b"x")
    assert signed
    inner = EmailMessage()
    inner.set_content(NOTE.decode())
    sealed = old.gpg(
        "--faked-system-time", "20240601T000000!", "--allow-weak-key-signatures", "--sign", "--local-user",
        old.fingerprint, "--compress-algo", "none", data=inner.as_bytes(policy=policy.SMTP),
    )  # fmt: skip
    encrypted = old.gpg("--no-literal", "--armor", "--encrypt", "--recipient", OURS, data=sealed)
    reason, answer = quarantined(node, wrapped(encrypted, old.address, "news"))
    assert (reason, answer is not None) == ("expired-key", True)
    old.close()


def test_a_plain_answer(node: MailNode, team: Team) -> None:
    """Unencrypted mail of a peer gets a polite answer that names our key and quotes nothing; a stranger's gets none."""
    reason, answer = quarantined(node, plain(NOTE, team.address))
    assert reason == "plaintext"
    assert answer is not None
    assert "evil" not in answer
    assert node.here("mail", "key")["fingerprint"] in answer
    assert quarantined(node, plain(NOTE, "eve@elsewhere.example")) == ("unknown-sender", None)


def test_encrypted_but_unsigned(node: MailNode, team: Team) -> None:
    """Anybody can encrypt to us, so a mail that nobody signed is not believed."""
    assert quarantined(node, team.mail(NOTE, "news", sign=False))[0] == "unsigned"


def test_encrypted_to_another(node: MailNode, team: Team, stranger: Team) -> None:
    """What we cannot decrypt is said so, with a request to use our key."""
    team.know(stranger.public().decode())
    assert quarantined(node, team.mail(NOTE, "news", recipient=stranger.fingerprint))[0] == "other-recipient"


def test_tampered(node: MailNode, team: Team) -> None:
    """A changed letter in the ciphertext is found, wherever it stands."""
    mail = team.mail(NOTE * 50, "news").decode()
    start = mail.index("-----BEGIN PGP MESSAGE-----") + 200
    changed = mail[:start] + ("A" if mail[start] != "A" else "B") + mail[start + 1 :]
    assert quarantined(node, changed.encode())[0] == "damaged"
    cut = mail[: start + 100] + mail[mail.index("-----END PGP MESSAGE-----") :]
    assert quarantined(node, cut.encode())[0] == "damaged"


def test_a_replayed_mail_counts_once(node: MailNode, team: Team) -> None:
    """The same mail again, its content under a new Message-ID, or its Message-ID on other content: one draft only."""
    inner = EmailMessage()
    inner.set_content("We saw replay[.]example.")
    sealed = team.seal(inner.as_bytes(policy=policy.SMTP))
    first = wrapped(sealed, team.address, "news", "<one@team.example>")
    assert node.post(first)["outcome"] == "draft"
    assert node.post(first)["outcome"] == "replayed"
    assert node.post(wrapped(sealed, team.address, "news", "<two@team.example>"))["outcome"] == "replayed"
    inner.set_content("Other words.")
    other = wrapped(team.seal(inner.as_bytes(policy=policy.SMTP)), team.address, "news", "<one@team.example>")
    assert node.post(other)["outcome"] == "replayed"


def test_a_forged_first_mail_does_not_keep_the_true_one_out(node: MailNode, team: Team) -> None:
    """Somebody who sends plain text under a Message-ID to come cannot make the believed mail look replayed."""
    assert quarantined(node, plain(NOTE, team.address, name="<guessed@team.example>"))[0] == "plaintext"
    inner = EmailMessage()
    inner.set_content("The true one.")
    true = wrapped(team.seal(inner.as_bytes(policy=policy.SMTP)), team.address, "news", "<guessed@team.example>")
    assert node.post(true)["outcome"] == "draft"


def fetched_apart(node: MailNode) -> Any:
    """``mail fetch`` below a shell: a process begins with the peak of the one that started it (getrusage(2))."""
    command = node.command("mail", "fetch", "--json")
    done = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", *command], capture_output=True, env=environment())
    return json.loads(done.stdout)


def test_fifty_megabytes(node: MailNode, team: Team) -> None:
    """A huge attachment is refused by its size without being read, and one that only unpacks to it is stopped early."""
    message = EmailMessage()
    message["From"], message["Subject"] = team.address, "big"
    message.set_content("see attachment")
    message.add_attachment(bytes(50 << 20), maintype="application", subtype="octet-stream", filename="dump.bin")
    whole = message.as_bytes(policy=policy.SMTP)
    packed = wrapped(team.seal(whole), team.address, "big too")
    assert len(packed) < 1 << 20
    (node.inbox / "huge").write_bytes(whole)
    del message, whole
    done = fetched_apart(node)
    assert [(item["reason"], bool(item["answer"])) for item in done["items"]] == [("too-large", True)]
    assert done["peak_memory_bytes"] < 150 << 20
    (node.inbox / "packed").write_bytes(packed)
    done = fetched_apart(node)
    assert [item["reason"] for item in done["items"]] == ["expands-too-far"]
    assert done["peak_memory_bytes"] < 150 << 20


def test_parts_within_parts(node: MailNode, team: Team) -> None:
    """A bomb of nested parts, outside or inside the encryption, is malformed and costs little."""
    head, foot = "", ""
    for depth in range(900):
        head += f'Content-Type: multipart/mixed; boundary="b{depth}"\r\n\r\n--b{depth}\r\n'
        foot = f"\r\n--b{depth}--" + foot
    bomb = f"From: {team.address}\r\nSubject: x\r\n{head}Content-Type: text/plain\r\n\r\nx{foot}\r\n".encode()
    assert quarantined(node, bomb)[0] == "malformed"
    assert quarantined(node, wrapped(team.seal(bomb), team.address, "inside"))[0] == "malformed"
    many = b"".join(b"--b\r\n\r\nx\r\n" for _ in range(5_000))
    wide = f'From: {team.address}\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'.encode() + many
    assert quarantined(node, wide)[0] == "malformed"
    assert quarantined(node, b"\xff\xfe\x00nothing at all")[0] in ("malformed", "unknown-sender")


def test_another_name_inside(node: MailNode, team: Team) -> None:
    """A mail whose signed header names another sender was taken out of its envelope."""
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "else@team.example", "old"
    inner.set_content("words for somebody else")
    assert quarantined(node, team.mail(inner, "news"))[0] == "headers-differ"


def test_two_messages_in_one_mail(node: MailNode, team: Team) -> None:
    """Of two encrypted messages nobody knows which the sender stands for, so neither is read."""
    raw = team.mail(NOTE, "news").decode()
    block = raw[raw.index("-----BEGIN") : raw.index("-----END") + 25]
    assert quarantined(node, raw.replace(block, f"{block}\r\n{block}", 1).encode())[0] == "malformed"


def test_the_peer_is_suspended(tmp_path: Path, team: Team) -> None:
    """Mail of a suspended peer, and of one that sits in no circle, is kept apart."""
    node = MailNode(tmp_path)
    team.know(node.key)
    key = node.write("k.asc", team.public())
    node.here("mail", "peers", "add", "krcert", "--address", team.address, "--key", key)
    fingerprint = node.here("mail", "key")["fingerprint"].replace(" ", "")
    assert quarantined(node, team.mail(NOTE, "one", recipient=fingerprint))[0] == "peer-not-verified"
    approver = ("--approver-token", node.approver)
    node.here("mail", "peers", "verify", "krcert", "--fingerprint", team.fingerprint, *approver)
    assert quarantined(node, team.mail(NOTE, "two", recipient=fingerprint))[0] == "no-circle"
    wrong = here("--node", node.folder, "mail", "peers", "verify", "krcert", "--fingerprint", "0" * 40, *approver)
    assert (wrong.status, wrong.err[:11]) == (3, "E-FLOW-264:")


def test_nothing_of_it_became_knowledge(node: MailNode, team: Team) -> None:
    """Beside a mail that is believed and accepted, what came in plain, unsigned or changed is nowhere in the node."""
    quarantined(node, plain(NOTE, team.address, name="<last@team.example>"))
    quarantined(node, team.mail(NOTE, "last news", sign=False))
    ours = node.here("mail", "key")["fingerprint"].replace(" ", "")  # the team knows another node of this address too
    believed = node.post(team.mail(b"We saw hxxps://believed[.]example/x", "true news", recipient=ours))
    assert node.here("mail", "accept", str(believed["number"]))["new"] == 1
    file = node.files / "all.csv"
    node.here("intel", "export", "--to", "csv", "-o", file)
    text = file.read_text()
    assert "believed.example" in text
    assert "evil.example" not in text
