"""Mail for tests: a team that has only GnuPG, a real SMTP server on loopback, and a node that writes to both."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from journey.command_line import SeawallNode, free_port

OURS, THEIRS = "desk@node.example", "cert@team.example"
USER, PASSWORD = "desk", "not a secret: loopback only"
GPG = (
    "gpg", "--batch", "--yes", "--no-tty", "--quiet", "--no-options", "--disable-dirmngr", "--trust-model", "always",
    "--pinentry-mode", "loopback", "--passphrase", "",
)  # fmt: skip
LIST = (
    "type,value,tlp,description\ndomain,evil[.]example,amber,landing page\n"
    "ipv4,203.0.113.77,amber,scans us\nurl,hxxp://bad.example/gate.php,amber,\n"
)


class Team:
    """A team without a node: a mail address and a GnuPG key ring of its own."""

    def __init__(
        self, folder: Path, address: str = THEIRS, *, made_at: str = "", life: str = "1y", short: str = ""
    ) -> None:
        """``made_at`` (``20240101T000000``): the key is made as of then, for ``life`` as GnuPG reads it; ``short`` is
        the life of its encryption key, or ``none`` for no such key."""
        self.address = address
        self._home = folder
        folder.mkdir(mode=0o700, parents=True)
        self.then = ("--faked-system-time", f"{made_at}!") if made_at else ()
        self.gpg(*self.then, "--quick-gen-key", f"Team <{address}>", "ed25519", "cert,sign", life)
        listed = self.gpg("--with-colons", "--list-keys", address).decode().splitlines()
        self.fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr"))
        if short != "none":
            self.gpg(*self.then, "--quick-add-key", self.fingerprint, "cv25519", "encr", short or life)

    def gpg(self, *arguments: str, data: bytes = b"") -> bytes:
        """Run GnuPG on this key ring; fails when it does."""
        done = self.try_gpg(*arguments, data=data)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def try_gpg(self, *arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run GnuPG, whatever comes of it; its status lines are on standard error."""
        environment = {**os.environ, "GNUPGHOME": str(self._home), "LC_ALL": "C.UTF-8"}
        command = [*GPG, "--status-fd", "2", *arguments]
        return subprocess.run(command, input=data, capture_output=True, env=environment, check=False)

    def public(self) -> bytes:
        """The armoured public key."""
        return self.gpg("--armor", "--export", self.fingerprint)

    def know(self, key: str) -> None:
        """Take in somebody's public key."""
        self.gpg("--import", data=key.encode())

    def seal(self, data: bytes, *more: str, recipient: str = OURS, sign: bool = True) -> bytes:
        """Encrypted to the node's key, signed with ours unless told otherwise."""
        signing = ("--sign", "--local-user", self.fingerprint) if sign else ()
        return self.gpg(*more, *signing, "--armor", "--encrypt", "--recipient", recipient, data=data)

    def open(self, mail: bytes) -> tuple[EmailMessage, str]:
        """The part inside an encrypted mail, and what GnuPG said about its signature."""
        outer = parsed(mail)
        assert outer.get_content_type() == "multipart/encrypted"
        assert outer.get_param("protocol") == "application/pgp-encrypted"
        version, sealed = outer.iter_parts()
        assert version.get_content_type() == "application/pgp-encrypted"
        done = self.try_gpg("--decrypt", data=bytes(sealed.get_content()))
        assert done.returncode == 0, done.stderr
        return parsed(done.stdout), done.stderr.decode(errors="replace")

    def mail(self, content: bytes | EmailMessage, subject: str, **how: Any) -> bytes:
        """A PGP/MIME mail to the node. ``content`` bytes are the plain text; see ``seal`` for the rest."""
        if isinstance(content, bytes):
            inner = EmailMessage()
            inner.set_content(content.decode())
        else:
            inner = content
        return wrapped(self.seal(inner.as_bytes(policy=policy.SMTP), **how), self.address, subject)

    def close(self) -> None:
        """End the agent and forget the keys."""
        subprocess.run(["gpgconf", "--homedir", str(self._home), "--kill", "gpg-agent"], check=False)
        shutil.rmtree(self._home, ignore_errors=True)


def parsed(data: bytes) -> EmailMessage:
    """A message as the standard library reads it."""
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(data)
    assert isinstance(message, EmailMessage)
    return message


def wrapped(sealed: bytes, sender: str, subject: str, message_id: str = "") -> bytes:
    """The outer mail of RFC 3156 section 4 around an OpenPGP message, written by hand."""
    boundary = uuid.uuid4().hex
    name = message_id or f"<{uuid.uuid4().hex}@team.example>"
    return "\r\n".join(
        [
            f"From: Team <{sender}>", f"To: {OURS}", f"Subject: {subject}", f"Message-ID: {name}", "MIME-Version: 1.0",
            f'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="{boundary}"', "",
            f"--{boundary}", "Content-Type: application/pgp-encrypted", "", "Version: 1", "",
            f"--{boundary}", "Content-Type: application/octet-stream", "", sealed.decode(), f"--{boundary}--", "",
        ]
    ).encode()  # fmt: skip


class Postbox:
    """What the SMTP server took, in order. ``after`` is called when a mail is taken, before the sender hears it."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.after: Callable[[], None] = lambda: None
        self.refuse = ""
        self.arrived = threading.Event()

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """aiosmtpd's hook."""
        if self.refuse:
            return self.refuse
        assert session.ssl is not None, "a mail came without TLS"
        assert session.authenticated, "a mail came without a password"
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(content)
        self.arrived.set()
        self.after()
        return "250 kept"


class _Controller(Controller):
    """aiosmtpd's, which at its end hangs up on whoever is still there, so that no socket stays open."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._made: list[SMTP] = []

    def factory(self) -> SMTP:
        """One server for each connection."""
        self._made.append(super().factory())  # type: ignore[no-untyped-call]  # aiosmtpd says no types here
        return self._made[-1]

    def stop(self, no_assert: bool = False) -> None:
        """Hang up, then end the loop."""
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(10)
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        for each in self._made:
            if each.transport is not None:
                each.transport.close()
        await asyncio.sleep(0.05)  # a transport gives its socket back in the loop's next rounds


class MailHost:
    """A running SMTP server: STARTTLS with a certificate of its own authority, and a user."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        context = _context(authority)
        self.postbox = Postbox()
        self.port = free_port()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.password_file = folder / "smtp.password"
        self.password_file.write_text(PASSWORD + "\n")
        self.controller = _Controller(
            self.postbox, hostname="127.0.0.1", port=self.port, tls_context=context, require_starttls=True,
            auth_required=True, authenticator=_authenticate, data_size_limit=200 << 20, ready_timeout=30,
        )  # fmt: skip


def _context(authority: trustme.CA) -> Any:
    import ssl

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


def _authenticate(server: object, session: object, envelope: object, mechanism: str, given: object) -> AuthResult:
    fits = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=fits)


@contextmanager
def mail_host(folder: Path) -> Iterator[MailHost]:
    """A server that runs as long as the block."""
    host = MailHost(folder)
    host.controller.start()
    try:
        yield host
    finally:
        host.controller.stop()


class MailNode(SeawallNode):
    """A node with a mail section, an OpenPGP key, knowledge to share and two people."""

    def __init__(self, folder: Path, host: MailHost | None = None, **settings: object) -> None:
        super().__init__(folder / "n", "TW")
        inbox = folder / "inbox"
        for part in ("new", "cur", "tmp"):
            (inbox / part).mkdir(parents=True)
        self.inbox = inbox / "new"
        lines: dict[str, object] = {"from_address": OURS, "inbox": str(inbox)}
        if host is not None:
            lines |= {
                "smtp_host": "127.0.0.1", "smtp_port": host.port, "smtp_user": USER,
                "smtp_password_file": str(host.password_file), "ca_file": str(host.ca_file),
            }  # fmt: skip
        written = "\n".join(f"{name} = {value!r}" for name, value in (lines | settings).items())
        with (self.folder / "seawall.toml").open("a") as file:
            file.write(f"\n[mail]\n{written}\n")
        self.files = folder
        self.approver = self.second_person()
        self.key: str = self.here("mail", "key", "--create")["public_key"]

    def write(self, name: str, data: bytes | str) -> Path:
        """A file beside the node."""
        path = self.files / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def befriend(self, team: Team, name: str = "krcert", lang: str = "en", *, floor: str = "amber") -> None:
        """Add the team, verify it, seat it in a circle of its own, and release what is there."""
        team.know(self.key)
        key = self.write(f"{name}.asc", team.public())
        self.here("mail", "peers", "add", name, "--address", team.address, "--key", key, "--lang", lang)
        self.here("mail", "peers", "verify", name, "--fingerprint", team.fingerprint, "--approver-token", self.approver)
        self.here(
            "circles", "create", f"{name}-circle", "--members", name, "--tlp-ceiling", "amber+strict",
            "--tlp-floor", floor, "--auto", "indicator", "--approver-token", self.approver,
        )  # fmt: skip

    def learn(self, text: str = LIST, name: str = "list.csv") -> None:
        """Import knowledge that the circles may have."""
        self.here("intel", "import", self.write(name, text), "--tlp", "amber", "--source", "ours")

    def post(self, mail: bytes, name: str = "") -> Any:
        """Put a mail into the inbox and fetch it; the one item that came of it."""
        (self.inbox / (name or uuid.uuid4().hex)).write_bytes(mail)
        items = self.here("mail", "fetch")["items"]
        assert len(items) == 1, items
        return items[0]


@contextmanager
def team_at(folder: Path, address: str = THEIRS) -> Iterator[Team]:
    """A team while its key ring is needed."""
    made = Team(folder, address)
    try:
        yield made
    finally:
        made.close()
