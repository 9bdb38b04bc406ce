"""How a group of warnings is told to people and tools of our own: one file for each form, pure.

Comes in: a recorded release of one message. Goes out: texts and bytes for a mail, a webhook, syslog. Never here:
sockets, settings, what is sent to whom and when (``flow/deliver.py``).
"""

from seawall.warn.channels.cef import cef_lines
from seawall.warn.channels.mail import mail_text
from seawall.warn.channels.message import GroupMessage, ValueMessage, message_of
from seawall.warn.channels.syslog import framed, syslog_lines
from seawall.warn.channels.webhook import signature, webhook_headers

__all__ = [
    "GroupMessage",
    "ValueMessage",
    "cef_lines",
    "framed",
    "mail_text",
    "message_of",
    "signature",
    "syslog_lines",
    "webhook_headers",
]
