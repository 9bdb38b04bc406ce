"""Human text in the reader's language.

Comes in: an English sentence with ``{named}`` places (which is also its key), a language tag, the values.
Goes out: the sentence in that language, or in English where no translation stands; numbers, dates and durations as
that language writes them. Never here: deciding what to say, reading configuration, touching the terminal.

>>> from seawall.messages import translate
>>> translate("There is no node in {folder}; run 'seawall init' first.", "en", folder="here")
"There is no node in here; run 'seawall init' first."
"""

from seawall.messages.catalogue import LANGUAGES, canonical_language, catalogue, mark, translate
from seawall.messages.formats import format_bytes, format_duration, format_moment, format_number, format_percent

__all__ = [
    "LANGUAGES",
    "canonical_language",
    "catalogue",
    "format_bytes",
    "format_duration",
    "format_moment",
    "format_number",
    "format_percent",
    "mark",
    "translate",
]
