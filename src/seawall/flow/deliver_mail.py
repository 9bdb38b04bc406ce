"""A message to our own people by mail, through the organisation's own server."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.utils import format_datetime

from seawall.exchange.mail import OutgoingMail, defang, deliver, message_id
from seawall.flow.mail import smtp_server
from seawall.flow.mail_peers import own_address
from seawall.flow.node import Node
from seawall.model import Recorded, Release, from_microseconds
from seawall.settings import ChannelSettings
from seawall.warn.channels import mail_text, message_of


def send_mail(node: Node, channel: ChannelSettings, released: Recorded[Release]) -> None:
    """Hand one mail for each address to the mail server. Sent again, it has the same Message-ID. Raises what
    ``deliver`` raises, Fault E-FLOW-261 or -266 for missing settings."""
    server, sender = smtp_server(node), own_address(node)
    message = message_of(released)
    subject, text = mail_text(released, channel.lang or node.settings.node.lang, defang)
    for recipient in channel.to:
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, recipient, subject
        mail["Date"] = format_datetime(from_microseconds(released.value.at))
        mail["Message-ID"] = message_id(sender.rpartition("@")[2], "warning", message.id, recipient)
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers
        mail["X-Seawall-Id"] = message.id
        mail.set_content(text)
        deliver(OutgoingMail(sender, recipient, mail["Message-ID"], mail.as_bytes()), server)
