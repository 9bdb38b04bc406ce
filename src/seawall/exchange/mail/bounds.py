"""Every size and count that a mail's sender controls, with its reason (rule 10)."""

from __future__ import annotations

MEBIBYTE = 1 << 20
CONTENT_FACTOR = 2  # decrypted bytes to the mail's own bound: text packs well, bombs pack a thousandfold
BOUNDARIES = 2_000  # lines that may begin a part, counted before anything is parsed: 100 parts of a report are many
MULTIPARTS = 20  # "boundary=" in a mail: the parser's work grows with their number times that of the lines
LINES = 800_000  # of a mail: 25 MB of base64 have half as many
PARTS = 200  # parts looked at
NESTING = 12  # parts within parts: signed in mixed in alternative in related has 4
HEADER_BYTES = 64 << 10  # of one mail; long DKIM and ARC chains have 20 kB
HEADER_VALUE = 1_000  # characters of one field that are parsed: a file name of 100 ideographs has 900
TEXT_VALUE = 4_000  # of a subject or of references: 300 ideographs have 1,800, 50 Message-IDs 3,500
HEADER_WORK = 64 << 10  # characters of all fields that are parsed: those of 200 parts have 40,000
VALUES = 10_000  # of one mail: a feed of more belongs on TAXII or a file
OBJECTS = 5_000  # STIX objects of one mail, as of one POST
TEXT_BYTES = 4 * MEBIBYTE  # of the text that a person wrote
EXCERPT = 4_000  # characters of it that are kept for the one who decides
NAME = 120  # characters of an attachment's bare name
SUBJECT = 300  # characters of a subject that are kept
ATTACHMENTS = 50
PROBLEMS = 50
SHOWN_VALUES = 50  # in the text of a mail of ours: the table has all
SENT_OBJECTS = 10_000  # of one mail of ours
