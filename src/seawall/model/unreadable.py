"""What a decoder raises at bytes that somebody else made: one list, so that no door forgets one of them.

msgspec documents ``DecodeError`` and ``ValidationError``; a text that is no UTF-8 raises UnicodeDecodeError instead
(a str with half a surrogate pair UnicodeEncodeError), and a value nested about as deep as Python's stack raises
RecursionError. Found by decoding damaged bytes as every kind of type (msgspec 0.22; ``tests/model``): nothing else
comes out, as long as no set of unhashable values is asked for. Whoever sends such bytes must meet one clear sentence,
never an internal error.

>>> import msgspec
>>> try:
...     msgspec.msgpack.decode(bytes([0x81, 0xA1, 0xFF, 1]), type=dict[str, int])
... except UNREADABLE as error:
...     reason(error)
'it is not UTF-8'
"""

from __future__ import annotations

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""For ``except`` around ``msgspec.json`` and ``msgspec.msgpack``."""

UNREADABLE_TEXT: Final = (ValueError, RecursionError)
"""For ``except`` around ``tomllib`` and ``json`` of the standard library, whose own errors are ValueErrors: a number
of more digits than Python turns into an int raises a bare one."""


def reason(error: BaseException) -> str:
    """Why bytes could not be read, for the end of a sentence: at most 200 characters, without the bytes themselves."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeError):
        return "it is not UTF-8"
    return str(error)[:200]
