"""Directives: "block / watch this until then", always with expiry and undo (rule 5)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.observable import Observable


class Action(StrEnum):
    """What an enforcement tool is asked to do, the strictest first.

    What each tool makes of it stands in ``protect.actions``. Of two orders on one value a tool carries out the
    stricter one.
    """

    BLOCK = "block"
    SINKHOLE = "sinkhole"  # lead whoever asks for it to an address of ours
    RATE_LIMIT = "rate-limit"  # let so much through and no more
    ALERT = "alert"  # tell people when it is seen; stop nothing
    WATCH = "watch"  # count it when it is seen; stop nothing

    @property
    def strictness(self) -> int:
        """From 0 (watch) to 4 (block)."""
        return _STRICTNESS[self]

    @property
    def hinders(self) -> bool:
        """Whether it stops or slows anything; what does not cannot hurt whoever is named by mistake."""
        return _STRICTNESS[self] >= _STRICTNESS[Action.RATE_LIMIT]


_STRICTNESS = {action: number for number, action in enumerate(reversed(Action))}


class Directive(msgspec.Struct, frozen=True, gc=False):
    """One value, what to do about it, until when, by which permission. ``protect.gate`` makes it, nobody else."""

    action: Action
    observable: Observable
    expires_at: int  # microseconds UTC; never open-ended
    reason: str  # somebody else's words: data, one line when written
    release: str  # "leaf-index:leaf-hash" of the ledger entry that permits it
    undo_id: str  # stable for (action, type, value): 16 hex digits
    source: str  # who named it, as the operator calls them
    indicator_id: str
    flags: tuple[str, ...] = ()  # e.g. "idn-look-alike": shown to the person who decides


class LeftOut(msgspec.Struct, frozen=True, gc=False):
    """A value that an export does not carry, and why. A refusal is a value: counted and shown, never lost."""

    observable: Observable
    rule: str  # stable name: "own", "warninglist", "expired" ...
    reason: str  # English sentence, key of the message catalogues; may hold {detail}
    detail: str = ""  # fills {detail}: a list's name, a network, a bound
    indicator_id: str = ""
