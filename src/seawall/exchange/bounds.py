"""Every size, count and time that a peer or a client controls, with its reason (rule 10)."""

from __future__ import annotations

import msgspec

from seawall.model.bounds import MAX_OBJECT_BYTES


class Bounds(msgspec.Struct, frozen=True):
    """How much of somebody else we are ready to bear. All sizes in bytes, all times in seconds."""

    page_objects: int = 1_000  # objects asked for, and given, in one page: 1,000 x 2 kB is a 2 MB answer
    page_bytes: int = 64 * 1024 * 1024  # one answer: 1,000 objects of the largest kind seen in public feeds (60 kB)
    object_bytes: int = MAX_OBJECT_BYTES  # one object: the largest public STIX objects (reports) stay below 300 kB
    nesting: int = 64  # STIX objects nest about 10 deep; codec and JSON readers stay far from the recursion limit
    pages: int = 10_000  # pages of one walk through one collection: ten million objects
    objects: int = 5_000_000  # objects of one walk: twice the largest community feed known to us
    answer_seconds: float = 120.0  # one answer, from the first byte sent to the last byte read
    silence_seconds: float = 60.0  # no byte for so long: the peer is gone (laying out a day takes half of it)
    walk_seconds: float = 3_600.0  # one walk through one collection
    collections: int = 10_000  # collections of one API root
    content_length: int = 32 * 1024 * 1024  # one POST to us (max_content_length of our API root)
    posted_objects: int = 5_000  # objects of one POST to us
    posts_at_once: int = 4  # bodies held in memory at one time, from all callers together
    post_seconds: float = 60.0  # one POST to us: its wait for a place, and then its body
    post_bytes: int = 8 * 1024 * 1024  # one POST from us: well below what other servers take
    withheld_pages: int = 100  # pages of rows withheld from the asker that are read over in one request
    match_values: int = 1_000  # values of one match[...] filter
    next_length: int = 2_048  # characters of a ``next`` or of a date header that we send back to its maker
    status_polls: int = 30  # how often we ask a peer whether it has finished
    statuses_kept: int = 1_000  # statuses remembered for each asker, the oldest forgotten first
    statuses_bytes: int = 64 * 1024 * 1024  # of them together: a hundred of the largest POSTs
    statuses_seconds: int = 86_400  # how long they stay at most (TAXII 2.1 section 4.3 asks for a day)
    post_wait_seconds: float = 5.0  # a POST waits so long for a place before it is told to come again (503)
    requests_per_second: float = 200.0  # of one asker, for long: four times our own fastest walk
    requests_at_once: float = 2_000.0  # of one asker, in a burst: a walk through two million objects
    throttled_per_second: float = 0.2  # of a peer that misbehaved lately
    patience_seconds: float = 20.0  # all the waiting that a busy server (429, 503) may ask of one synchronisation
    patience_times: int = 8  # how often it may ask
    retry_after_most: int = 3_600  # the longest "come again in" that is believed
    ahead_seconds: float = 86_400.0  # a date added further ahead of our clock is not kept as a cursor


DEFAULT_BOUNDS = Bounds()
