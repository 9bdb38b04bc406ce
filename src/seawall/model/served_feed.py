"""Served feeds: lists of directives that other people's tools fetch, each consumer with its token and its policy."""

from __future__ import annotations

import msgspec

from seawall.model.directive import Action
from seawall.model.marking import Tlp
from seawall.model.observable import ObservableType
from seawall.model.order import Place


class FeedTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What one consumer gets, and in which form."""

    format: str  # a name in ``protect.FEEDS``, or "bouncer" for CrowdSec's bouncer API
    place: Place = Place.OWN
    point: str | None = None  # only what is in force there; None: what is in force at every point
    types: tuple[ObservableType, ...] = ()  # none: all that the format carries
    least_score: float = 0.0  # 0..100; an order without a score counts as 0
    tlp_at_most: Tlp = Tlp.GREEN
    watch: bool = False  # also what may only be watched, where the format can say so


class ServedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One consumer. Moments in microseconds UTC; its token is kept as SHA-256 only."""

    number: int
    name: str
    terms: FeedTerms
    created_at: int
    created_by: str
    token_since: int
    sequence: int = 0  # of the last line that changed
    kept_from: int = 0  # what changed up to this sequence and went is forgotten: no delta reaches behind it
    modified_at: int = 0  # when a line last changed
    handed: int = -1  # the sequence whose hand-out is on record
    handed_at: int | None = None
    orders_seen: int = 0  # change number of the order book that the lines follow
    indicators_seen: int = 0  # change number of the indicators that the lines follow
    decided_under: str = ""  # digest of terms and circles; when it changes, every line is decided anew


class FeedLine(msgspec.Struct, frozen=True, gc=False):
    """One value in a feed, or one that went from it."""

    undo_id: str
    action: Action
    type: ObservableType
    value: str
    expires_at: int
    reason: str
    source: str
    indicator_id: str
    release: str  # "leaf-index:leaf-hash" of the ledger entry that permits this hand-out
    sequence: int = 0
    gone: bool = False
