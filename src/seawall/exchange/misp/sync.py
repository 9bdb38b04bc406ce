"""One synchronisation with one MISP: what it has new, what it has no more, then what we have for it.

1. ask which events changed (one small answer; all of them once a day, which shows late arrivals and deletions);
2. fetch those whose time differs from what we know, page by page; merge each into our book, then remember what the
   MISP holds; 3. delete here what it deleted; 4. tell it what it may know and does not hold yet, event by event.

5. tell what our sensors saw of values that it holds.

What it refuses is noted and offered again before anything new, at growing intervals.

Every step is remembered only once it is done: a kill anywhere is healed by the next run. What we told the MISP comes
back as what we know it to hold, and what came from it differs in nothing, so neither goes round again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import msgspec

from seawall.exchange.misp.changes import acknowledged, changes, once_more, retagged, told_in, whole
from seawall.exchange.misp.documents import Doc, NewUuid, all_attributes, canonical, without_files
from seawall.exchange.misp.merge import merge
from seawall.exchange.misp.parties import Book, Desk, Memory, Offer, Refusal, Remote
from seawall.model import Fault, NotFound, Recorded, Refused, Release, Unavailable

FETCH = 20  # events of one request: a page of the largest stays below the bound on answers
FULL_SECONDS = 86_400  # between looks at the whole index
FEW = 10  # so many events may be gone at once without a question
MAX_REFUSED = 1_000  # offers noted as refused; while so many wait, nothing new is told
MAX_TRIES = 14  # over a week; then one may make room for others
AGAIN_SECONDS = 300  # after the second refusal; doubled with every further one, up to a day
MAX_PROBLEMS = 100
_encode = msgspec.json.Encoder(order="sorted").encode


class Done(msgspec.Struct):
    """What a synchronisation did, in events unless said otherwise."""

    pulled: int = 0
    pushed: int = 0
    deleted_here: int = 0
    deleted_there: int = 0
    recognised: int = 0  # changed there only as we told it to
    not_theirs: int = 0  # of ours, changed by a MISP of others: remembered, not taken over
    sighted: int = 0  # sightings of ours that it took
    withheld: int = 0  # attributes that this MISP may not have
    rejected: int = 0  # parts of events that cannot be used
    not_taken: int = 0  # parts that the MISP did not take
    problems: list[str] = []

    def problem(self, sentence: str) -> None:
        """Note what went wrong with one event."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(sentence)


class MispSync:
    """One run. ``now`` in seconds; ``full``: look at the whole index; ``accept_deletions``: however many."""

    def __init__(
        self,
        remote: Remote,
        book: Book,
        memory: Memory,
        desk: Desk,
        *,
        now: int,
        new_uuid: NewUuid,
        full: bool = False,
        accept_deletions: bool = False,
        mark: str = "",
    ) -> None:
        """``mark``: what stands with our own sightings there; they are not taken for somebody else's."""
        self._remote, self._book, self._memory, self._desk = remote, book, memory, desk
        self._now, self._new_uuid = now, new_uuid
        self._force, self._accept, self._mark = full, accept_deletions, mark
        self._refused: dict[tuple[str, str], Refusal] = {}
        self._met = 0  # events found gone while we told something about them
        self.done = Done()

    def run(self) -> Done:
        """All steps. Raises Unavailable when the MISP does not answer as a MISP; what was done stays done."""
        self._pull()
        self._push()
        self._sight()
        return self.done

    def _pull(self) -> None:
        cursor = self._memory.cursor()
        full = self._force or cursor.since is None or self._now - cursor.full_at >= FULL_SECONDS
        listed = self._remote.index(None if full else cursor.since)
        known = self._memory.times(None if full else list(listed))
        stale = [uuid for uuid, moment in listed.items() if known.get(uuid) != moment]
        buried = self._book.deleted(stale)
        stale = [uuid for uuid in stale if uuid not in buried]
        for start in range(0, len(stale), FETCH):
            for event in self._remote.events(stale[start : start + FETCH]):
                self._take(event)
        if full:
            self._delete_gone([uuid for uuid in known if uuid not in listed], len(known))
        latest = max([*listed.values(), cursor.since or 0])
        since = min(latest, self._now)  # an event dated in the future hides none that comes before its time
        cursor = msgspec.structs.replace(cursor, since=since, full_at=self._now if full else cursor.full_at)
        self._memory.keep(cursor)

    def _take(self, event: Doc) -> None:
        try:
            theirs = canonical(event, now=self._now, new_uuid=self._new_uuid)
        except Fault as fault:
            self.done.rejected += 1
            self.done.problem(str(fault))
            return
        self.done.rejected += len(theirs.pop("_rejected", ()))
        self._drop_echoes(theirs)
        uuid = theirs["uuid"]
        base = self._memory.known(uuid)
        if self._book.deleted([uuid]):
            return
        try:
            taken = self._book.take(uuid, lambda ours: _joined(base, ours, theirs))
        except Unavailable:
            raise
        except Fault as fault:  # one event that cannot be kept; it is tried again when the whole index is seen
            self.done.rejected += 1
            self.done.problem(str(fault))
            return
        self.done.pulled += taken.changed
        self.done.not_theirs += taken.not_theirs
        self.done.recognised += not taken.changed and not taken.not_theirs and base is not None
        self.done.rejected += taken.rejected
        self._memory.know(uuid, theirs["timestamp"], without_files(theirs))

    def _drop_echoes(self, theirs: Doc) -> None:
        """Our own sightings come back with their events; our word is not somebody else's."""
        for one in all_attributes(theirs) if self._mark else ():
            said = [sighting for sighting in one.pop("Sighting", ()) if sighting["source"] != self._mark]
            if said:
                one["Sighting"] = said

    def _delete_gone(self, gone: list[str], known: int) -> None:
        """What is not in the index any more and is not shown when asked for by name."""
        if len(gone) > max(FEW, known // 2) and not self._accept:
            self.done.problem(
                f"{len(gone)} of {known} events are gone from the MISP at once; nothing was deleted here. "
                "If that is right, synchronise with --accept-deletions."
            )
            return
        for start in range(0, len(gone), FETCH):
            asked = gone[start : start + FETCH]
            shown = {str(event.get("uuid")).lower() for event in self._remote.events(asked)}
            for uuid in asked:
                if uuid not in shown:
                    self._gone(uuid)

    def _gone(self, uuid: str) -> None:
        self.done.deleted_here += self._book.delete(uuid)
        self._memory.forget(uuid)

    def _push(self) -> None:
        """What was refused before first, then what is new; nothing is passed over that cannot be noted as refused."""
        self._refused = {(one.uuid, one.place): one for one in self._memory.refused()}
        for one in [one for one in self._refused.values() if one.due <= self._now]:
            refused = False
            for offer in self._desk.again(one.uuid, one.place):
                refused |= not self._try(offer)
            if not refused:
                del self._refused[one.uuid, one.place]
                self._memory.keep_refused(list(self._refused.values()))
        for offer in self._desk.offers(self._memory.cursor().change):
            if not self._try(offer) and (offer.uuid, offer.place) not in self._refused:
                self.done.problem(
                    f"The MISP did not take {MAX_REFUSED} events; nothing more is told to it until it takes some."
                )
                return
            cursor = self._memory.cursor()
            self._memory.keep(msgspec.structs.replace(cursor, change=max(cursor.change, offer.change)))

    def _try(self, offer: Offer) -> bool:
        """Tell an event; False when the MISP did not take it whole, which is then noted as far as there is room."""
        before = self.done.not_taken
        try:
            self._offer(offer)
            if self.done.not_taken == before:
                return True
        except Unavailable:
            raise
        except Fault as fault:
            self.done.problem(str(fault))
        key = offer.uuid, offer.place
        held = self._refused.get(key)
        tries = held.tries + 1 if held is not None else 0
        if held is not None or len(self._refused) < MAX_REFUSED or self._give_up_one():
            due = self._now + min(tries * AGAIN_SECONDS << min(tries, 10), FULL_SECONDS)
            self._refused[key] = Refusal(*key, tries, due)
            self._memory.keep_refused(list(self._refused.values()))
        return False

    def _give_up_one(self) -> bool:
        """Make room among the refused: what was refused longest goes, if that was long enough."""
        key = max(self._refused, key=lambda one: self._refused[one].tries)
        if self._refused[key].tries < MAX_TRIES:
            return False
        del self._refused[key]
        self.done.problem(f"The event {key[0]} was refused for days and is not offered again before it changes.")
        return True

    def _offer(self, offer: Offer) -> None:
        base = self._memory.known(offer.uuid)
        if offer.doc is None:
            # known, or told or fetched by a run that was killed before it remembered so
            if base is not None or (offer.between_us and self._remote.events([offer.uuid])):
                self._delete_there(offer.uuid)
            return
        self.done.withheld += offer.withheld
        if base is not None and not changes(base, offer.doc):
            return
        if base is None and not all_attributes(offer.doc) and offer.withheld:
            return
        try:
            recorded = self._desk.record(offer.uuid, offer.doc)
        except Refused as refused:  # our own policy's word: nothing that the MISP might take another time
            self.done.problem(str(refused))
            return
        self._tell(base, recorded)

    def _tell(self, base: Doc | None, recorded: Recorded[Release]) -> None:
        """Only what stands in the recorded release goes out (rule 1)."""
        ours: Doc = msgspec.json.decode(recorded.value.objects[0].body)
        try:
            held, refused = self._call(base, ours, recorded)
        except NotFound as absent:
            if base is None or self._shows(ours["uuid"]):
                raise  # a part of it is absent, or something between us answers so: the event is not deleted
            self._met_gone(ours["uuid"], absent)
            return
        self.done.not_taken += refused
        self.done.pushed += 1
        self._memory.know(ours["uuid"], held["timestamp"], without_files(held))

    def _shows(self, uuid: str) -> bool:
        return any(str(event.get("uuid")).lower() == uuid for event in self._remote.events([uuid]))

    def _met_gone(self, uuid: str, absent: NotFound) -> None:
        """An event that was deleted there since we looked: deletion wins, a few times without a question."""
        if self._met >= FEW and not self._accept:
            self.done.problem(
                f"{absent} More than {FEW} events are gone from the MISP; no more were deleted here. "
                "If that is right, synchronise with --accept-deletions."
            )
            return
        self._met += 1
        self._gone(uuid)

    def _call(self, base: Doc | None, ours: Doc, recorded: Recorded[Release]) -> tuple[Doc, int]:
        """Tell it; (what it then holds, how many parts it did not take)."""
        if base is None:
            there = self._remote.events([ours["uuid"]])  # a run that was killed may have added it
            if not there:
                added = self._canonical(self._remote.add(recorded, whole(ours)))
                told = frozenset(one["uuid"] for one in (ours, *all_attributes(ours), *ours["Object"]))
                return acknowledged(None, ours, added, told)
            base = self._canonical(there[0])
        wanted = changes(base, ours)
        answered = {**base, **ours, "timestamp": base["timestamp"]}
        if wanted.edit is not None:
            answered = self._canonical(self._remote.edit(recorded, wanted.edit))
            again = once_more(changes(answered, ours).edit, told_in(wanted.edit))
            if again is not None:  # its own clock may be ahead of the times we told: now newer than what it holds
                answered = self._canonical(self._remote.edit(recorded, again))
        attach, remove = partial(self._remote.attach, recorded), partial(self._remote.remove, recorded)
        unset = {one for one in wanted.attach if not self._tag(ours["uuid"], attach, *one)}
        stuck = {one for one in wanted.remove if not self._tag(ours["uuid"], remove, *one)}
        held, refused = acknowledged(base, ours, answered, told_in(wanted.edit))
        return retagged(held, unset, stuck), refused + len(unset) + len(stuck)

    def _tag(self, event: str, call: Callable[[str, str], None], uuid: str, tag: str) -> bool:
        """Set or take away one tag; False when the MISP does not do it. Raises NotFound when the event is gone."""
        try:
            call(uuid, tag)
        except Refused as refused:
            self.done.problem(str(refused))
            return False
        except NotFound as absent:
            if not self._shows(event):
                raise
            self.done.problem(str(absent))
            return False
        return True

    def _sight(self) -> None:
        """Tell what our sensors saw; what a key may not tell is not tried again."""
        for recorded, sighted in self._desk.sightings():
            for one in sighted:
                try:
                    self.done.sighted += self._remote.sight(recorded, one)
                except Refused as refused:
                    self.done.problem(str(refused))
                    self.done.not_taken += 1
                    break

    def _canonical(self, event: Doc) -> Doc:
        doc = canonical(event, now=self._now, new_uuid=self._new_uuid)
        doc.pop("_rejected", None)
        return doc

    def _delete_there(self, uuid: str) -> None:
        recorded = self._desk.recall(uuid)
        try:
            self._remote.delete(recorded)
            self.done.deleted_there += 1
        except NotFound:
            if self._shows(uuid):
                raise
        self._memory.forget(uuid)


def _joined(base: Doc | None, ours: Doc | None, theirs: Doc) -> Doc | None:
    """Ours after this look; an event that we told and do not keep as one takes in only what they added to it."""
    if ours is not None:
        return merge(base, ours, theirs)
    if base is None:
        return theirs
    told = {one["uuid"] for one in (*all_attributes(base), *base["Object"])}
    added = {
        **theirs,
        "Attribute": [one for one in theirs["Attribute"] if one["uuid"] not in told],
        "Object": [obj for obj in theirs["Object"] if obj["uuid"] not in told],
    }
    return added if added["Attribute"] or added["Object"] else None


def encode(doc: Doc) -> bytes:
    """An event as bytes that are equal for equal events."""
    return _encode(doc)
