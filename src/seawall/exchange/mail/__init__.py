"""Exchange by OpenPGP mail with peers that have no node.

Comes in: recorded releases; mails from the organisation's own inbox. Goes out: one signed and encrypted mail for each
release, to the organisation's own mail server; drafts of what peers wrote, or the reason why a mail is not believed.
Never here: deciding a release, keeping anything, acting on what a mail says; content is never run, unpacked or fetched.

>>> from seawall.exchange.mail import read_subject
>>> read_subject("Re: [TLP:RED] [SW-2026-0001] please look").ticket
'SW-2026-0001'
"""

from seawall.exchange.mail.bounds import CONTENT_FACTOR, MEBIBYTE, SENT_OBJECTS
from seawall.exchange.mail.compose import Envelope, OutgoingMail, compose, message_id
from seawall.exchange.mail.defang import defang
from seawall.exchange.mail.extract import extract
from seawall.exchange.mail.inbox import Arrived, Unreadable, arrived, file_mail, imap_place
from seawall.exchange.mail.letter import Letter
from seawall.exchange.mail.opening import Opened, Outside, open_mail, outside, parse
from seawall.exchange.mail.reasons import SENTENCES, NotBelieved, Reason, ready_answer
from seawall.exchange.mail.smtp import RefusedForGood, SmtpServer, deliver
from seawall.exchange.mail.subject import read_subject, subject_line, ticket_name

__all__ = [
    "CONTENT_FACTOR",
    "MEBIBYTE",
    "SENTENCES",
    "SENT_OBJECTS",
    "Arrived",
    "Envelope",
    "Letter",
    "NotBelieved",
    "Opened",
    "OutgoingMail",
    "Outside",
    "Reason",
    "RefusedForGood",
    "SmtpServer",
    "Unreadable",
    "arrived",
    "compose",
    "defang",
    "deliver",
    "extract",
    "file_mail",
    "imap_place",
    "message_id",
    "open_mail",
    "outside",
    "parse",
    "read_subject",
    "ready_answer",
    "subject_line",
    "ticket_name",
]
