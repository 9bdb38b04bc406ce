"""Human text in the reader's language.

Comes in: an English sentence with ``{named}`` places (which is also its key), a language tag, the values.
Goes out: the sentence in that language, or in English where no translation stands; numbers, dates and durations as
that language writes them. Never here: deciding what to say, reading configuration, touching the terminal.

>>> from seawall.messages import translate
>>> translate("There is no node in {folder}; run 'seawall init' first.", "en", folder="here")
"There is no node in here; run 'seawall init' first."
"""

from typing import TYPE_CHECKING

from seawall.messages.catalogue import LANGUAGES, canonical_language, catalogue, is_spoken, mark, translate

if TYPE_CHECKING:
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
    "is_spoken",
    "mark",
    "translate",
]


def __getattr__(name: str) -> object:
    """The ``format_`` functions on first use: they load Babel, which most commands do without."""
    if not name.startswith("format_") or name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from seawall.messages import formats

    return getattr(formats, name)
