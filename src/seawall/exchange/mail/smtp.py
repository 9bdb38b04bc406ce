"""Handing a mail to the organisation's own mail server, over TLS, with a password where one is set."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import ExitStack, suppress
from ipaddress import ip_address

import msgspec

from seawall.exchange.mail.compose import OutgoingMail
from seawall.model import Fault, Unavailable

SECONDS = 60.0  # of silence
PERMANENT = 500  # from here on a server's answer means never
MAX_ANSWER = 200  # characters of a server's answer that are shown


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed in. ``security``: "starttls", "tls" (from the first byte) or "none" (this machine only)."""

    host: str
    port: int
    security: str = "starttls"
    user: str = ""
    password: str = ""
    ca_file: str = ""
    own_domain: str = "localhost"  # said in EHLO in place of this machine's name


class RefusedForGood(Fault):
    """This very mail will never be taken (RFC 5321 section 4.2.1: an answer of 5yz): E-MAIL-005."""


def deliver(mail: OutgoingMail, server: SmtpServer) -> None:
    """Hand over one mail; returns when the server has taken it.

    Raises Fault E-MAIL-001 for an unsafe setting, Unavailable E-MAIL-002 when the server cannot be reached or trusted,
    Fault E-MAIL-003 when it does not take the mail now, RefusedForGood when it never will.
    """
    if server.security == "none" and not _loopback(server.host):
        raise Fault(
            "E-MAIL-001",
            "Mail leaves without TLS only to a server on this machine; set smtp_security to starttls or tls.",
        )
    try:
        with ExitStack() as ending:
            session = _connected(server)
            ending.callback(_leave, session)
            if server.user:
                session.login(server.user, server.password)
            session.sendmail(mail.sender, [mail.recipient], mail.content)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        if _status(error) >= PERMANENT:
            raise RefusedForGood(
                "E-MAIL-005",
                "The mail server refuses the mail for good: {reason}; look at the address and at part_mb.",
                reason=_answer(error),
            ) from None
        raise Fault("E-MAIL-003", "The mail server does not take the mail: {reason}.", reason=_answer(error)) from None
    except smtplib.SMTPAuthenticationError as error:
        raise Fault(
            "E-MAIL-004", "The mail server does not accept our user or password: {reason}.", reason=_answer(error)
        ) from None
    except (OSError, ValueError, smtplib.SMTPException) as error:  # ValueError: a host or password that cannot be sent
        raise Unavailable(
            "E-MAIL-002", "The mail server {host} cannot be used: {reason}.", host=server.host, reason=_answer(error)
        ) from None


def _leave(session: smtplib.SMTP) -> None:
    """Whatever the server says to QUIT, a mail that it took is taken."""
    with suppress(OSError, smtplib.SMTPException):
        session.quit()
    session.close()


def _connected(server: SmtpServer) -> smtplib.SMTP:
    trust = ssl.create_default_context(cafile=server.ca_file or None)
    if server.security == "tls":
        return smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=server.own_domain, timeout=SECONDS, context=trust
        )
    session = smtplib.SMTP(server.host, server.port, local_hostname=server.own_domain, timeout=SECONDS)
    try:
        if server.security == "starttls":
            session.starttls(context=trust)
            session.ehlo()
    except BaseException:
        session.close()
        raise
    return session


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _status(error: smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return min((int(code) for code, _ in error.recipients.values()), default=0)
    return int(error.smtp_code)


def _answer(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        refused = next(iter(error.recipients.values()), (0, b""))
        text = f"{refused[0]} {_plain(refused[1])}"
    elif isinstance(error, smtplib.SMTPResponseException):
        text = f"{error.smtp_code} {_plain(error.smtp_error)}"
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())[:MAX_ANSWER].rstrip(".")


def _plain(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
